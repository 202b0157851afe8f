"""Limits the size of request bodies."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
from starlette.datastructures import Headers
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth_api.errors import TooLarge
from auth_api.http.error_responses import response_of

# A rejected upload is still read, up to these limits, because many clients read no answer before
# they have sent everything. They would otherwise see a broken connection.
_DRAIN_SECONDS = 5.0
_DRAIN_BYTES = 64 * 1024 * 1024


class BodyLimit:
    """Answers 413 to a body of more than `limit` bytes. Pure ASGI.

    A body with a declared length is rejected before it is read, any other as soon as it exceeds
    the limit.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit: int,
        path_limits: Mapping[str, int],
        form_limits: Mapping[str, int],
    ) -> None:
        """`path_limits` replace `limit` for some paths, in the notation of routes. `form_limits`
        do so for multipart forms, which are written to disk and do not take memory.
        """
        self.app = app
        self.limit = limit
        self.path_limits = [(compile_path(path)[0], limit) for path, limit in path_limits.items()]
        self.form_limits = [(compile_path(path)[0], limit) for path, limit in form_limits.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_form = headers.get("content-type", "").lower().startswith("multipart/form-data")
        path_limits = self.form_limits + self.path_limits if is_form else self.path_limits
        limits = (limit for pattern, limit in path_limits if pattern.match(scope["path"]))
        limit = next(limits, self.limit)
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            await _reject(limit, receive, send, 0)
            return
        received = 0

        async def limited_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _Overflow
            return message

        try:
            await self.app(scope, limited_receive, send)
        except _Overflow:
            await _reject(limit, receive, send, received)


async def _reject(limit: int, receive: Receive, send: Send, received: int) -> None:
    megabytes = limit / (1024 * 1024)
    response = response_of(TooLarge(f"The request is too large: the limit is {megabytes:g} MB."))
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
    """The body exceeded the limit while it was read."""
