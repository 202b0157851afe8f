"""A load balancer that chooses a server for each connection, as kube-proxy does."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.forwarding import forward


class Forwarder:
    """Forwards each new connection to the next of its servers, in the loop it is made in."""

    def __init__(self, *ports: int) -> None:
        self.ports = list(ports)
        self.opened: Counter[int] = Counter()
        """Connections so far, by the port of the server."""
        self._numbers = itertools.count()
        self._running: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listens within the `with`; yields its port."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in self._running:
                task.cancel()
            if self._running:
                await asyncio.wait(self._running)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._forward(reader, writer))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = self.ports[next(self._numbers) % len(self.ports)]
        self.opened[port] += 1
        try:
            there = await asyncio.open_connection("127.0.0.1", port)
            await forward((reader, writer), there)
        finally:
            writer.close()
