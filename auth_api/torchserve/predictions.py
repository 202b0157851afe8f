"""Sends images to TorchServe, one or a batch in a request, and translates the answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import orjson

from auth_api.errors import ApiError, Refused, Unanswered
from auth_api.observability.logs import client_request_id, request_id
from auth_api.torchserve.alone import SendAlone
from auth_api.torchserve.connection import Connection, failure
from auth_api.torchserve.endpoint import Response
from auth_api.torchserve.wire_format import Answer, PredictionRequest, pack, unpack

# How long a version gets single images after it did not understand a batch.
_UNBATCHED_SECONDS = 60.0
# Handlers then spend little time on each image; see `handlers.base`.
_QUICK = {"X-Quick": "1"}


class Predictions:
    """Predictions of the models of one TorchServe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # By model and version, in seconds of the monotonic clock.
        self._unbatched_until: dict[tuple[str, str | None], float] = {}

    async def predict(
        self, model: str, requests: Sequence[PredictionRequest]
    ) -> Sequence[Answer | Exception]:
        """Returns an answer for each request, in order, or its error: `Refused`, `NotFound`,
        `TooLarge`, `Unavailable`, or `SendAlone` for `predict_alone`. All requests are for the
        same version.

        Raises `NotFound`, `TooLarge`, `Unavailable` if the whole batch fails.
        """
        unbatched_until = self._unbatched_until.get((model, requests[0].version), 0.0)
        if len(requests) > 1 and unbatched_until <= time.monotonic():
            answers = await self._predict_batch(model, requests)
            if answers is not None:
                return answers
        return await asyncio.gather(*(self._outcome(model, each) for each in requests))

    async def predict_alone(self, model: str, request: PredictionRequest, *, quick: bool) -> Answer:
        """Returns the answer for an image that shares its request with no other.

        With `quick`, a slow image raises `SendAlone` before it has delayed others. Raises
        `Refused`, `NotFound`, `TooLarge`, `Unavailable`.
        """
        request_id.set(request.request_id)
        client_request_id.set("")  # this task may have been started by another request
        options = {**request.options, **_QUICK} if quick else request.options
        return await self.send(model, request.version, request.image, options)

    async def _outcome(self, model: str, request: PredictionRequest) -> Answer | Exception:
        try:
            return await self.predict_alone(model, request, quick=True)
        except ApiError as error:
            return error

    async def _predict_batch(
        self, model: str, requests: Sequence[PredictionRequest]
    ) -> Sequence[Answer | Exception] | None:
        """None if each image has to be sent alone."""
        version = requests[0].version
        body, headers = pack(requests)
        # Log lines, here and in the handler, are about all of these requests.
        request_id.set(",".join(request.request_id for request in requests))
        client_request_id.set("")
        try:
            answer = await self.send(model, version, body, {**headers, **_QUICK})
            found = unpack(answer, len(requests))
        except Refused:
            found = None
        except Unanswered:  # a single image may have made the whole batch fail
            return [SendAlone(quick=False) for _ in requests]
        if found is None:  # the handler is older than batches
            self._unbatched_until[model, version] = time.monotonic() + _UNBATCHED_SECONDS
            return None
        return [
            answer
            if status == HTTPStatus.OK
            else failure(Response(status, orjson.dumps(answer)), model, version)
            for status, answer in found
        ]

    async def send(
        self, model: str, version: str | None, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        """Sends an image or a batch as it is. Raises what `predict_alone` raises."""
        path = f"/predictions/{model}" + (f"/{version}" if version else "")
        response = await self._connection.send("inference", "POST", path, body, headers)
        if response.status != HTTPStatus.OK:
            raise failure(response, model, version)
        try:
            answer = orjson.loads(response.body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Unanswered("The model server answered something unreadable.")
        return answer
