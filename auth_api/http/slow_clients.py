"""Disconnects clients that send or read too slowly, so that they hold no resources.

One number of seconds limits how long the head of a request takes, and how long sent data stays
unacknowledged because the client does not read or has vanished. `auth_api.http.body_limit` limits
bodies. Apache's `RequestReadTimeout` is similar; its default is 20 seconds. uvicorn closes
connections that are idle between requests.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from auth_api.errors import TooSlow, Unavailable
from auth_api.http.connections import Connections
from auth_api.http.request_head import HeadLimitProtocol

# On Linux only: how long sent data may stay unacknowledged, or wait for a closed TCP window.
_TCP_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)


class TimeoutProtocol(HeadLimitProtocol):
    """The protocol of each connection, with a timeout of `seconds` for the head of a request."""

    def __init__(self, *, seconds: float, connections: Connections, **options: Any) -> None:
        super().__init__(**options)
        self._seconds = seconds
        self._connections = connections
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts to wait for the first request of a connection."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and _TCP_USER_TIMEOUT is not None:
            milliseconds = round(self._seconds * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, milliseconds)
        if self._connections.admit(self):
            self._start_head_timer()
        elif self._connections.refuse(self):
            self.refuse(_too_many_connections())
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops waiting."""
        self._connections.lost(self)
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses `data`. If the head is still incomplete, the timer runs until it is complete."""
        super().data_received(data)
        answering = self.cycle is not None and not self.cycle.response_complete
        if not answering and self._head_timer is None and not self.transport.is_closing():
            self._start_head_timer()

    def on_headers_complete(self) -> None:
        """The parser has found a complete head."""
        self._stop_head_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The parser has found the end of a request."""
        self._connections.works(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """A request is answered."""
        if not self.pipeline:
            self._connections.waits(self)
        super().on_response_complete()

    def evict(self) -> None:
        """Closes the connection, which waits for its client, because others need the room."""
        self.transport.abort()

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self._seconds, self._head_timed_out)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_timed_out(self) -> None:
        if self.transport.is_closing():
            return
        if self.in_head:
            self.refuse(TooSlow("The request arrived too slowly."))
        else:  # no request was begun, so there is nothing to answer
            self.transport.close()


def _too_many_connections() -> Unavailable:
    return Unavailable(
        "The service has too many connections. Please try again in a moment.",
        "too_many_connections",
    )
