"""What operators change: who gets which version, workers, what is served no more.

The database is changed first and its word counts; TorchServe is told afterwards, and where that
fails `auth_api.models.reconciler` tells it again.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.audit import Action
from auth_api.database.tables.models import ModelRelease, ModelVersion
from auth_api.errors import Conflict, NotFound, Unavailable
from auth_api.http.validation import invalid
from auth_api.models import smoke_test, states
from auth_api.models.states import ModelState
from auth_api.models.traffic_split import TrafficSplit
from auth_api.settings import Settings
from auth_api.torchserve.client import TorchServe

LOOK_SECONDS = 1.0
"""After so long every process of the service knows of a change."""

_NOBODY = ModelState()


class Releases:
    """The versions of all models; what is cached here is at most `LOOK_SECONDS` old. What no
    user changes somebody with access to the machine does.
    """

    def __init__(self, settings: Settings, database: Database, torchserve: TorchServe) -> None:
        self._settings = settings
        self._database = database
        self._torchserve = torchserve
        self._states: Mapping[str, ModelState] = {}
        self._looks = itertools.count(1)
        self._seen = 0
        self._silent: dict[str, set[str]] = {}

    def require_ours(self) -> None:
        """Raises Conflict where another system decides which versions are served."""
        if self._settings.versions_elsewhere:
            raise Conflict(
                "Which versions are served is not decided here, but where they are deployed.",
                "versions_elsewhere",
            )

    async def refresh(self) -> None:
        """Reads the database, unless nothing of it counts here. Raises Unavailable."""
        if self._settings.versions_elsewhere:
            return
        look = next(self._looks)
        found = await self._database.read(states.read)
        if look > self._seen:  # not what was there before another look that ended earlier
            self._seen, self._states = look, found

    def state(self, model: str) -> ModelState:
        """As of the last look."""
        return self._states.get(model, _NOBODY)

    def traffic_split(self, model: str) -> TrafficSplit | None:
        """None until TorchServe has been seen to serve the model."""
        return self.state(model).traffic_split

    def note_unhealthy(self, model: str, versions: set[str]) -> None:
        """Notes which versions TorchServe had no worker of that answers when it was looked at."""
        self._silent[model] = versions

    def unhealthy(self, model: str, version: str) -> bool:
        """Whether a version is known not to answer."""
        return version in self._silent.get(model, ())

    def require_model(self, model: str) -> None:
        """Raises NotFound for what is not to be served."""
        served = self._settings.models
        if model not in served:
            named = " or ".join(served)
            raise NotFound(f"There is no such model: choose {named}.", "model_not_found")

    def version(self, model: str, version: str | None) -> ModelVersion:
        """One that is registered, the default if none is named, as of the last look.

        Raises NotFound.
        """
        state = self.state(model)
        if version is None:
            version = state.release.default_version if state.release else ""
        _require_registered(state, model, version)
        return state.versions[version]

    async def remove(
        self,
        model: str,
        version: str,
        user_id: int | None = None,
        request: Request | None = None,
    ) -> None:
        """Has a version served no more, once the requests that it has got are answered.

        Raises NotFound, Conflict while somebody gets it, or Unavailable.
        """

        def work(session: Session) -> None:
            state = states.locked(session, model)
            _require_registered(state, model, version)
            if state.in_use(version):
                raise Conflict(
                    f"Version {version} of {model} is in use: give its share to others first.",
                    "version_in_use",
                )
            row = state.versions[version]
            row.state, row.changed_at, row.changed_by = "removed", now(), user_id
            recording.record(
                session, "version_removed", user_id, request, model=model, version=version
            )

        await self._database.write(work)
        await self.refresh()
        with suppress(NotFound, Unavailable):  # it is tried again
            await self._drain(model, version)
            await self._torchserve.unregister(model, version)

    async def _drain(self, model: str, version: str) -> None:
        """Waits until a version that nobody is given any more has answered what it was asked.

        Raises NotFound or Unavailable.
        """
        deadline = time.monotonic() + self._settings.torchserve_timeout
        # By then every process knows, and sends it nothing more.
        await asyncio.sleep(1.5 * LOOK_SECONDS)
        while time.monotonic() < deadline:
            (served,) = await self._torchserve.versions(model, version)
            # What its workers have taken from the queue is not counted: one more look for that.
            await asyncio.sleep(LOOK_SECONDS)
            if not served.waiting:
                return

    async def set_default(
        self,
        model: str,
        version: str,
        user_id: int | None = None,
        request: Request | None = None,
    ) -> ModelState:
        """Gives everybody one version. Raises NotFound, Conflict or Unavailable."""
        await self._require_ready(model, version)

        def change(release: ModelRelease) -> dict[str, Any]:
            before = release.default_version
            if before != version:
                release.previous_version = before
            release.default_version, release.traffic = version, {version: 100}
            return {"version": version, "before": before}

        await self._change(model, (version,), change, "default_changed", user_id, request)
        with suppress(NotFound, Unavailable):
            await self._torchserve.set_default(model, version)
        return self.state(model)

    async def set_traffic(
        self,
        model: str,
        traffic: Mapping[str, float],
        user_id: int | None = None,
        request: Request | None = None,
    ) -> ModelState:
        """Divides the users among versions, percent by version, 100 in all.

        Raises NotFound, Conflict or Unavailable.
        """
        shares = {
            version: int(share) if float(share).is_integer() else share
            for version, share in traffic.items()
            if share > 0
        }
        for version in shares:
            await self._require_ready(model, version)

        def change(release: ModelRelease) -> dict[str, Any]:
            before, release.traffic = release.traffic, shares
            return {"traffic": shares, "before": before}

        await self._change(model, tuple(shares), change, "traffic_changed", user_id, request)
        return self.state(model)

    async def set_workers(
        self,
        model: str,
        version: str,
        workers: int,
        user_id: int | None = None,
        request: Request | None = None,
    ) -> None:
        """Scales a version; it keeps the workers that it has where others do not start.

        Raises NotFound, BadRequest for too many, or Unavailable.
        """
        if workers > self._settings.max_workers:
            raise invalid("workers", f"can be {self._settings.max_workers} at most")
        before = await self._note_workers(model, version, workers, user_id, request)
        try:
            await self._torchserve.scale(model, version, workers)
            seconds = self._settings.smoke_seconds
            await smoke_test.wait_until_ready(self._torchserve, model, version, seconds)
        except smoke_test.NotReady as error:
            await self._note_workers(model, version, before, user_id, request)
            raise Unavailable("The workers do not start: there are as many as before.") from error

    async def _note_workers(
        self,
        model: str,
        version: str,
        workers: int,
        user_id: int | None,
        request: Request | None,
    ) -> int:
        """Notes how many workers there are to be; answers how many there were to be."""

        def work(session: Session) -> int:
            state = states.locked(session, model)
            _require_registered(state, model, version)
            row = state.versions[version]
            before = row.workers
            row.workers, row.changed_at, row.changed_by = workers, now(), user_id
            details = {"version": version, "workers": workers, "before": before}
            recording.record(session, "workers_changed", user_id, request, model=model, **details)
            return before

        before = await self._database.write(work)
        await self.refresh()
        return before

    async def adopt(self, model: str, work: Callable[[Session, ModelState], None]) -> None:
        """Has `work` bring the database in line with what TorchServe turned out to serve."""

        def adopting(session: Session) -> None:
            session.get(ModelRelease, model, with_for_update=True)  # nobody changes it meanwhile
            work(session, states.read(session).get(model, _NOBODY))

        with suppress(IntegrityError):  # another process did so at the same moment
            await self._database.write(adopting)
        await self.refresh()

    async def _change(
        self,
        model: str,
        versions: tuple[str, ...],
        change: Callable[[ModelRelease], dict[str, Any]],
        action: Action,
        user_id: int | None,
        request: Request | None,
    ) -> None:
        def work(session: Session) -> None:
            state = states.locked(session, model)
            for version in versions:
                _require_registered(state, model, version)
            release = state.release
            assert release
            details = change(release)
            release.since = release.changed_at = now()
            release.changed_by = user_id
            recording.record(session, action, user_id, request, model=model, **details)

        await self._database.write(work)
        await self.refresh()

    async def _require_ready(self, model: str, version: str) -> None:
        await self.refresh()  # another process may have registered it just now
        _require_registered(self.state(model), model, version)
        try:
            (served,) = await self._torchserve.versions(model, version)
        except NotFound:
            served = None
        if served is None or not served.ready:
            raise Conflict(
                f"Version {version} of {model} has no worker that is ready.", "version_not_ready"
            )


def _require_registered(state: ModelState, model: str, version: str) -> None:
    if not state.registered(version):
        named = f"version {version} of {model}" if version else f"version of {model} yet"
        raise NotFound(f"There is no {named}.", "version_not_found")
