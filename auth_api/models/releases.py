"""Changes by operators: the default, the traffic, the workers, and removals of versions.

The database is changed first. TorchServe is told afterwards; if that fails, `reconciler` tells it
again.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Mapping
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

REFRESH_SECONDS = 1.0
"""After this time every process of the service knows a change."""

_EMPTY = ModelState()


class Releases:
    """The versions of all models, from a cache that is at most `REFRESH_SECONDS` old.

    In all methods, `user_id` None means a change on the command line.
    """

    def __init__(self, settings: Settings, database: Database, torchserve: TorchServe) -> None:
        self._settings = settings
        self._database = database
        self._torchserve = torchserve
        self._states: Mapping[str, ModelState] = {}
        self._reads = itertools.count(1)
        self._newest_read = 0
        self._unhealthy: dict[str, set[str]] = {}

    def require_ours(self) -> None:
        """Raises `Conflict` if another system decides which versions are served."""
        if self._settings.versions_elsewhere:
            raise Conflict(
                "The deployment decides which versions are served, not this service.",
                "versions_elsewhere",
            )

    async def refresh(self) -> None:
        """Reads the database, unless versions are managed elsewhere. Raises `Unavailable`."""
        if self._settings.versions_elsewhere:
            return
        number = next(self._reads)
        found = await self._database.read(states.read)
        if number > self._newest_read:  # a read that started later may have ended earlier
            self._newest_read, self._states = number, found

    def state(self, model: str) -> ModelState:
        """Returns the state as of the last refresh."""
        return self._states.get(model, _EMPTY)

    def traffic_split(self, model: str) -> TrafficSplit | None:
        """Returns the shares; None until TorchServe serves the model for the first time."""
        release = self.state(model).release
        return TrafficSplit(release.default_version, release.traffic) if release else None

    def note_unhealthy(self, model: str, versions: set[str]) -> None:
        """Notes which versions have no ready worker in TorchServe."""
        self._unhealthy[model] = versions

    def unhealthy(self, model: str, version: str) -> bool:
        """Whether a version had no ready worker when it was last checked."""
        return version in self._unhealthy.get(model, ())

    def require_model(self, model: str) -> None:
        """Raises `NotFound` if the service has no such model."""
        if model not in self._settings.models:
            choices = " or ".join(self._settings.models)
            raise NotFound(f"There is no such model: choose {choices}.", "model_not_found")

    def version(self, model: str, version: str | None) -> ModelVersion:
        """Returns a registered version; the default if `version` is None. Raises `NotFound`."""
        state = self.state(model)
        if version is None:
            version = state.release.default_version if state.release else ""
        _require_registered(state, model, version)
        return state.versions[version]

    async def remove(
        self, model: str, version: str, user_id: int | None = None, request: Request | None = None
    ) -> None:
        """Stops serving a version, after its queued requests are answered.

        Raises `NotFound`, `Conflict` while it is the default or has traffic, `Unavailable`.
        """

        def work(session: Session) -> None:
            state = _locked(session, model, version)
            if state.in_use(version):
                raise Conflict(
                    f"Version {version} of {model} is in use: give its share to others first.",
                    "version_in_use",
                )
            row = state.versions[version]
            row.state, row.changed_at, row.changed_by = "removed", now(), user_id
            details = {"model": model, "version": version}
            recording.record(session, "version_removed", user_id, request, **details)

        await self._database.write(work)
        await self.refresh()
        with suppress(NotFound, Unavailable):  # the reconciler tries it again
            await self._drain(model, version)
            await self._torchserve.unregister(model, version)

    async def _drain(self, model: str, version: str) -> None:
        """Waits until a removed version has answered its requests.

        Raises `NotFound`, `Unavailable`.
        """
        deadline = time.monotonic() + self._settings.torchserve_timeout
        # Now every process knows of the removal and sends it no more requests.
        await asyncio.sleep(1.5 * REFRESH_SECONDS)
        while time.monotonic() < deadline:
            (served,) = await self._torchserve.versions(model, version)
            # `waiting` leaves out the requests that workers are processing: wait for these too.
            await asyncio.sleep(REFRESH_SECONDS)
            if not served.waiting:
                return

    async def set_default(
        self, model: str, version: str, user_id: int | None = None, request: Request | None = None
    ) -> ModelState:
        """Gives all clients one version. Raises `NotFound`, `Conflict`, `Unavailable`."""
        await self._require_ready(model, version)

        def change(release: ModelRelease) -> dict[str, Any]:
            before = release.default_version
            if before != version:
                release.previous_version = before
            release.default_version, release.traffic = version, {version: 100}
            return {"version": version, "before": before}

        await self._change_release(model, [version], change, "default_changed", user_id, request)
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
        """Divides the clients among versions: percent by version, 100 in all.

        Raises `NotFound`, `Conflict`, `Unavailable`.
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

        await self._change_release(model, shares, change, "traffic_changed", user_id, request)
        return self.state(model)

    async def set_workers(
        self,
        model: str,
        version: str,
        workers: int,
        user_id: int | None = None,
        request: Request | None = None,
    ) -> None:
        """Scales a version; keeps the old number of workers if new ones do not start.

        Raises `NotFound`, `BadRequest` for too many, `Unavailable`.
        """
        if workers > self._settings.max_workers:
            raise invalid("workers", f"can be {self._settings.max_workers} at most")
        before = await self._store_workers(model, version, workers, user_id, request)
        try:
            await self._torchserve.scale(model, version, workers)
            seconds = self._settings.smoke_seconds
            await smoke_test.wait_until_ready(self._torchserve, model, version, seconds)
        except smoke_test.NotReady as error:
            await self._store_workers(model, version, before, user_id, request)
            raise Unavailable("The workers do not start: there are as many as before.") from error

    async def _store_workers(
        self, model: str, version: str, workers: int, user_id: int | None, request: Request | None
    ) -> int:
        """Stores the target number of workers; returns the old one."""

        def work(session: Session) -> int:
            row = _locked(session, model, version).versions[version]
            before, row.workers = row.workers, workers
            row.changed_at, row.changed_by = now(), user_id
            details = {"version": version, "workers": workers, "before": before}
            recording.record(session, "workers_changed", user_id, request, model=model, **details)
            return before

        before = await self._database.write(work)
        await self.refresh()
        return before

    async def adopt(self, model: str, work: Callable[[Session, ModelState], None]) -> None:
        """Calls `work` in a transaction that adopts TorchServe's state into the database."""

        def locked_work(session: Session) -> None:
            session.get(ModelRelease, model, with_for_update=True)  # locks the model
            work(session, states.read(session).get(model, _EMPTY))

        with suppress(IntegrityError):  # another process adopted it at the same moment
            await self._database.write(locked_work)
        await self.refresh()

    async def _change_release(
        self,
        model: str,
        versions: Iterable[str],
        change: Callable[[ModelRelease], dict[str, Any]],
        action: Action,
        user_id: int | None,
        request: Request | None,
    ) -> None:
        def work(session: Session) -> None:
            release = _locked(session, model, *versions).release
            assert release
            details = change(release)
            release.since = release.changed_at = now()
            release.changed_by = user_id
            recording.record(session, action, user_id, request, model=model, **details)

        await self._database.write(work)
        await self.refresh()

    async def _require_ready(self, model: str, version: str) -> None:
        await self.refresh()  # another process may have just registered it
        _require_registered(self.state(model), model, version)
        try:
            (served,) = await self._torchserve.versions(model, version)
        except NotFound:
            served = None
        if served is None or not served.ready:
            raise Conflict(
                f"Version {version} of {model} has no worker that is ready.", "version_not_ready"
            )


def _locked(session: Session, model: str, *versions: str) -> ModelState:
    """Locks a model. Raises `NotFound` if it is not served or a version is not registered."""
    state = states.locked(session, model)
    for version in versions:
        _require_registered(state, model, version)
    return state


def _require_registered(state: ModelState, model: str, version: str) -> None:
    if not state.registered(version):
        name = f"version {version} of {model}" if version else f"version of {model} yet"
        raise NotFound(f"There is no {name}.", "version_not_found")
