"""Limits the connections of a process. Those that wait longest for their client are closed."""

from __future__ import annotations

from typing import Protocol

# Refused connections that wait until their client has read the answer.
_MAX_REFUSED = 64


class Connection(Protocol):
    """A connection to a client."""

    def evict(self) -> None:
        """Closes it."""


class Connections:
    """The connections of one process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: set[Connection] = set()
        self._refused: set[Connection] = set()
        self._waiting: dict[Connection, None] = {}  # the longest first

    def __len__(self) -> int:
        """How many are open, without those that are being refused."""
        return len(self._open)

    def admit(self, connection: Connection) -> bool:
        """Adds a connection, which waits for its first request. If there are too many, closes the
        one that waits longest; returns False if none waits.
        """
        if len(self._open) >= self._limit:
            longest = next(iter(self._waiting), None)
            if longest is None:
                return False
            del self._waiting[longest]
            longest.evict()
        self._open.add(connection)
        self._waiting[connection] = None
        return True

    def refuse(self, connection: Connection) -> bool:
        """Adds a connection that was not admitted; returns whether to answer it."""
        if len(self._refused) >= _MAX_REFUSED:
            return False
        self._refused.add(connection)
        return True

    def waits(self, connection: Connection) -> None:
        """The connection waits for its client to send, from now on."""
        self._waiting[connection] = None

    def works(self, connection: Connection) -> None:
        """The connection has a complete request."""
        self._waiting.pop(connection, None)

    def lost(self, connection: Connection) -> None:
        """The connection is closed."""
        self._open.discard(connection)
        self._refused.discard(connection)
        self._waiting.pop(connection, None)
