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
from contextlib import suppress

from sqlalchemy.orm import Session

from auth_api import audit
from auth_api.columns import now
from auth_api.errors import ApiError, Conflict, NotFound, Unavailable
from auth_api.models import states, trying
from auth_api.models.archives import Archives
from auth_api.models.arms import release_number
from auth_api.models.releases import LOOK_SECONDS, Releases
from auth_api.models.states import ModelState
from auth_api.models.tables import ModelRelease, ModelVersion
from auth_api.settings import Settings
from auth_api.torchserve import ServedVersion, TorchServe

logger = logging.getLogger(__name__)

_ALIGN_SECONDS = 2.0
_FIRST_SECONDS = 2.0


class Aligner:
    """A task that looks at both sides, in every process of the service."""

    def __init__(
        self,
        settings: Settings,
        releases: Releases,
        torchserve: TorchServe,
        archives: Archives,
    ) -> None:
        self._settings = settings
        self._releases = releases
        self._torchserve = torchserve
        self._archives = archives
        self._tasks: list[asyncio.Task[None]] = []
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
                except ApiError:
                    pass  # either is away, which is in the log, and is looked at again
                except Exception:
                    logger.exception("a model cannot be aligned", extra={"model": model})
            self._looked.set()
            await asyncio.sleep(_ALIGN_SECONDS)

    async def align(self, model: str) -> None:
        """Looks once, and does what is to be done. Raises ApiError."""
        try:
            served = {each.version: each for each in await self._torchserve.versions(model, "all")}
            (default,) = await self._torchserve.versions(model)
        except NotFound:
            return  # not even its first version is there
        await self._releases.refresh()
        await self._learn(model, served, default.version)
        state = self._releases.state(model)
        for version in sorted(state.versions, key=release_number):
            row = state.versions[version]
            if row.state == "registered" and version not in served:
                await self._bring_back(model, row, default.version)
        release = self._releases.state(model).release
        if release and release.default_version != default.version:
            await self._torchserve.set_default(model, release.default_version)
            logger.info(
                "the default was set again",
                extra={"model": model, "version": release.default_version},
            )
        await self._trim(model, served)

    async def _learn(self, model: str, served: dict[str, ServedVersion], default: str) -> None:
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
                session.add(row)
            if current.release is None:
                session.add(
                    ModelRelease(model=model, default_version=default, traffic={default: 100})
                )

        await self._releases.adopt(model, work)

    async def _bring_back(self, model: str, row: ModelVersion, default: str) -> None:
        """Has a version served that TorchServe has forgotten."""
        if await self._archives.sha256(row.archive) != row.sha256:
            await self._give_up(model, row.version, default, "its archive is gone or another one")
            return
        try:
            await self._torchserve.register(model, row.archive)
            await self._torchserve.scale(model, row.version, row.workers)
            seconds = self._settings.smoke_seconds
            await trying.wait_until_ready(self._torchserve, model, row.version, seconds)
            logger.info(
                "a version was brought back", extra={"model": model, "version": row.version}
            )
        except Conflict:
            pass  # another process was quicker
        except (ApiError, trying.NotReady) as error:
            with suppress(ApiError):
                await self._torchserve.unregister(model, row.version)
            logger.warning(
                "a version cannot be brought back",
                extra={"model": model, "version": row.version, "reason": str(error)},
            )

    async def _trim(self, model: str, served: dict[str, ServedVersion]) -> None:
        """Scales what has other workers than it should, and removes what is not to be there."""
        state = self._releases.state(model)
        for version, found in served.items():
            row = state.versions.get(version)
            if row is None:
                continue
            if row.state == "registered" and found.workers != row.workers:
                await self._torchserve.scale(model, version, row.workers)
            gone = row.state == "removed" or states.is_abandoned(row, self._settings.smoke_seconds)
            if gone and not state.in_use(version):
                with suppress(NotFound):
                    await self._torchserve.unregister(model, version)

    async def _give_up(self, model: str, version: str, default: str, reason: str) -> None:
        """Removes a version that cannot be served any more; its users get the default."""

        def work(session: Session, current: ModelState) -> None:
            row = current.versions[version]
            row.state, row.changed_at = "removed", now()
            release = current.release
            if release and current.in_use(version):
                if release.default_version == version:
                    release.previous_version, release.default_version = version, default
                shares = {name: share for name, share in release.traffic.items() if name != version}
                kept = release.default_version
                shares[kept] = shares.get(kept, 0) + release.traffic.get(version, 0)
                release.traffic, release.since = shares, now()
            details = {"model": model, "version": version, "reason": reason}
            audit.record(session, "version_removed", None, None, **details)

        await self._releases.adopt(model, work)
        logger.error("a version was lost", extra={"model": model, "version": version})


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
