"""Forwards connections, in a process of its own:

python -m tests.support.forwarding balance DESCRIPTOR ADDRESS:PORT ...
python -m tests.support.forwarding relay ADDRESS:PORT SOCKET

`balance` is the one address of several services, as a load balancer is: it asks `/ready` of each
every second. New connections go in turn to those that were ready at one of the last two times, or
to all if none was. Connections to a service that could not be reached twice are closed. `relay`
gives an address to a server that listens on a Unix socket only.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from itertools import count

_CHECK_SECONDS = 1.0
_FAILURES = 2


class Service:
    """A service behind the address."""

    def __init__(self, address: str) -> None:
        self.host, _, port = address.partition(":")
        self.port = int(port)
        self.failures = 0
        self.writers: set[asyncio.StreamWriter] = set()

    async def watch(self) -> None:
        unreachable = 0
        while True:
            reachable = ready = False
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CHECK_SECONDS):
                    there = await asyncio.open_connection(self.host, self.port)
                reachable = True
                async with asyncio.timeout(_CHECK_SECONDS):
                    ready = await _is_ready(*there)
            self.failures = 0 if ready else self.failures + 1
            unreachable = 0 if reachable else unreachable + 1
            if unreachable == _FAILURES:
                for writer in self.writers:
                    writer.transport.abort()
            await asyncio.sleep(_CHECK_SECONDS)


async def _is_ready(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    try:
        writer.write(b"GET /ready HTTP/1.1\r\nHost: service\r\nConnection: close\r\n\r\n")
        return b" 200 " in await reader.readline()
    finally:
        writer.transport.abort()


class Balancer:
    def __init__(self, addresses: list[str]) -> None:
        self._services = [Service(address) for address in addresses]
        self._turns = count()

    async def run(self, descriptor: int) -> None:
        listener = socket.socket(fileno=descriptor)
        server = await asyncio.start_server(self._serve, sock=listener)
        await asyncio.gather(server.serve_forever(), *(each.watch() for each in self._services))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ready = [each for each in self._services if each.failures < _FAILURES] or self._services
        turn = next(self._turns)
        for offset in range(len(ready)):
            service = ready[(turn + offset) % len(ready)]
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CHECK_SECONDS):
                    there = await asyncio.open_connection(service.host, service.port)
                service.writers.add(writer)
                await forward((reader, writer), there)
                service.writers.discard(writer)
                return
        writer.transport.abort()


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def forward(here: Connection, there: Connection) -> None:
    """Copies in both directions until one end closes."""
    copying = [asyncio.create_task(_copy(here[0], there[1]))]
    copying += [asyncio.create_task(_copy(there[0], here[1]))]
    try:
        await asyncio.wait(copying, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in copying:
            task.cancel()
        for _, writer in (here, there):
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()


async def relay(address: str, path: str) -> None:
    host, _, port = address.partition(":")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await forward((reader, writer), await asyncio.open_unix_connection(path))

    server = await asyncio.start_server(serve, host, int(port))
    await server.serve_forever()


if __name__ == "__main__":
    what, first, *rest = sys.argv[1:]
    asyncio.run(Balancer(rest).run(int(first)) if what == "balance" else relay(first, *rest))
