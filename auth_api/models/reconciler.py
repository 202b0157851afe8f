"""Makes TorchServe serve what the database says, every two seconds.

TorchServe forgets all changes when it restarts, and operators may change it directly. The
reconciler registers and removes versions and sets the default and the workers. Versions that only
TorchServe knows are adopted into the database, without traffic: those that come with the software,
and those that operators registered directly.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta

from sqlalchemy.orm import Session

from auth_api.audit import recording
from auth_api.database.columns import now
from auth_api.database.tables.models import ModelRelease, ModelVersion
from auth_api.errors import ApiError, Conflict, ModelMissing, NotFound, Unavailable
from auth_api.models import states
from auth_api.models.archives import Archives
from auth_api.models.releases import REFRESH_SECONDS, Releases
from auth_api.models.states import ModelState
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings
from auth_api.torchserve.client import ServedVersion, TorchServe

logger = logging.getLogger(__name__)

_RECONCILE_SECONDS = 2.0
_START_TIMEOUT_SECONDS = 2.0
# How long a version that did not start is left alone.
_RETRY_SECONDS = 60.0


class Reconciler:
    """Background tasks, in every process of the service."""

    def __init__(
        self,
        settings: Settings,
        releases: Releases,
        torchserve: TorchServe,
        archives: Archives,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._releases = releases
        self._torchserve = torchserve
        self._archives = archives
        self._tasks: list[asyncio.Task[None]] = []
        # By model and version, in seconds of the monotonic clock: the deadline of versions that are
        # being restored, and when versions that did not start are restored again.
        self._ready_by: dict[tuple[str, str], float] = {}
        self._retry_at: dict[tuple[str, str], float] = {}
        # After this time no request for a removed version can be in flight.
        self._drain_seconds = settings.torchserve_timeout + 2 * REFRESH_SECONDS
        self._reconciled = asyncio.Event()

    async def start(self) -> None:
        """Starts the tasks; waits up to two seconds for the first reconciliation."""
        loops = (self._refresh_forever(), self._reconcile_forever())
        self._tasks = [asyncio.create_task(loop) for loop in loops]
        with suppress(TimeoutError):
            await asyncio.wait_for(self._reconciled.wait(), _START_TIMEOUT_SECONDS)

    async def stop(self) -> None:
        """Cancels the tasks."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _refresh_forever(self) -> None:
        while True:
            with suppress(Unavailable):
                await self._releases.refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    async def _reconcile_forever(self) -> None:
        while True:
            await self._reconcile_all()
            self._reconciled.set()
            await asyncio.sleep(_RECONCILE_SECONDS)

    async def _reconcile_all(self) -> None:
        """Compares both sides of all models once and removes the differences."""
        found: dict[str, tuple[dict[str, ServedVersion], str | None]] = {}
        for model in self._settings.models:
            with self._noted(model):
                found[model] = await self._served(model)
        # One read for all models. It comes last, because the database is the first to know of a
        # version that an operator registers.
        try:
            await self._releases.refresh()
        except Unavailable:
            found.clear()
        for model in self._settings.models:
            if model in found:
                with self._noted(model):
                    await self._reconcile(model, *found[model])
            else:
                self._measure(model, {})

    @contextmanager
    def _noted(self, model: str) -> Iterator[None]:
        try:
            yield
        except ApiError:  # TorchServe or the database is unreachable, which is logged
            self._measure(model, {})
        except Exception:
            logger.exception("a model cannot be reconciled", extra={"model": model})

    async def _reconcile(
        self, model: str, served: dict[str, ServedVersion], default: str | None
    ) -> None:
        if default is not None:
            await self._adopt(model, served, default)
        for version, row in self._releases.state(model).versions.items():
            await self._reconcile_version(model, row, served.get(version), default)
        state, ready = self._releases.state(model), {v for v in served if served[v].ready}
        unhealthy = {version for version in state.versions if state.registered(version)} - ready
        self._releases.note_unhealthy(model, unhealthy)
        self._measure(model, served)
        release = state.release
        if release and release.default_version != default and release.default_version in ready:
            await self._torchserve.set_default(model, release.default_version)
            details = {"model": model, "version": release.default_version}
            logger.info("the default version was set again", extra=details)

    def _measure(self, model: str, served: Mapping[str, ServedVersion]) -> None:
        """Sets the metrics of wanted and ready workers."""
        state = self._releases.state(model)
        for version, row in state.versions.items():
            wanted = row.workers if state.registered(version) else 0
            found = served.get(version)
            ready = found.states.count("READY") if found else 0
            self._metrics.workers.labels(model, version, "wanted").set(wanted)
            self._metrics.workers.labels(model, version, "ready").set(ready)

    async def _served(self, model: str) -> tuple[dict[str, ServedVersion], str | None]:
        """Returns TorchServe's versions and its default; nothing if it does not know the model.

        It does not know a model whose first archive is missing, even if others were trained since.
        """
        try:
            served = {each.version: each for each in await self._torchserve.versions(model, "all")}
            if len(served) == 1:
                (only,) = served  # the only version is the default
                return served, only
            (default,) = await self._torchserve.versions(model)
        except (NotFound, ModelMissing):
            return {}, None
        return served, default.version

    async def _adopt(self, model: str, served: dict[str, ServedVersion], default: str) -> None:
        state = self._releases.state(model)
        new: dict[str, str] = {}
        for version, found in served.items():
            checksum = await self._archives.sha256(found.archive)
            if checksum is not None and _should_adopt(state, found, checksum):
                new[version] = checksum
        if not new and state.release is not None:
            return

        def work(session: Session, current: ModelState) -> None:
            for version, checksum in new.items():
                row = current.versions.get(version) or ModelVersion(
                    model=model,
                    version=version,
                    archive="",
                    sha256="",
                    workers=1,
                    state="registered",
                )
                row.archive, row.sha256 = served[version].archive, checksum
                if row.changed_by is None:  # no operator has set the number
                    row.workers = served[version].workers
                session.add(row)
            if current.release is None:
                shares = {default: 100}
                session.add(ModelRelease(model=model, default_version=default, traffic=shares))

        await self._releases.adopt(model, work)

    async def _reconcile_version(
        self, model: str, row: ModelVersion, found: ServedVersion | None, default: str | None
    ) -> None:
        if states.is_abandoned(row, self._settings.smoke_seconds):
            await self._releases.adopt(model, _mark_removed(row.version))
        elif row.state == "removed":
            long_ago = now() - row.changed_at > timedelta(seconds=self._drain_seconds)
            if found and row.version != default and long_ago:
                with suppress(NotFound):
                    await self._torchserve.unregister(model, row.version)
        elif row.state == "registered" and found is None:
            await self._restore(model, row, default)
        elif row.state == "registered" and found:
            await self._check_workers(model, row, found, default)

    async def _restore(self, model: str, row: ModelVersion, default: str | None) -> None:
        """Registers a version that TorchServe has forgotten."""
        key = model, row.version
        if self._retry_at.get(key, 0) > time.monotonic():
            return
        if await self._archives.sha256(row.archive) != row.sha256:
            if default is not None:
                await self._remove_lost(model, row.version, default)
            return
        with suppress(Conflict):  # another process was faster
            await self._torchserve.register(model, row.archive)
            await self._torchserve.scale(model, row.version, row.workers)
        self._ready_by[key] = time.monotonic() + self._settings.smoke_seconds

    async def _check_workers(
        self, model: str, row: ModelVersion, found: ServedVersion, default: str | None
    ) -> None:
        """Scales a version; stops a restored version whose workers do not start in time."""
        key, details = (model, row.version), {"model": model, "version": row.version}
        if found.ready:
            if self._ready_by.pop(key, None):
                logger.info("a version was restored", extra=details)
        elif self._ready_by.get(key, math.inf) < time.monotonic():
            del self._ready_by[key]
            self._retry_at[key] = time.monotonic() + _RETRY_SECONDS
            logger.warning("a version cannot be restored", extra=details)
            if row.version != default:
                await self._torchserve.unregister(model, row.version)
                return
        if found.workers != row.workers:
            await self._torchserve.scale(model, row.version, row.workers)

    async def _remove_lost(self, model: str, version: str, default: str) -> None:
        """Removes a version whose archive is gone or changed; its clients get the default."""
        details = {"model": model, "version": version}

        def work(session: Session, current: ModelState) -> None:
            _mark_removed(version)(session, current)
            current.versions[default].state = "registered"  # because its clients get the default
            release = current.release
            if release and current.in_use(version):
                if release.default_version == version:
                    release.previous_version, release.default_version = version, default
                shares = {name: share for name, share in release.traffic.items() if name != version}
                kept = release.default_version
                shares[kept] = shares.get(kept, 0) + release.traffic.get(version, 0)
                release.traffic, release.since = shares, now()
            reason = "the archive is not the same"
            recording.record(session, "version_removed", None, None, **details, reason=reason)

        await self._releases.adopt(model, work)
        logger.error("a version was removed: its archive is gone or changed", extra=details)


def _mark_removed(version: str) -> Callable[[Session, ModelState], None]:
    def work(session: Session, current: ModelState) -> None:
        row = current.versions[version]
        row.state, row.changed_at = "removed", now()

    return work


def _should_adopt(state: ModelState, served: ServedVersion, checksum: str) -> bool:
    """Whether a served version is new to the database, or has a new archive that is allowed.

    Only archives that come with the software may change, because they are rebuilt under the same
    name.
    """
    row = state.versions.get(served.version)
    if row is None:
        return served.ready
    own = row.archive == f"{row.model}.mar" == served.archive
    return row.state == "registered" and own and row.sha256 != checksum
