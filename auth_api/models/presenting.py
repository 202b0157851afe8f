"""Models and versions as the API shows them: the database's state and TorchServe's together."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from auth_api.database.tables.models import ModelVersion
from auth_api.errors import ApiError, Refused
from auth_api.http.json_response import iso
from auth_api.models import smoke_test
from auth_api.models.archives import Archives
from auth_api.models.releases import Releases
from auth_api.models.states import ModelState
from auth_api.schemas.versions import release_number
from auth_api.settings import Settings
from auth_api.torchserve.client import ServedVersion, TorchServe

_MAIN_FIGURES = (
    "data",
    "pictures",
    "top1",
    "top3",
    "expected_calibration_error",
    "accuracy",
    "area_under_curve",
    "fixed",
)


# A model that has answered somebody within this time needs no picture of its own.
_RECENT_SECONDS = 5.0


class ModelPresenter:
    """Shows models and versions."""

    def __init__(
        self, settings: Settings, torchserve: TorchServe, releases: Releases, archives: Archives
    ) -> None:
        self._versions_elsewhere = settings.versions_elsewhere
        self._torchserve = torchserve
        self._releases = releases
        self._archives = archives

    async def model(self, name: str) -> dict[str, Any]:
        """Returns a `ModelShown`, also while TorchServe is down."""
        state = self._releases.state(name)
        served, problem = await self._served(name)
        rows = [row for row in state.versions.values() if row.state != "removed"]
        rows.sort(key=lambda row: release_number(row.version), reverse=True)
        release = state.release
        default = release.default_version if release else None
        card = None
        if default and default in state.versions:
            card = await self._archives.card(state.versions[default].archive)
        return {
            "name": name,
            "state": problem or _model_state(served.get(default or "")),
            "default": default,
            "previous": release.previous_version if release else None,
            "traffic": dict(release.traffic) if release else {},
            "versions": [await self._version(state, row, served) for row in rows],
            "card": card,
        }

    async def version(self, name: str, version: str) -> dict[str, Any]:
        """Returns a `VersionShown` of a registered version. Raises `NotFound`."""
        row = self._releases.version(name, version)
        served, _ = await self._served(name)
        return await self._version(self._releases.state(name), row, served)

    async def readiness(self, name: str) -> str:
        """Returns `ready`, or a sentence that says why the model does not answer."""
        if self._versions_elsewhere:
            return await self._probe(name)
        try:
            (served,) = await self._torchserve.versions(name)
        except ApiError as error:
            return error.message
        return _model_state(served)

    async def _probe(self, name: str) -> str:
        """The readiness by a prediction, because the management API is not in use."""
        if self._torchserve.has_answered(name, time.monotonic() - _RECENT_SECONDS):
            return "ready"
        picture = await asyncio.to_thread(smoke_test.PICTURE.read_bytes)
        try:
            await self._torchserve.probe(name, picture, smoke_test.OPTIONS)
        except Refused:  # this is an answer too
            pass
        except ApiError as error:
            return error.message
        return "ready"

    async def _served(self, name: str) -> tuple[dict[str, ServedVersion], str | None]:
        if self._versions_elsewhere:
            return {}, await self._probe(name)
        try:
            found = await self._torchserve.versions(name, "all")
        except ApiError as error:
            return {}, error.message
        return {each.version: each for each in found}, None

    async def _version(
        self, state: ModelState, row: ModelVersion, served: dict[str, ServedVersion]
    ) -> dict[str, Any]:
        found = served.get(row.version)
        release = state.release
        figures = await self._archives.figures(row.archive) or {}
        main = {name: figures[name] for name in _MAIN_FIGURES if name in figures}
        return {
            "version": row.version,
            "default": release is not None and release.default_version == row.version,
            "traffic": release.traffic.get(row.version, 0) if release else 0,
            "state": _version_state(row, found),
            "archive": row.archive,
            "sha256": row.sha256,
            "workers": row.workers,
            "workers_ready": found.states.count("READY") if found else 0,
            "batch_size": found.batch_size if found else None,
            "max_batch_delay": found.batch_delay if found else None,
            "response_timeout": found.response_timeout if found else None,
            "waiting": found.waiting if found else None,
            "changed_at": iso(row.changed_at),
            "figures": main or None,
        }


def release(name: str, state: ModelState) -> dict[str, Any]:
    """Returns a `ReleaseAnswer`."""
    found = state.release
    assert found
    return {
        "success": True,
        "model": name,
        "default": found.default_version,
        "previous": found.previous_version,
        "traffic": dict(found.traffic),
        "since": iso(found.since),
    }


def _model_state(served: ServedVersion | None) -> str:
    if served is None:
        return "its default version is not served yet"
    return "ready" if served.ready else "no worker is ready"


def _version_state(row: ModelVersion, served: ServedVersion | None) -> str:
    if row.state == "checking":
        return "checking"
    if served is None:
        return "missing"
    if served.ready:
        return "ready"
    return "starting" if served.states else "failing"
