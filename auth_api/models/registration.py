"""How an archive of the model store becomes a version: looked at, tried out, noted."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.models import ModelVersion
from auth_api.errors import ApiError, Conflict, Unavailable
from auth_api.models import smoke_test
from auth_api.models.archive_validation import ValidArchive, check
from auth_api.models.releases import Releases
from auth_api.settings import Settings
from auth_api.torchserve.client import TorchServe


class Registry:
    """Registers versions of all models."""

    def __init__(
        self, settings: Settings, database: Database, torchserve: TorchServe, releases: Releases
    ) -> None:
        self._settings = settings
        self._database = database
        self._torchserve = torchserve
        self._releases = releases

    async def register(
        self,
        model: str,
        archive: str,
        sha256: str | None,
        user_id: int | None = None,
        request: Request | None = None,
    ) -> ModelVersion:
        """Registers an archive of the model store once it has answered a picture; without a user,
        for somebody with access to the machine.

        Nobody gets the version yet. Raises NotFound, BadRequest with the reason for which it is
        refused, Conflict when there is such a version or it is not for us to say, or Unavailable.
        """
        self._releases.require_ours()
        try:
            checked = await asyncio.to_thread(
                check, self._settings.model_store, model, archive, sha256
            )
            is_new = await self._begin(model, checked, user_id)
        except ApiError as error:
            await self._note_refusal(model, archive, error, user_id, request)
            raise
        try:
            seconds = self._settings.smoke_seconds
            await smoke_test.start(self._torchserve, model, checked, seconds)
            (served,) = await self._torchserve.versions(model, checked.version)
        except BaseException as error:
            # One that TorchServe was told of directly goes on, and is learnt.
            forget = is_new and isinstance(error, Conflict)
            await self._end(model, checked.version, forget=forget)
            if isinstance(error, ApiError):
                await self._note_refusal(model, archive, error, user_id, request)
            raise

        def work(session: Session) -> ModelVersion:
            row = session.get_one(ModelVersion, (model, checked.version))
            row.state, row.workers, row.changed_at = "registered", served.workers, now()
            recording.record(
                session,
                "version_registered",
                user_id,
                request,
                model=model,
                version=checked.version,
                archive=archive,
                sha256=checked.sha256,
            )
            return row

        registered = await self._database.write(work)
        await self._releases.refresh()
        return registered

    async def register_trained(
        self, model: str, version: str, archive: str, sha256: str, user_id: int
    ) -> None:
        """Registers what was trained here, also when a process died while it did so.

        Raises what `register` does.
        """
        await self._releases.refresh()
        row = self._releases.state(model).versions.get(version)
        if row is not None and row.sha256 == sha256:
            if row.state == "registered":
                return
            await self._end(model, version)
            with suppress(ApiError):
                await self._torchserve.unregister(model, version)
        await self.register(model, archive, sha256, user_id)

    async def _begin(self, model: str, checked: ValidArchive, user_id: int | None) -> bool:
        """Notes that a version is being tried out; answers whether it never was before.

        Raises Conflict or Unavailable.
        """

        def work(session: Session) -> bool:
            row = session.get(ModelVersion, (model, checked.version), with_for_update=True)
            is_new = row is None
            if row is None:
                row = ModelVersion(
                    model=model, version=checked.version, workers=1, archive="", sha256="", state=""
                )
            elif row.state != "removed":
                raise _taken(model, checked.version)
            row.archive, row.sha256, row.state = checked.archive, checked.sha256, "checking"
            row.changed_at, row.changed_by = now(), user_id
            session.add(row)
            return is_new

        try:
            return await self._database.write(work)
        except IntegrityError as error:  # somebody else began at the same moment
            raise _taken(model, checked.version) from error

    async def _end(self, model: str, version: str, *, forget: bool = False) -> None:
        """Notes that a version is not to be served, or nothing of it at all."""

        def work(session: Session) -> None:
            row = session.get_one(ModelVersion, (model, version))
            row.state, row.changed_at = "removed", now()
            if forget:
                session.delete(row)

        with suppress(Unavailable):  # it is seen to be abandoned then
            await self._database.write(work)
            await self._releases.refresh()

    async def _note_refusal(
        self,
        model: str,
        archive: str,
        error: ApiError,
        user_id: int | None,
        request: Request | None,
    ) -> None:
        details = {"model": model, "archive": archive[:140], "code": error.code}
        with suppress(Unavailable):
            await self._database.write(
                lambda session: recording.record(
                    session, "version_refused", user_id, request, **details, reason=error.message
                )
            )


def _taken(model: str, version: str) -> Conflict:
    return Conflict(f"There is a version {version} of {model} already.", "version_exists")
