"""A load generator that costs little: keep-alive connections that send ready-made bytes.

A general HTTP client spends about as much processor time on a request as the services under
test, on the same few cores; this one parses only the status line, the content length and how
long it is asked to wait.
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
    """What a run measured; latencies in milliseconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Of the answers."""
    refusals: list[float] = field(default_factory=list)
    """Of what was refused with 503 and `Retry-After`."""
    answered: int = 0
    """Answers within `seconds`; those to what was offered at the end may come later."""
    lost: int = 0
    """Requests that got no answer at all."""

    @property
    def throughput(self) -> float:
        """Answers a second, refusals not among them."""
        return self.answered / self.seconds

    def percentile(self, share: float) -> float:
        """Latency that `share` (0-1) of the answers stayed within."""
        return percentile(self.latencies, share)


def percentile(latencies: Sequence[float], share: float) -> float:
    """The one that `share` (0-1) of them stayed within; NaN of none."""
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


async def run(port: int, requests: Sequence[bytes], callers: int, seconds: float) -> Load:
    """Closed loop: keeps `callers` requests under way for `seconds`; who is refused waits as long
    as the answer asks for.

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
            async with connections.one() as connection:
                pause = await connection.ask(request, sent, load)
            if pause:
                await asyncio.sleep(min(pause, max(0.0, deadline - time.perf_counter())))
        connections.close()

    await asyncio.gather(*(call(index % len(requests)) for index in range(callers)))
    load.seconds = time.perf_counter() - started
    load.answered = len(load.latencies)
    return load


async def offer(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> Load:
    """Open loop: `rate` requests a second at random moments (a Poisson process), whatever becomes
    of those before. Latencies count from the moment that a request is due.

    Raises RuntimeError on any status but 200 and 503.
    """
    load = Load()
    rng = random.Random(0)
    connections = _Connections(port)
    asking: set[asyncio.Task[None]] = set()
    failures: list[BaseException] = []

    async def ask(request: bytes, due: float) -> None:
        try:
            async with connections.one() as connection:
                await connection.ask(request, due, load)
        except (OSError, asyncio.IncompleteReadError):
            load.lost += 1

    def done(task: asyncio.Task[None]) -> None:
        asking.discard(task)
        if error := task.exception():
            failures.append(error)

    started = due = time.perf_counter()
    for request in cycle(requests):
        due += rng.expovariate(rate)
        if due > started + seconds:
            break
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        task = asyncio.create_task(ask(request, due))
        asking.add(task)
        task.add_done_callback(done)
    load.seconds = time.perf_counter() - started
    load.answered = len(load.latencies)
    while asking:
        await asyncio.wait(set(asking))
    connections.close()
    if failures:
        raise failures[0]
    return load


class _Connections:
    """Those to one server, each used again once it is free."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[_Connection] = []

    @asynccontextmanager
    async def one(self) -> AsyncIterator[_Connection]:
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
        """Closes those that are free."""
        for connection in self._free:
            connection.close()


class _Connection:
    """One of them, for one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.closing = False
        """Whether the server closes it."""

    async def ask(self, request: bytes, since: float, load: Load) -> float:
        """Notes how long the answer took, and answers how many seconds it asks to wait."""
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
        """For good."""
        self._writer.close()
