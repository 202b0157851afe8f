"""Long answers: event streams and downloads. Their callers may lose access while they are sent.

A session may end, a key be revoked, a role change or an account be deactivated. So the caller is
looked up again every few seconds, also while a slow client reads nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from auth_api.authorisation.access import Access
from auth_api.authorisation.authoriser import Authoriser
from auth_api.errors import ApiError, Forbidden, TooMany, Unauthorised, Unavailable

logger = logging.getLogger(__name__)

MAX_PER_USER = 10
"""Long answers that a process sends to one user at the same time."""

_CHECK_SECONDS = 2.0
_RETRY_SECONDS = 5
_KINDS = (StreamingResponse, EventSourceResponse, FileResponse)


class LongAnswers:
    """The long answers that this process is sending."""

    def __init__(self, authoriser: Authoriser) -> None:
        self._authoriser = authoriser
        self._open: Counter[int] = Counter()

    def guarded(self, answer: Response, request: Request, access: Access) -> Response:
        """The answer of a route with `access`. A long one to a known caller ends early once the
        caller may not have it any more, and is `TooMany` if they have too many already.
        """
        if request.state.caller is None or not isinstance(answer, _KINDS):
            return answer
        return _LongAnswer(self, answer, request, access)

    @contextmanager
    def place(self, user_id: int) -> Iterator[None]:
        """One of the places of a user. Raises `TooMany`."""
        if self._open[user_id] >= MAX_PER_USER:
            raise TooMany(
                f"You have {MAX_PER_USER} streams and downloads open already: close one.",
                "too_many_streams",
                retry_after=_RETRY_SECONDS,
            )
        self._open[user_id] += 1
        try:
            yield
        finally:
            self._open[user_id] -= 1
            if not self._open[user_id]:
                del self._open[user_id]

    async def refusal(self, request: Request, access: Access) -> ApiError:
        """Waits until the caller of a request may not call its route any more; returns why."""
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            try:
                await self._authoriser.require_still(request, access)
            except Unavailable:
                continue  # nobody knows; the answer itself needs the database too
            except (Unauthorised, Forbidden) as refusal:
                logger.info("a long answer ends early", extra={"reason": refusal.code})
                return refusal


class _LongAnswer(Response):
    """Sends another response as long as its caller may have it."""

    def __init__(
        self, answers: LongAnswers, answer: Response, request: Request, access: Access
    ) -> None:
        self._answers = answers
        self._answer = answer
        self._request = request
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises `TooMany`, `Unauthorised`, `Forbidden` before anything is sent."""
        started = complete = False

        async def noting_send(message: Message) -> None:
            nonlocal started, complete
            await send(message)
            started = True
            complete = message["type"] == "http.response.body" and not message.get("more_body")

        with self._answers.place(self._request.state.caller.user_id):
            sending = asyncio.create_task(self._answer(scope, receive, noting_send))
            refusing = asyncio.create_task(self._answers.refusal(self._request, self._access))
            try:
                await asyncio.wait({sending, refusing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, refusing):
                    task.cancel()
                await asyncio.wait({sending, refusing})
        if not sending.cancelled():
            sending.result()
        elif not started:
            raise refusing.result()
        elif isinstance(self._answer, EventSourceResponse) and not complete:
            # The client connects again and gets the error. A download must not look complete: the
            # server closes its connection.
            await send({"type": "http.response.body", "body": b""})
