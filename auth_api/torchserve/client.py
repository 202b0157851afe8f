"""The only module that speaks to TorchServe: bytes and a model's name in, its JSON out.

Every foreign failure becomes one of `auth_api.errors` here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlencode

from auth_api.errors import Conflict, ModelMissing, NotFound, Unavailable
from auth_api.observability.logs import request_id
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings
from auth_api.torchserve.batcher import Line
from auth_api.torchserve.connection import Connection, Response, failure
from auth_api.torchserve.predictions import Answer, Predictions
from auth_api.torchserve.wire_format import Asked


class ServedVersion(NamedTuple):
    """A version as TorchServe describes it."""

    version: str
    archive: str
    """Name of its file in the model store, or a whole address."""
    states: list[str]
    """Of each worker, `READY` if it answers."""
    processes: dict[str, int]
    """The process of each worker that has one, by the name of the worker."""
    workers: int
    """How many there are to be."""
    batch_size: int
    batch_delay: int
    """Milliseconds that a batch waits to be full."""
    response_timeout: int
    """Seconds that a worker may take."""
    waiting: int
    """Requests in its queue."""

    @property
    def ready(self) -> bool:
        """Whether there is a worker that answers."""
        return "READY" in self.states


class TorchServe:
    """A pooled client of one TorchServe, for the event loop it is made in."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        missing: Callable[[str], ModelMissing | None] = lambda model: None,
    ) -> None:
        """`missing` says why TorchServe does not know a model that is served; None if it should."""
        self._settings = settings
        self._metrics = metrics
        self._connection = Connection(settings, metrics)
        self._predicting = Predictions(self._connection)
        self._lines: dict[str, Line[Asked, Answer]] = {}
        self._missing = missing

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._connection.aclose()

    async def predict(
        self,
        model: str,
        image: bytes,
        version: str | None = None,
        options: Mapping[str, str] | None = None,
        *,
        patient: bool = False,
    ) -> Answer:
        """Has `model` look at an encoded image; the version that is served if none is named.

        `options` are the request headers that tell the handler what else is asked for. Who is
        `patient` is not refused however many wait. Raises Refused, NotFound, TooLarge or
        Unavailable.
        """
        if not patient and (refusal := self.refusal(model)):
            raise refusal
        try:
            return await self._line(model)(Asked(image, version, options or {}, request_id.get()))
        except Unavailable as error:
            self._metrics.torchserve_failures.labels(model, error.code).inc()
            raise
        except NotFound as error:
            if missing := self._missing(model):
                raise missing from error
            raise

    def refusal(self, model: str) -> Unavailable | None:
        """Why a prediction is refused at once, None where it is not. It is counted."""
        line = self._lines.get(model)
        refusal = line.refusal() if line else None
        if refusal:
            self._metrics.requests_shed.labels(model).inc()
        return refusal

    def _line(self, model: str) -> Line[Asked, Answer]:
        line = self._lines.get(model)
        if line is None:
            line = self._lines[model] = Line(
                partial(self._ask, model),
                at_once=self._settings.torchserve_max_concurrency,
                longest=self._settings.max_queue_seconds,
                patience=self._settings.torchserve_timeout,
                waited=self._metrics.torchserve_waiting_seconds[model,].observe,
            )
        return line

    async def _ask(self, model: str, questions: Sequence[Asked]) -> Sequence[Answer | Exception]:
        started = time.perf_counter()
        try:
            return await self._predicting.ask(model, questions)
        finally:
            elapsed = time.perf_counter() - started
            for _ in questions:
                self._metrics.torchserve_seconds[model,].observe(elapsed)

    async def versions(self, model: str, version: str | None = None) -> list[ServedVersion]:
        """One version of `model`, the default if none is named, or `all` of them.

        Raises NotFound or Unavailable.
        """
        path = f"/models/{model}" + (f"/{version}" if version else "")
        described = await self._manage("GET", path, model, version)
        return [_served(each) for each in described]

    async def register(self, model: str, archive: str) -> None:
        """Has the workers of an archive of the model store started.

        TorchServe could be told to answer only when they are ready, but keeps other callers
        waiting meanwhile: `synchronous` blocks a thread that reads from connections.

        Raises Conflict when its version is served already, NotFound or Unavailable.
        """
        query = {"url": archive, "synchronous": "false"}
        await self._manage("POST", "/models", model, None, query)

    async def unregister(self, model: str, version: str) -> None:
        """Ends the workers of a version other than the default. Raises NotFound or Unavailable."""
        await self._manage("DELETE", f"/models/{model}/{version}", model, version)

    async def set_default(self, model: str, version: str) -> None:
        """Has requests that name no version answered by this one.

        Raises NotFound or Unavailable.
        """
        await self._manage("PUT", f"/models/{model}/{version}/set-default", model, version)

    async def scale(self, model: str, version: str, workers: int) -> None:
        """Has workers of a version started or ended. Raises NotFound or Unavailable."""
        query = {"min_worker": str(workers), "max_worker": str(workers), "synchronous": "false"}
        await self._manage("PUT", f"/models/{model}/{version}", model, version, query)

    async def _manage(
        self,
        method: str,
        path: str,
        model: str,
        version: str | None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        # In the address, for TorchServe reads some of them wrongly from a body.
        path = f"{path}?{urlencode(query)}" if query else path
        response = await self._connection.send("management", method, path)
        if response.status in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
            return json.loads(response.body)
        if response.status == HTTPStatus.CONFLICT:
            raise Conflict(f"This version of {model} is served already.", "version_exists")
        raise self._failure(response, model, version)

    def _failure(self, response: Response, model: str, version: str | None) -> Exception:
        found = failure(response, model, version)
        missing = self._missing(model) if isinstance(found, NotFound) else None
        return missing or found


def _served(described: dict[str, Any]) -> ServedVersion:
    return ServedVersion(
        version=described["modelVersion"],
        archive=described["modelUrl"],
        states=[worker["status"] for worker in described["workers"]],
        processes={
            worker["id"]: worker["pid"] for worker in described["workers"] if worker["pid"] > 0
        },
        workers=described["minWorkers"],
        batch_size=described["batchSize"],
        batch_delay=described["maxBatchDelay"],
        response_timeout=described["responseTimeout"],
        waiting=described["jobQueueStatus"]["pendingRequests"],
    )
