"""Reads connections in small pieces if there are many, so that many uploads at once take little
memory: all connections that have data are read before any of it is handled.
"""

from __future__ import annotations

import asyncio

from auth_api.http.connections import Connections

# A large body costs less in few pieces. uvloop's own are as large.
_LARGE_BYTES = 256 * 1024
# With more connections than this, pieces are small.
_MANY, _SMALL_BYTES = 64, 64 * 1024

# For all connections of a process, because what is read is passed on before the next read.
_buffer = memoryview(bytearray(_LARGE_BYTES))


class SmallReads(asyncio.BufferedProtocol):
    """Passes what arrives to a protocol, in small pieces if there are many `connections`."""

    def __init__(self, protocol: asyncio.Protocol, connections: Connections) -> None:
        self._connections = connections
        self._data_received = protocol.data_received
        self.connection_made = protocol.connection_made  # type: ignore[method-assign]
        self.connection_lost = protocol.connection_lost  # type: ignore[method-assign]
        self.eof_received = protocol.eof_received  # type: ignore[method-assign]
        self.pause_writing = protocol.pause_writing  # type: ignore[method-assign]
        self.resume_writing = protocol.resume_writing  # type: ignore[method-assign]

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next piece is read to."""
        return _buffer if len(self._connections) <= _MANY else _buffer[:_SMALL_BYTES]

    def buffer_updated(self, nbytes: int) -> None:
        """Passes a piece on."""
        self._data_received(bytes(_buffer[:nbytes]))
