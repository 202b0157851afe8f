"""The client of TorchServe: predictions, versions and workers of its models.

Callers get exceptions of `auth_api.errors` only; `connection` translates TorchServe's errors.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlencode

from auth_api.errors import Conflict, ModelMissing, NotFound, Refused, Unavailable
from auth_api.observability.logs import request_id
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings
from auth_api.torchserve.alone import Alone, SendAlone
from auth_api.torchserve.batcher import DynamicBatcher
from auth_api.torchserve.connection import Connection, failure
from auth_api.torchserve.predictions import Predictions
from auth_api.torchserve.wire_format import Answer, PredictionRequest


class ServedVersion(NamedTuple):
    """A version as TorchServe describes it."""

    version: str
    archive: str
    """File name in the model store, or a URL."""
    states: list[str]
    """State of each worker; `READY` if it answers."""
    processes: dict[str, int]
    """Process id of each running worker, by the worker's name."""
    workers: int
    """Target number of workers."""
    batch_size: int
    batch_delay: int
    """Milliseconds that TorchServe waits for a full batch."""
    response_timeout: int
    """Seconds that a worker may take for a batch."""
    waiting: int
    """Requests in TorchServe's queue."""

    @property
    def ready(self) -> bool:
        """Whether at least one worker answers."""
        return "READY" in self.states


class TorchServe:
    """A pooled client of one TorchServe, for the event loop it is made in."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        missing: Callable[[str], ModelMissing | None] = lambda model: None,
    ) -> None:
        """`missing` returns the error for a model that has no archive yet, None if it has one."""
        self._settings = settings
        self._metrics = metrics
        self._connection = Connection(settings, metrics)
        self._predictions = Predictions(self._connection)
        self._batchers: dict[str, DynamicBatcher] = {}
        self._alone: dict[str, Alone] = {}
        self._missing = missing
        # By model, in seconds of the monotonic clock.
        self._answered_at: dict[str, float] = {}

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
        shed: bool = True,
    ) -> Answer:
        """Returns the answer of `model` for an encoded image.

        `version` None means the version that TorchServe serves by default. `options` are request
        headers for the handler. `shed=False`: nobody waits for the answer, so the image is never
        rejected, however long the queue, and others have their turn. Raises `Refused`, `NotFound`,
        `TooLarge`, `Unavailable`.
        """
        if shed and (rejection := self.rejection(model)):
            raise rejection
        request = PredictionRequest(image, version, options or {}, request_id.get(), not shed)
        try:
            answer = await self._answer(model, request)
        except Refused:
            self._answered_at[model] = time.monotonic()
            raise
        except Unavailable as error:
            self._metrics.torchserve_failures.labels(model, error.code).inc()
            raise
        except NotFound as error:
            if missing := self._missing(model):
                raise missing from error
            raise
        self._answered_at[model] = time.monotonic()
        return answer

    async def probe(self, model: str, image: bytes, options: Mapping[str, str]) -> None:
        """Sends an image at once, past the queue: it tells whether `model` answers.

        Raises what `predict` raises.
        """
        await self._predictions.send(model, None, image, options)
        self._answered_at[model] = time.monotonic()

    async def _answer(self, model: str, request: PredictionRequest) -> Answer:
        try:
            return await self._batcher(model)(request)
        except SendAlone as error:
            return await self._alone_of(model)(request, quick=error.quick)

    def has_answered(self, model: str, since: float) -> bool:
        """Whether `model` answered any request after `since`, a time of the monotonic clock."""
        return self._answered_at.get(model, -math.inf) > since

    def rejection(self, model: str) -> Unavailable | None:
        """The error for a new prediction if the model's queue is too long, else None.

        An error is counted as a shed request.
        """
        batcher = self._batchers.get(model)
        rejection = batcher.rejection() if batcher else None
        if rejection:
            self._metrics.requests_shed.labels(model).inc()
        return rejection

    def _batcher(self, model: str) -> DynamicBatcher:
        if model not in self._batchers:
            self._batchers[model] = DynamicBatcher(
                partial(self._predict_batch, model),
                max_concurrency=self._settings.torchserve_max_concurrency,
                max_wait=self._settings.max_queue_seconds,
                timeout=self._settings.torchserve_timeout,
                observe_wait=self._metrics.torchserve_waiting_seconds.labels(model).observe,
            )
        return self._batchers[model]

    def _alone_of(self, model: str) -> Alone:
        if model not in self._alone:
            predict = partial(self._predict_alone, model)
            # Longer than one image ahead that gets no answer: the next one still gets its own.
            self._alone[model] = Alone(predict, 1.5 * self._settings.torchserve_timeout)
        return self._alone[model]

    async def _predict_batch(
        self, model: str, requests: Sequence[PredictionRequest]
    ) -> Sequence[Answer | Exception]:
        with self._measured(model, len(requests)):
            return await self._predictions.predict(model, requests)

    async def _predict_alone(
        self, model: str, request: PredictionRequest, *, quick: bool
    ) -> Answer:
        with self._measured(model, 1):
            return await self._predictions.predict_alone(model, request, quick=quick)

    @contextmanager
    def _measured(self, model: str, images: int) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - started
            for _ in range(images):
                self._metrics.torchserve_seconds.labels(model).observe(elapsed)

    async def versions(self, model: str, version: str | None = None) -> list[ServedVersion]:
        """Describes one version of `model`: the default if `version` is None; or `all` of them.

        Raises `NotFound`, `Unavailable`.
        """
        path = f"/models/{model}" + (f"/{version}" if version else "")
        return [_served(each) for each in await self._manage("GET", path, model, version)]

    async def register(self, model: str, archive: str) -> None:
        """Starts the workers of an archive of the model store; does not wait until they are ready.

        Raises `Conflict` if its version is served already, `NotFound`, `Unavailable`.
        """
        # `synchronous=true` blocks a thread of TorchServe that reads connections: others wait.
        query = {"url": archive, "synchronous": "false"}
        await self._manage("POST", "/models", model, None, query)

    async def unregister(self, model: str, version: str) -> None:
        """Stops serving a version other than the default. Raises `NotFound`, `Unavailable`."""
        await self._manage("DELETE", f"/models/{model}/{version}", model, version)

    async def set_default(self, model: str, version: str) -> None:
        """Lets `version` answer requests that name none. Raises `NotFound`, `Unavailable`."""
        await self._manage("PUT", f"/models/{model}/{version}/set-default", model, version)

    async def scale(self, model: str, version: str, workers: int) -> None:
        """Starts or stops workers of a version. Raises `NotFound`, `Unavailable`."""
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
        # In the URL, because TorchServe reads some parameters wrongly from a body.
        path = f"{path}?{urlencode(query)}" if query else path
        response = await self._connection.send("management", method, path)
        if response.status in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
            return json.loads(response.body)
        if response.status == HTTPStatus.CONFLICT:
            raise Conflict(f"This version of {model} is served already.", "version_exists")
        found = failure(response, model, version)
        missing = self._missing(model) if isinstance(found, NotFound) else None
        raise missing or found


def _served(described: dict[str, Any]) -> ServedVersion:
    workers = described["workers"]
    return ServedVersion(
        version=described["modelVersion"],
        archive=described["modelUrl"],
        states=[each["status"] for each in workers],
        processes={each["id"]: each["pid"] for each in workers if each["pid"] > 0},
        workers=described["minWorkers"],
        batch_size=described["batchSize"],
        batch_delay=described["maxBatchDelay"],
        response_timeout=described["responseTimeout"],
        waiting=described["jobQueueStatus"]["pendingRequests"],
    )
