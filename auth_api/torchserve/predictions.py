"""Predictions by TorchServe: one image a request, or several where several wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson

from auth_api.errors import ApiError, Refused, Unavailable, Unreachable
from auth_api.observability.logs import request_id
from auth_api.torchserve.batcher import BUSY
from auth_api.torchserve.connection import Connection, Response, failure
from auth_api.torchserve.wire_format import Asked, answers_in, joined

Answer = dict[str, Any]

# Seconds: so long is a version asked about one image at a time that did not understand a group.
_REMEMBERED = 60.0


class Predictions:
    """Asks the models of one TorchServe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._single: dict[tuple[str, str | None], float] = {}

    async def ask(self, model: str, questions: Sequence[Asked]) -> Sequence[Answer | Exception]:
        """The answer to each, which are all for one version, or why there is none: Refused,
        NotFound, TooLarge or Unavailable.
        """
        single = self._single.get((model, questions[0].version), 0.0) > time.monotonic()
        if len(questions) > 1 and not single:
            answers = await self._together(model, questions)
            if answers is not None:
                return answers
        return await asyncio.gather(*(self._alone(model, each) for each in questions))

    async def _together(
        self, model: str, questions: Sequence[Asked]
    ) -> Sequence[Answer | Exception] | None:
        """None where each is to be asked alone. Raises NotFound, TooLarge or Unavailable."""
        version = questions[0].version
        body, headers = joined(questions)
        # What is said meanwhile, on both sides, is said of all of them.
        request_id.set(",".join(question.request_id for question in questions))
        try:
            found = answers_in(await self._send(model, version, body, headers), len(questions))
        except Refused:
            found = None
        except Unavailable as error:
            if isinstance(error, Unreachable) or error.code == BUSY:
                raise
            return None  # one image may be to blame for what befell all of them
        if found is None:
            # Its handler is older than groups.
            self._single[model, version] = time.monotonic() + _REMEMBERED
            return None
        return [
            answer
            if status == HTTPStatus.OK
            else failure(Response(status, orjson.dumps(answer)), model, version)
            for status, answer in found
        ]

    async def _alone(self, model: str, question: Asked) -> Answer | Exception:
        request_id.set(question.request_id)
        try:
            return await self._send(model, question.version, question.image, question.options)
        except ApiError as error:
            return error

    async def _send(
        self, model: str, version: str | None, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        """Raises Refused, NotFound, TooLarge or Unavailable."""
        path = f"/predictions/{model}" + (f"/{version}" if version else "")
        response = await self._connection.send("inference", "POST", path, body, headers)
        if response.status != HTTPStatus.OK:
            raise failure(response, model, version)
        try:
            answer = orjson.loads(response.body)
        except ValueError as error:
            raise _unreadable() from error
        if not isinstance(answer, dict):
            raise _unreadable()
        return answer


def _unreadable() -> Unavailable:
    return Unavailable("The model server answered something unreadable.")
