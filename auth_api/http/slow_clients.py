"""Clients that send or read too slowly are let go, so that they keep nothing from others.

The head of a request has to be there in so many seconds; its body may fall as many behind a
thousand bytes a second, as in Apache's `RequestReadTimeout`, whose defaults are 20 seconds and half
of that; and as long may nobody take what is sent to them, be it that they do not read or that they
have vanished without a word. Connections between two requests are closed by uvicorn.
"""

from __future__ import annotations

import asyncio
import socket
import time
from http import HTTPStatus
from typing import Any

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from auth_api.errors import ApiError, BadRequest, TooSlow
from auth_api.http.error_responses import response_of
from auth_api.observability.logs import new_request_id

_BYTES_A_SECOND = 1000
# Of Linux: how long what was sent may go unacknowledged, or wait for a window that is shut.
_TCP_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)


class TimelyProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, with a bound to how long the head of a request may take.

    What is no HTTP is answered in the one error shape too.
    """

    def __init__(self, *, seconds: float, **given: Any) -> None:
        super().__init__(**given)
        self._seconds = seconds
        self._head_expected: asyncio.TimerHandle | None = None
        self._head_begun = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expects a request on a new connection."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and _TCP_USER_TIMEOUT is not None:
            milliseconds = round(self._seconds * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, milliseconds)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expects nothing any more."""
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Has the parser read; where it has no whole head then, the rest is expected."""
        super().data_received(data)
        answering = self.cycle is not None and not self.cycle.response_complete
        if not answering and self._head_expected is None and not self.transport.is_closing():
            self._expect_head()

    def on_message_begin(self) -> None:
        """The parser has seen the beginning of a request."""
        super().on_message_begin()
        self._head_begun = True

    def on_headers_complete(self) -> None:
        """The parser has seen a whole head."""
        self._head_begun = False
        self._expect_nothing()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP, and hangs up."""
        self._hang_up(BadRequest("The request is not valid HTTP.", "malformed_request"))

    def _expect_head(self) -> None:
        self._head_expected = self.loop.call_later(self._seconds, self._head_is_late)

    def _expect_nothing(self) -> None:
        if self._head_expected is not None:
            self._head_expected.cancel()
            self._head_expected = None

    def _head_is_late(self) -> None:
        if self.transport.is_closing():
            return
        if self._head_begun:
            self._hang_up(_too_slow())
        else:  # it asked for nothing
            self.transport.close()

    def _hang_up(self, error: ApiError) -> None:
        self.transport.write(_on_the_wire(error))
        self.transport.close()


class SlowBodies:
    """Ends a request whose body falls more than `seconds` behind. Pure ASGI.

    Only the time that is spent waiting for the client counts.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        left, more = self.seconds, True

        async def timely() -> Message:
            nonlocal left, more
            if not more:  # the application waits for the client to leave
                return await receive()
            began = time.monotonic()
            message: Message | None = None
            with anyio.move_on_after(left):
                message = await receive()
            if message is None:
                raise _too_slow()
            earned = len(message.get("body", b"")) / _BYTES_A_SECOND
            left = min(self.seconds, left + earned - (time.monotonic() - began))
            more = message.get("more_body", False)
            return message

        await self.app(scope, timely, send)


def _too_slow() -> TooSlow:
    return TooSlow("The request came too slowly to be waited for.")


def _on_the_wire(error: ApiError) -> bytes:
    """An answer to what never became a request."""
    response = response_of(error)
    response.headers["Connection"] = "close"
    response.headers["X-Request-ID"] = new_request_id()
    status = HTTPStatus(response.status_code)
    head = b"".join(b"%b: %b\r\n" % header for header in response.raw_headers)
    line = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
    return line + head + b"\r\n" + bytes(response.body)
