"""Makes an archive of the model store a version: validates, tests and records it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.models import ModelVersion
from auth_api.errors import ApiError, Conflict, Forbidden, Unauthorised, Unavailable
from auth_api.models import smoke_test
from auth_api.models.archive_validation import ValidArchive, validate
from auth_api.models.releases import Releases
from auth_api.settings import Settings
from auth_api.torchserve.client import TorchServe


class Registry:
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
        file: str,
        sha256: str | None,
        user_id: int | None = None,
        request: Request | None = None,
        require_allowed: Callable[[Session], object] | None = None,
    ) -> ModelVersion:
        """Registers an archive after its version has read a picture. It gets no traffic yet.

        `file` is its name in the model store, `sha256` its expected checksum; `user_id` is None on
        the command line. `require_allowed` raises in the transactions that reserve and register the
        version if the user may not any more. Raises what it raises, `NotFound`, `BadRequest` with
        the reason, `Conflict` if the version exists or versions are managed elsewhere,
        `Unavailable`.
        """
        allowed = require_allowed or (lambda _: None)
        self._releases.require_ours()
        try:
            archive, workers = await self._validate_and_test(model, file, sha256, user_id, allowed)
        except ApiError as error:
            refusal = {"archive": file[:140], "code": error.code, "reason": error.message}
            with suppress(Unavailable):
                await self._database.write(
                    lambda session: recording.record(
                        session, "version_refused", user_id, request, model=model, **refusal
                    )
                )
            raise

        def work(session: Session) -> ModelVersion:
            allowed(session)
            row = session.get_one(ModelVersion, (model, archive.version))
            row.state, row.workers, row.changed_at = "registered", workers, now()
            details = {"version": row.version, "archive": file, "sha256": archive.sha256}
            recording.record(
                session, "version_registered", user_id, request, model=model, **details
            )
            return row

        try:
            registered = await self._database.write(work)
        except (Forbidden, Unauthorised):
            await self._remove(model, archive.version)
            raise
        await self._releases.refresh()
        return registered

    async def register_trained(
        self,
        model: str,
        version: str,
        file: str,
        sha256: str,
        user_id: int,
        require_allowed: Callable[[Session], object],
    ) -> None:
        """Registers a trained version, also if a process died during an earlier attempt.

        `require_allowed` as in `register`. Raises what `register` raises.
        """
        await self._database.read(require_allowed)
        await self._releases.refresh()
        row = self._releases.state(model).versions.get(version)
        if row is not None and row.sha256 == sha256:
            if row.state == "registered":
                return
            await self._remove(model, version)
        await self.register(model, file, sha256, user_id, require_allowed=require_allowed)

    async def _validate_and_test(
        self,
        model: str,
        file: str,
        sha256: str | None,
        user_id: int | None,
        allowed: Callable[[Session], object],
    ) -> tuple[ValidArchive, int]:
        """Returns a good archive and the number of its workers, which TorchServe has started."""
        store = self._settings.model_store
        archive = await asyncio.to_thread(validate, store, model, file, sha256)
        is_new = await self._reserve(model, archive, user_id, allowed)
        try:
            seconds = self._settings.smoke_seconds
            await smoke_test.start_and_test(self._torchserve, model, archive, seconds)
            (served,) = await self._torchserve.versions(model, archive.version)
        except BaseException as error:
            # A conflict means that an operator registered it with TorchServe directly. Without a
            # row here the reconciler adopts it.
            delete = is_new and isinstance(error, Conflict)
            await self._withdraw(model, archive.version, delete=delete)
            raise
        return archive, served.workers

    async def _reserve(
        self,
        model: str,
        archive: ValidArchive,
        user_id: int | None,
        allowed: Callable[[Session], object],
    ) -> bool:
        """Marks a version as being tested, so that no other process registers it meanwhile.

        Returns whether the version is new. Raises what `allowed` raises, `Conflict`,
        `Unavailable`.
        """

        def work(session: Session) -> bool:
            allowed(session)
            row = session.get(ModelVersion, (model, archive.version), with_for_update=True)
            is_new = row is None
            if row is None:
                row = ModelVersion(
                    model=model, version=archive.version, workers=1, archive="", sha256="", state=""
                )
            elif row.state != "removed":
                raise _taken(model, archive.version)
            row.archive, row.sha256, row.state = archive.file, archive.sha256, "checking"
            row.changed_at, row.changed_by = now(), user_id
            session.add(row)
            return is_new

        try:
            return await self._database.write(work)
        except IntegrityError as error:  # another process reserved it at the same moment
            raise _taken(model, archive.version) from error

    async def _remove(self, model: str, version: str) -> None:
        """Withdraws a version that TorchServe may have."""
        await self._withdraw(model, version)
        with suppress(ApiError):
            await self._torchserve.unregister(model, version)

    async def _withdraw(self, model: str, version: str, *, delete: bool = False) -> None:
        """Marks a version as removed, or deletes its row."""

        def work(session: Session) -> None:
            row = session.get_one(ModelVersion, (model, version))
            row.state, row.changed_at = "removed", now()
            if delete:
                session.delete(row)

        with suppress(Unavailable):  # the reconciler finds that it is abandoned
            await self._database.write(work)
            await self._releases.refresh()


def _taken(model: str, version: str) -> Conflict:
    return Conflict(f"There is a version {version} of {model} already.", "version_exists")
