"""Limits the size of request bodies, and the time in which they arrive."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple

import anyio
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth_api.errors import ApiError, TooLarge, TooSlow
from auth_api.http.error_responses import response_of

_KB = 1024
_MB = 1024 * 1024
# A larger limit extends the deadline in proportion.
_TIMED_BYTES = 64 * _MB
_BYTES_PER_SECOND = 1000


class Sizes(NamedTuple):
    """The largest bodies of a route, in bytes."""

    form: int
    """Of multipart forms, which are written to disk and do not take memory."""
    other: int


SMALL = Sizes(64 * _KB, 64 * _KB)
"""For routes that take no picture."""


class Pace(NamedTuple):
    """How slowly a body may arrive, in seconds."""

    behind: float
    """How far it may fall behind 1000 bytes a second, counting only waits for the client."""
    whole: float
    """How long a body of up to 64 MB may take; more in proportion where the limit is larger."""


class BodyLimit:
    """Answers 413 to a body that is too large, and 408 to one that is too slow. Pure ASGI.

    A body with a declared length is rejected before it is read, any other as soon as it exceeds the
    limit.
    """

    def __init__(self, app: ASGIApp, pace: Pace, sizes: Mapping[str, Sizes]) -> None:
        """`sizes` are those of some paths, in the notation of routes; `SMALL` of all others."""
        self.app = app
        self.pace = pace
        self.sizes = [(compile_path(path)[0], sizes) for path, sizes in sizes.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = _BodyHead.of(scope)
        if head is None:
            await self.app(scope, receive, send)
            return
        sizes = next((sizes for path, sizes in self.sizes if path.match(scope["path"])), SMALL)
        limit = sizes.form if head.is_form else sizes.other
        if head.length > limit:
            await response_of(_too_large(limit))(scope, receive, send)
            return
        await self.app(scope, _Arrival(receive, limit, self.pace).receive, send)


class _BodyHead(NamedTuple):
    """The length and the kind of a body, from the head of its request."""

    length: int
    """0 if it is not declared."""
    is_form: bool

    @classmethod
    def of(cls, scope: Scope) -> _BodyHead | None:
        """None for a request without a body."""
        if scope["type"] != "http":
            return None
        length, has_body, is_form = 0, False, False
        for name, value in scope["headers"]:
            if name == b"content-length":
                length, has_body = int(value) if value.isdigit() else 0, value != b"0"
            elif name == b"transfer-encoding":
                has_body = True
            elif name == b"content-type":
                is_form = value.lower().startswith(b"multipart/form-data")
        return cls(length, is_form) if has_body else None


class _Arrival:
    """A body that arrives."""

    def __init__(self, receive: Receive, limit: int, pace: Pace) -> None:
        self._receive = receive
        self._limit = limit
        self._bytes = 0
        self._complete = False
        self._behind = self._left = pace.behind
        self._deadline = time.monotonic() + pace.whole * max(1, limit / _TIMED_BYTES)

    async def receive(self) -> Message:
        """The next part of the body. Raises `TooLarge`, `TooSlow`."""
        if self._complete:  # the application waits for a disconnect
            return await self._receive()
        began = time.monotonic()
        message: Message | None = None
        with anyio.move_on_after(min(self._left, self._deadline - began)):
            message = await self._receive()
        if message is None:
            raise TooSlow("The request arrived too slowly.")
        size = len(message.get("body", b""))
        waited = time.monotonic() - began
        self._left = min(self._behind, self._left + size / _BYTES_PER_SECOND - waited)
        self._bytes += size
        if self._bytes > self._limit:
            raise _too_large(self._limit)
        self._complete = not message.get("more_body", False)
        return message


def _too_large(limit: int) -> ApiError:
    size = f"{limit / _MB:g} MB" if limit >= _MB else f"{limit / _KB:g} kB"
    return TooLarge(
        f"The request is too large: the limit is {size}.", headers={"Connection": "close"}
    )
