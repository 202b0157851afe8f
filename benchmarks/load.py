"""A load generator that costs little: keep-alive connections that send ready-made bytes.

A general HTTP client spends about as much processor time on a request as the services under
test, on the same few cores; this one parses only the status line and the content length.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Load:
    """What a run measured; latencies in milliseconds."""

    callers: int
    requests: int
    seconds: float
    latencies: Sequence[float]

    @property
    def throughput(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds

    def percentile(self, share: float) -> float:
        """Latency that `share` (0-1) of the requests stayed within."""
        return sorted(self.latencies)[min(self.requests - 1, int(share * self.requests))]


def post(host: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """The bytes of one HTTP/1.1 request."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def run(
    host: str, port: int, requests: Sequence[bytes], callers: int, seconds: float
) -> Load:
    """Keeps `callers` requests under way for `seconds`.

    Raises RuntimeError on any status but 200.
    """
    latencies: list[float] = []
    deadline = time.perf_counter() + seconds
    started = time.perf_counter()

    async def call(first: int) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for request in cycle([*requests[first:], *requests[:first]]):
            sent = time.perf_counter()
            if sent > deadline:
                break
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{head.decode()}{body.decode()}")
            latencies.append((time.perf_counter() - sent) * 1000)
        writer.close()

    await asyncio.gather(*(call(index % len(requests)) for index in range(callers)))
    return Load(callers, len(latencies), time.perf_counter() - started, latencies)
