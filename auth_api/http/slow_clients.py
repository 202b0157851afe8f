"""Disconnects clients that send or read too slowly, so that they hold no resources.

One number of seconds limits three things: how long the head of a request takes, how far its body
falls behind 1000 bytes a second, and how long sent data stays unacknowledged because the client
does not read or has vanished. Apache's `RequestReadTimeout` is similar; its defaults are 20 seconds
and 500 bytes a second. uvicorn closes connections that are idle between requests.
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

_BYTES_PER_SECOND = 1000
# On Linux only: how long sent data may stay unacknowledged, or wait for a closed TCP window.
_TCP_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)


class TimeoutProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a timeout of `seconds` for the head of a request.

    Data that is not HTTP also gets an answer in the one error shape.
    """

    def __init__(self, *, seconds: float, **options: Any) -> None:
        super().__init__(**options)
        self._seconds = seconds
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_begun = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts to wait for the first request of a connection."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and _TCP_USER_TIMEOUT is not None:
            milliseconds = round(self._seconds * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, milliseconds)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops waiting."""
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses `data`. If the head is still incomplete, the timer runs until it is complete."""
        super().data_received(data)
        answering = self.cycle is not None and not self.cycle.response_complete
        if not answering and self._head_timer is None and not self.transport.is_closing():
            self._start_head_timer()

    def on_message_begin(self) -> None:
        """The parser has found the start of a request."""
        super().on_message_begin()
        self._head_begun = True

    def on_headers_complete(self) -> None:
        """The parser has found a complete head."""
        self._head_begun = False
        self._stop_head_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answers data that is not HTTP, and closes the connection."""
        self._close_with(BadRequest("The request is not valid HTTP.", "malformed_request"))

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self._seconds, self._head_timed_out)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_timed_out(self) -> None:
        if self.transport.is_closing():
            return
        if self._head_begun:
            self._close_with(_too_slow())
        else:  # no request was begun, so there is nothing to answer
            self.transport.close()

    def _close_with(self, error: ApiError) -> None:
        self.transport.write(_raw_response(error))
        self.transport.close()


class BodyTimeout:
    """Ends a request whose body falls more than `seconds` behind the minimum rate. Pure ASGI.

    Only the time spent waiting for the client counts.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        left, more = self.seconds, True

        async def timed_receive() -> Message:
            nonlocal left, more
            if not more:  # the body is complete; the application waits for a disconnect
                return await receive()
            began = time.monotonic()
            message: Message | None = None
            with anyio.move_on_after(left):
                message = await receive()
            if message is None:
                raise _too_slow()
            earned = len(message.get("body", b"")) / _BYTES_PER_SECOND
            left = min(self.seconds, left + earned - (time.monotonic() - began))
            more = message.get("more_body", False)
            return message

        await self.app(scope, timed_receive, send)


def _too_slow() -> TooSlow:
    return TooSlow("The request arrived too slowly.")


def _raw_response(error: ApiError) -> bytes:
    """The bytes of an answer to data that never became a request."""
    response = response_of(error)
    response.headers["Connection"] = "close"
    response.headers["X-Request-ID"] = new_request_id()
    status = HTTPStatus(response.status_code)
    head = b"".join(b"%b: %b\r\n" % header for header in response.raw_headers)
    line = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
    return line + head + b"\r\n" + bytes(response.body)
