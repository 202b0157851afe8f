"""No body has more bytes than are allowed."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
from starlette.datastructures import Headers
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth_api.errors import TooLarge
from auth_api.http.error_responses import response_of

# A refused upload is still read for so long, so that its sender, who may read nothing before
# all is written, gets the refusal and not a broken connection.
_DRAIN_SECONDS = 5.0
_DRAIN_BYTES = 64 * 1024 * 1024


class BodyLimit:
    """Refuses a body of more than `limit` bytes: by its declared length before any of it is
    read, else as soon as it grows beyond.
    """

    def __init__(
        self, app: ASGIApp, limit: int, others: Mapping[str, int], forms: Mapping[str, int]
    ) -> None:
        """`others` are the limits of some paths, written as those of routes are; `forms` those
        of multipart forms at some paths, which are on the disk and not in memory.
        """
        self.app = app
        self.limit = limit
        self.others = [(compile_path(path)[0], limit) for path, limit in others.items()]
        self.forms = [(compile_path(path)[0], limit) for path, limit in forms.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_form = headers.get("content-type", "").lower().startswith("multipart/form-data")
        others = self.forms + self.others if is_form else self.others
        limits = (limit for pattern, limit in others if pattern.match(scope["path"]))
        limit = next(limits, self.limit)
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            await _refuse(limit, receive, send, 0)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _Overflow
            return message

        try:
            await self.app(scope, counted, send)
        except _Overflow:
            await _refuse(limit, receive, send, received)


async def _refuse(limit: int, receive: Receive, send: Send, received: int) -> None:
    megabytes = limit / (1024 * 1024)
    error = TooLarge(f"The request is too large: up to {megabytes:g} MB are taken.")
    response = response_of(error)
    response.headers["Connection"] = "close"
    await send({"type": "http.response.start", "status": 413, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    with anyio.move_on_after(_DRAIN_SECONDS):
        while received < _DRAIN_BYTES:
            message = await receive()
            received += len(message.get("body", b""))
            if not message.get("more_body"):
                break
    await send({"type": "http.response.body", "body": b""})


class _Overflow(Exception):
    """The body grew beyond the limit while it was read."""
