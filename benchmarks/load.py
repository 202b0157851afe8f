"""A cheap load generator: keep-alive connections that send ready-made bytes.

A general HTTP client uses about as much processor time per request as the services under test, on
the same cores. This one parses only the status line, `Content-Length` and `Retry-After`.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"retry-after: *(\d+)", re.IGNORECASE)
_HOST = "127.0.0.1"


@dataclass
class Load:
    """The result of a run; latencies are in milliseconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Latencies of the answers."""
    refusals: list[float] = field(default_factory=list)
    """Latencies of refusals, which have the status 503."""
    answered: int = 0
    """Answers within `seconds`; `latencies` also has later ones of an open loop."""
    lost: int = 0
    """Requests without an answer."""

    @property
    def throughput(self) -> float:
        """Answers per second, without refusals."""
        return self.answered / self.seconds

    def percentile(self, share: float) -> float:
        """The latency that `share` (0-1) of the answers do not exceed."""
        return percentile(self.latencies, share)


def percentile(latencies: Sequence[float], share: float) -> float:
    """The latency that `share` (0-1) of `latencies` do not exceed; NaN if there are none."""
    if not latencies:
        return float("nan")
    return sorted(latencies)[min(len(latencies) - 1, int(share * len(latencies)))]


def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """The bytes of one HTTP/1.1 request."""
    return _request(f"POST {path} HTTP/1.1", {"Content-Length": str(len(body)), **headers}) + body


def get(path: str, headers: Mapping[str, str]) -> bytes:
    """The bytes of one HTTP/1.1 request."""
    return _request(f"GET {path} HTTP/1.1", headers)


def _request(line: str, headers: Mapping[str, str]) -> bytes:
    lines = [line, f"Host: {_HOST}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def closed_loop(port: int, requests: Sequence[bytes], callers: int, seconds: float) -> Load:
    """Closed loop: `callers` callers send one request after another for `seconds`.

    After a refusal a caller waits as long as `Retry-After` says.

    Raises RuntimeError on any status but 200 and 503.
    """
    load = Load()
    started = time.perf_counter()
    deadline = started + seconds

    async def call(first: int) -> None:
        connections = _Connections(port)
        for request in cycle([*requests[first:], *requests[:first]]):
            sent = time.perf_counter()
            if sent > deadline:
                break
            async with connections.acquire() as connection:
                pause = await connection.send(request, sent, load)
            if pause:
                await asyncio.sleep(min(pause, max(0.0, deadline - time.perf_counter())))
        connections.close()

    await asyncio.gather(*(call(index % len(requests)) for index in range(callers)))
    load.seconds = time.perf_counter() - started
    load.answered = len(load.latencies)
    return load


async def open_loop(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> Load:
    """Open loop: `rate` requests per second at random times (a Poisson process).

    Requests do not wait for earlier answers. Latencies count from the time that a request is due.

    Raises RuntimeError on any status but 200 and 503.
    """
    load = Load()
    rng = random.Random(0)
    connections = _Connections(port)
    pending: set[asyncio.Task[None]] = set()
    failures: list[BaseException] = []

    async def send(request: bytes, due: float) -> None:
        try:
            async with connections.acquire() as connection:
                await connection.send(request, due, load)
        except (OSError, asyncio.IncompleteReadError):
            load.lost += 1

    def done(task: asyncio.Task[None]) -> None:
        pending.discard(task)
        if error := task.exception():
            failures.append(error)

    started = due = time.perf_counter()
    for request in cycle(requests):
        due += rng.expovariate(rate)
        if due > started + seconds:
            break
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        task = asyncio.create_task(send(request, due))
        pending.add(task)
        task.add_done_callback(done)
    load.seconds = time.perf_counter() - started
    load.answered = len(load.latencies)
    while pending:
        await asyncio.wait(set(pending))
    connections.close()
    if failures:
        raise failures[0]
    return load


class _Connections:
    """A pool of connections to one server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[_Connection] = []

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[_Connection]:
        """A free connection, or a new one."""
        if self._free:
            connection = self._free.pop()
        else:
            connection = _Connection(*await asyncio.open_connection(_HOST, self._port))
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if connection.closing:
            connection.close()
        else:
            self._free.append(connection)

    def close(self) -> None:
        """Closes the free connections."""
        for connection in self._free:
            connection.close()


class _Connection:
    """One connection, for one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.closing = False
        """Whether the server closes the connection."""

    async def send(self, request: bytes, since: float, load: Load) -> float:
        """Sends a request and records its latency. Returns the seconds to wait before the next."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await self._reader.readexactly(int(length[1]) if length else 0)
        latency = (time.perf_counter() - since) * 1000
        self.closing = b"connection: close" in head.lower()
        if head.startswith(b"HTTP/1.1 200"):
            load.latencies.append(latency)
            return 0.0
        if not head.startswith(b"HTTP/1.1 503"):
            raise RuntimeError(f"{head.decode()}{body.decode()}")
        load.refusals.append(latency)
        after = _RETRY_AFTER.search(head)
        return float(after[1]) if after else 0.0

    def close(self) -> None:
        self._writer.close()
