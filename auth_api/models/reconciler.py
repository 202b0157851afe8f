"""Brings TorchServe in line with the database, again and again.

TorchServe forgets at every start what it was told since the last one, and operators may speak to
it directly. What the database says is registered is served, what it says is removed is not, and
the default and the workers are as it says. What it knows nothing of it learns: the archives that
come with the software, and versions that somebody registered with TorchServe itself, to which
nobody is sent until they say so here.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta

from sqlalchemy.orm import Session

from auth_api.audit import recording
from auth_api.database.columns import now
from auth_api.database.tables.models import ModelRelease, ModelVersion
from auth_api.errors import ApiError, Conflict, ModelMissing, NotFound, Unavailable
from auth_api.models import states
from auth_api.models.archives import Archives
from auth_api.models.releases import LOOK_SECONDS, Releases
from auth_api.models.states import ModelState
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings
from auth_api.torchserve.client import ServedVersion, TorchServe

logger = logging.getLogger(__name__)

_RECONCILE_SECONDS = 2.0
_FIRST_SECONDS = 2.0
_REST_SECONDS = 60.0


class Reconciler:
    """A task that looks at both sides, in every process of the service."""

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
        # By model and version, in seconds of the monotonic clock: when those that are being
        # brought back must be ready, and until when those that were not are left alone.
        self._starting: dict[tuple[str, str], float] = {}
        self._resting: dict[tuple[str, str], float] = {}
        # After so long no request for a version that was removed can be under way.
        self._drain_seconds = settings.torchserve_timeout + 2 * LOOK_SECONDS
        self._looked = asyncio.Event()

    async def start(self) -> None:
        """Begins to look; returns after the first look, or a little later where that takes long."""
        self._tasks = [asyncio.create_task(self._refresh()), asyncio.create_task(self._align())]
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._looked.wait(), _FIRST_SECONDS)

    async def stop(self) -> None:
        """Stops, in the middle of whatever it is."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _refresh(self) -> None:
        while True:
            with suppress(Unavailable):
                await self._releases.refresh()
            await asyncio.sleep(LOOK_SECONDS)

    async def _align(self) -> None:
        while True:
            for model in self._settings.models:
                try:
                    await self.align(model)
                except ApiError:  # either is away, which is in the log, and is looked at again
                    self._measure(model, {})
                except Exception:
                    logger.exception("a model cannot be aligned", extra={"model": model})
            self._looked.set()
            await asyncio.sleep(_RECONCILE_SECONDS)

    async def align(self, model: str) -> None:
        """Looks once, and does what is to be done. Raises ApiError."""
        served, default = await self._served(model)
        await self._releases.refresh()
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
            logger.info("the default was set again", extra=details)

    def _measure(self, model: str, served: Mapping[str, ServedVersion]) -> None:
        """Says how many workers there are to be of each version, and how many answer."""
        state = self._releases.state(model)
        for version, row in state.versions.items():
            wanted = row.workers if state.registered(version) else 0
            found = served.get(version)
            ready = found.states.count("READY") if found else 0
            self._metrics.workers.labels(model, version, "wanted").set(wanted)
            self._metrics.workers.labels(model, version, "ready").set(ready)

    async def _served(self, model: str) -> tuple[dict[str, ServedVersion], str | None]:
        """All versions that TorchServe has, and its default; nothing where the first one is
        missing, which others may have been trained in the place of.
        """
        try:
            served = {each.version: each for each in await self._torchserve.versions(model, "all")}
            (default,) = await self._torchserve.versions(model)
        except (NotFound, ModelMissing):
            return {}, None
        return served, default.version

    async def _adopt(self, model: str, served: dict[str, ServedVersion], default: str) -> None:
        state = self._releases.state(model)
        checksums = {
            each.version: await self._archives.sha256(each.archive) for each in served.values()
        }
        new = {
            version: checksum
            for version, checksum in checksums.items()
            if checksum is not None and _is_news(state, served[version], checksum)
        }
        if not new and state.release is not None:
            return

        def work(session: Session, current: ModelState) -> None:
            for version, checksum in new.items():
                row = current.versions.get(version) or _row(model, served[version])
                row.archive, row.sha256 = served[version].archive, checksum
                if row.changed_by is None:  # nobody has said how many there are to be
                    row.workers = served[version].workers
                session.add(row)
            if current.release is None:
                session.add(
                    ModelRelease(model=model, default_version=default, traffic={default: 100})
                )

        await self._releases.adopt(model, work)

    async def _reconcile_version(
        self, model: str, row: ModelVersion, found: ServedVersion | None, default: str | None
    ) -> None:
        """Does for one version what is to be done."""
        if states.is_abandoned(row, self._settings.smoke_seconds):
            await self._releases.adopt(model, _removing(row.version))
        elif row.state == "removed":
            long_ago = now() - row.changed_at > timedelta(seconds=self._drain_seconds)
            if found and row.version != default and long_ago:
                with suppress(NotFound):
                    await self._torchserve.unregister(model, row.version)
        elif row.state == "registered" and found is None:
            await self._bring_back(model, row, default)
        elif row.state == "registered" and found:
            await self._watch(model, row, found, default)

    async def _bring_back(self, model: str, row: ModelVersion, default: str | None) -> None:
        """Has a version served that TorchServe has forgotten."""
        place = model, row.version
        if self._resting.get(place, 0) > time.monotonic():
            return
        if await self._archives.sha256(row.archive) != row.sha256:
            if default is not None:
                await self._give_up(model, row.version, default)
            return
        with suppress(Conflict):  # another process was quicker
            await self._torchserve.register(model, row.archive)
            await self._torchserve.scale(model, row.version, row.workers)
        self._starting[place] = time.monotonic() + self._settings.smoke_seconds

    async def _watch(
        self, model: str, row: ModelVersion, found: ServedVersion, default: str | None
    ) -> None:
        """Sees to it that a version has the workers that it should."""
        place, details = (model, row.version), {"model": model, "version": row.version}
        if found.ready:
            if self._starting.pop(place, None):
                logger.info("a version was brought back", extra=details)
        elif self._starting.get(place, math.inf) < time.monotonic():
            del self._starting[place]
            self._resting[place] = time.monotonic() + _REST_SECONDS
            logger.warning("a version cannot be brought back", extra=details)
            if row.version != default:
                await self._torchserve.unregister(model, row.version)
                return
        if found.workers != row.workers:
            await self._torchserve.scale(model, row.version, row.workers)

    async def _give_up(self, model: str, version: str, default: str) -> None:
        """Removes a version whose archive is gone or another one; its users get the default."""

        def work(session: Session, current: ModelState) -> None:
            _removing(version)(session, current)
            current.versions[default].state = "registered"  # everybody gets it
            release = current.release
            if release and current.in_use(version):
                if release.default_version == version:
                    release.previous_version, release.default_version = version, default
                shares = {name: share for name, share in release.traffic.items() if name != version}
                kept = release.default_version
                shares[kept] = shares.get(kept, 0) + release.traffic.get(version, 0)
                release.traffic, release.since = shares, now()
            details = {"model": model, "version": version, "reason": "the archive is not the same"}
            recording.record(session, "version_removed", None, None, **details)

        await self._releases.adopt(model, work)
        logger.error("a version was lost", extra={"model": model, "version": version})


def _removing(version: str) -> Callable[[Session, ModelState], None]:
    def work(session: Session, current: ModelState) -> None:
        row = current.versions[version]
        row.state, row.changed_at = "removed", now()

    return work


def _is_news(state: ModelState, served: ServedVersion, checksum: str) -> bool:
    """Whether the database does not know a served version as it is.

    Archives that come with the software are built anew under the same name; any other one that
    changes is not the one that was registered.
    """
    row = state.versions.get(served.version)
    if row is None:
        return served.ready
    own = row.archive == f"{row.model}.mar" == served.archive
    return row.state == "registered" and own and row.sha256 != checksum


def _row(model: str, served: ServedVersion) -> ModelVersion:
    return ModelVersion(
        model=model,
        version=served.version,
        archive=served.archive,
        sha256="",
        workers=served.workers,
        state="registered",
    )
