"""Whether the service can do its work: the database and each model."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Coroutine
from typing import Any, NamedTuple

from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily

from auth_api.database.database import Database
from auth_api.errors import ApiError
from auth_api.models.presenting import ModelPresenter

READY = "ready"

# Probes and Prometheus wait some seconds for an answer.
_DEADLINE_SECONDS = 2.0
_KEPT_SECONDS = 5.0
_DATABASE_SILENT = "The database does not answer in time."
_MODEL_SILENT = "The model server does not answer in time."


class States(NamedTuple):
    """`ready`, or a sentence that says why not."""

    database: str
    models: dict[str, str]

    @property
    def ready(self) -> bool:
        return {self.database, *self.models.values()} == {READY}


class Readiness:
    """Asks everything at once, and never longer than a probe waits."""

    def __init__(
        self, database: Database, presenter: ModelPresenter, models: tuple[str, ...]
    ) -> None:
        self._database = database
        self._presenter = presenter
        self._models = models
        self._lock = asyncio.Lock()
        self._asked_at = -math.inf
        self._found: dict[str, str] = {}

    async def states(self) -> States:
        """The database as it is now, the models as they were within the last five seconds."""
        return States(*await asyncio.gather(self.database(), self._model_states()))

    async def metrics(self) -> list[Metric]:
        """The states of the models, for Prometheus."""
        ready = GaugeMetricFamily("model_ready", "Whether the model answers.", labels=("model",))
        for model, state in (await self._model_states()).items():
            ready.add_metric((model,), state == READY)
        return [ready]

    async def database(self) -> str:
        """The state of the database alone, as it is now."""
        return await _in_time(self._ping(), _DATABASE_SILENT)

    async def _model_states(self) -> dict[str, str]:
        async with self._lock:
            if time.monotonic() - self._asked_at > _KEPT_SECONDS:
                asked = (
                    _in_time(self._presenter.readiness(model), _MODEL_SILENT)
                    for model in self._models
                )
                found = await asyncio.gather(*asked)
                self._found = dict(zip(self._models, found, strict=True))
                self._asked_at = time.monotonic()
        return self._found

    async def _ping(self) -> str:
        try:
            await self._database.ping()
        except ApiError as error:
            return error.message
        return READY


async def _in_time(check: Coroutine[Any, Any, str], silent: str) -> str:
    task = asyncio.create_task(check)
    try:
        done, _ = await asyncio.wait({task}, timeout=_DEADLINE_SECONDS)
        return task.result() if done else silent
    finally:
        task.cancel()  # not waited for: PostgreSQL's driver takes two more seconds to give up
