"""Reads connections in small pieces, so that many uploads at once take little memory.

uvloop reads up to 256 kB at a time, and all connections that have data before any of it is handled.
"""

from __future__ import annotations

import asyncio

_BYTES = 64 * 1024

# For all connections of a process, because each read is handled before the next.
_buffer = memoryview(bytearray(_BYTES))


class SmallReads(asyncio.BufferedProtocol):
    """Gives a protocol at most 64 kB at a time."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        self._data_received = protocol.data_received
        self.connection_made = protocol.connection_made  # type: ignore[method-assign]
        self.connection_lost = protocol.connection_lost  # type: ignore[method-assign]
        self.eof_received = protocol.eof_received  # type: ignore[method-assign]
        self.pause_writing = protocol.pause_writing  # type: ignore[method-assign]
        self.resume_writing = protocol.resume_writing  # type: ignore[method-assign]

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next piece is read to."""
        return _buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Passes a piece on."""
        self._data_received(bytes(_buffer[:nbytes]))
