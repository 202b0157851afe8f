"""Closes connections so that the client can read the last answer.

Many clients read no answer before they have sent everything. If a connection with unread data is
closed, the kernel resets it, and the client loses the answer. So the service first ends its own
side, then reads on for a while and ignores what it reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from auth_api.errors import ApiError, BadRequest
from auth_api.http.error_responses import response_of
from auth_api.observability.logs import new_request_id

_LINGER_SECONDS = 5.0
_LINGER_BYTES = 64 * 1024 * 1024


class ClosingProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol. It answers faulty data in the one error shape, and lingers when it
    closes the connection of a client that is still sending.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.is_deaf = False
        """Whether what arrives is ignored, because the last request of the connection is here."""
        self._lingering: _LingeringTransport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts a connection."""
        self._lingering = _LingeringTransport(transport, self.loop, self._is_arriving)
        super().connection_made(self._lingering)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends a connection."""
        if self._lingering:
            self._lingering.stop()
        super().connection_lost(exc)

    @property
    def in_head(self) -> bool:
        """Whether the head of a request is arriving."""
        # uvicorn makes a scope when a head begins, and a cycle when it is complete.
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    @property
    def in_body(self) -> bool:
        """Whether the body of a request is arriving, or was when the request was answered."""
        return self.cycle is not None and self.cycle.more_body and not self.in_head

    def _is_arriving(self) -> bool:
        return self.is_deaf or self.in_head or self.in_body

    def ignore(self, data: bytes) -> None:
        """Ignores data that arrives while `is_deaf`."""
        if self._lingering:
            self._lingering.ignore(len(data))

    def send_400_response(self, msg: str) -> None:
        """Answers data that is not HTTP, and closes the connection."""
        self.refuse(BadRequest("The request is not valid HTTP.", "malformed_request"))

    def refuse(self, error: ApiError) -> None:
        """Answers the request that is arriving with `error`, and closes the connection.

        Earlier requests are answered first, and then the connection is closed without this answer.
        """
        assert self._lingering
        if self.is_deaf:
            return  # already refused
        cycle, self.is_deaf = self.cycle, True
        if cycle is not None and not cycle.response_complete:
            if not self.in_body:
                cycle.keep_alive = False
                return
            cycle.disconnected = True  # its application stops
            cycle.message_event.set()
        # Otherwise the client would take this answer for a part of one that has begun, or for that
        # to another request.
        if not self.in_body or not (cycle.response_started or self.pipeline):
            self.transport.write(_raw_response(error))
        self._lingering.linger()


class _LingeringTransport(asyncio.Transport):
    """A transport whose `close` lingers while a request is arriving."""

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        is_arriving: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._is_arriving = is_arriving
        self._timer: asyncio.TimerHandle | None = None
        self._left = _LINGER_BYTES
        # Called often, so not through methods of this class.
        self.write = transport.write  # type: ignore[method-assign]
        self.get_extra_info = transport.get_extra_info  # type: ignore[method-assign]
        self.pause_reading = transport.pause_reading  # type: ignore[method-assign]
        self.resume_reading = transport.resume_reading  # type: ignore[method-assign]

    def is_closing(self) -> bool:
        """Whether nothing more is written."""
        return self._timer is not None or self._transport.is_closing()

    def close(self) -> None:
        """Closes the connection after what is written, at once unless a request is arriving."""
        if self._is_arriving():
            self.linger()
        elif self._timer is None:
            self._transport.close()

    def abort(self) -> None:
        """Closes the connection at once."""
        self._transport.abort()

    def linger(self) -> None:
        """Ends this side, and closes the connection when the client does so or after a while."""
        if self.is_closing():
            return
        self._transport.write_eof()
        self._transport.resume_reading()
        self._timer = self._loop.call_later(_LINGER_SECONDS, self._transport.close)

    def ignore(self, size: int) -> None:
        """Counts bytes that arrived too late."""
        self._left -= size
        if self._left < 0:
            self._transport.close()

    def stop(self) -> None:
        """Stops waiting for the client."""
        if self._timer is not None:
            self._timer.cancel()


def _raw_response(error: ApiError) -> bytes:
    """The bytes of an answer to data that never became a request."""
    response = response_of(error)
    response.headers["Connection"] = "close"
    response.headers["X-Request-ID"] = new_request_id()
    status = HTTPStatus(response.status_code)
    head = b"".join(b"%b: %b\r\n" % header for header in response.raw_headers)
    line = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
    return line + head + b"\r\n" + bytes(response.body)
