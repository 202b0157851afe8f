"""Clients that send slowly, stop half-way or do not read: the service drops them in time, and other
clients are not affected.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Container, Iterator
from contextlib import ExitStack, closing, suppress

import psutil
import pytest

from tests.faults.callers import calling
from tests.faults.conftest import Row
from tests.support.apis import Api
from tests.support.running import Ranjana

# Clients of each kind.
_CLIENTS = 50
_TICK_SECONDS = 0.1
# A file of more than a megabyte; repeated, it exceeds the kernel's buffers for a client.
_LARGE = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
_REPEATS = 12
_BODY = (
    b"POST /api/predict/ HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    b"Content-Length: 100000\r\n\r\n--x\r\n"
)


class SlowClient:
    """A client that sends `at_once`, and then `drops` byte by byte."""

    def __init__(
        self, port: int, at_once: bytes, drops: bytes = b"", *, reads: bool = True
    ) -> None:
        self._socket = socket.socket()
        if not reads:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", port))
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]
        self._reads = reads
        self._drops = drops
        self._ended = False
        self.answer = b""
        self._send(at_once)

    def tick(self) -> None:
        """Sends one more byte and receives what has arrived."""
        drop, self._drops = self._drops[:1], self._drops[1:]
        self._send(drop)
        with suppress(BlockingIOError):
            try:
                received = self._socket.recv(4096 if self._reads else 1)
            except ConnectionError:
                received = b""
            self.answer += received
            self._ended = not received

    def is_gone(self, held: Container[int]) -> bool:
        """Whether the service closed the connection, whose port is then not in `held`.

        A slow reader itself notices the end late.
        """
        return self._ended or (not self._reads and self.answer != b"" and self.port not in held)

    def close(self) -> None:
        self._socket.close()

    def _send(self, content: bytes) -> None:
        with suppress(BlockingIOError, ConnectionError):
            self._socket.send(content)


@pytest.fixture(scope="module")
def client_seconds(full: bool) -> float:
    """The setting CLIENT_SECONDS: the default, or short."""
    return 20 if full else 2


@pytest.fixture(scope="module")
def api(
    torchserve: Ranjana, tmp_path_factory: pytest.TempPathFactory, client_seconds: float
) -> Iterator[Api]:
    folder, settings = tmp_path_factory.mktemp("slow"), {"CLIENT_SECONDS": str(client_seconds)}
    running = Api(folder, torchserve, environment=settings)
    try:
        yield running.wait_until_alive(60)
    finally:
        running.stop()


def test_slow_clients_are_dropped_and_others_are_not_affected(
    api: Api, row: Row, client_seconds: float
) -> None:
    first = b"GET /health HTTP/1.1\r\nX-Long: "
    kinds = {
        "slow head": (first, b"x" * 1000, True),
        "half a head": (first, b"", True),
        "nothing": (b"", b"", True),
        "empty lines": (b"", b"\r\n" * 500, True),
        "slow body": (_BODY, b"x" * 1000, True),
        "half a body": (_BODY, b"", True),
        "reads a byte at a time": (_LARGE * _REPEATS, b"", False),
    }
    process = psutil.Process(api.process.pid)
    with calling(f"http://127.0.0.1:{api.port}") as callers, ExitStack() as opened:
        began = time.monotonic()
        slow = {
            kind: [
                opened.enter_context(closing(SlowClient(api.port, at_once, drops, reads=reads)))
                for _ in range(_CLIENTS)
            ]
            for kind, (at_once, drops, reads) in kinds.items()
        }
        clients = [client for group in slow.values() for client in group]
        left = clients
        while left:
            assert time.monotonic() - began < 5 * client_seconds + 30, _count(slow, left)
            for client in left:
                client.tick()
            time.sleep(_TICK_SECONDS)
            held = _ports(process)
            left = [client for client in left if not client.is_gone(held)]
        fault_end = time.monotonic()
        callers.wait_until_answered(fault_end)
        note = f"the slow are cut off within {fault_end - began:.0f} s, with 408 if they asked"
        row(f"{len(clients)} slow clients of {len(kinds)} kinds", callers, fault_end, note=note)
    # No other client was refused.
    assert {call.status for call in callers.calls} == {200}
    for kind in ("slow head", "half a head", "slow body", "half a body"):
        for client in slow[kind]:
            _require_408(client.answer)
    assert {client.answer for client in slow["nothing"] + slow["empty lines"]} == {b""}
    assert "Traceback" not in api.log.read_text()


def test_malformed_http_gets_an_error_in_the_usual_shape(api: Api) -> None:
    with socket.create_connection(("127.0.0.1", api.port), timeout=60) as client:
        client.sendall(b"MAKE ME A SANDWICH\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "malformed_request"


def test_a_slow_but_steady_client_is_served(api: Api, client_seconds: float) -> None:
    # 1,333 bytes a second, for one and a half times CLIENT_SECONDS.
    size, parts = round(100 * client_seconds), 20
    fields = {"username": "nobody", "password": "x", "filler": "x" * (size * parts - 64)}
    body = json.dumps(fields).encode()
    head = f"POST /api/signin/ HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", api.port), timeout=60) as client:
        client.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode())
        for start in range(0, len(body), size):
            client.sendall(body[start : start + size])
            time.sleep(1.5 * client_seconds / parts)
        assert client.recv(4096).startswith(b"HTTP/1.1 401 ")


def _ports(process: psutil.Process) -> set[int]:
    """The ports of the clients of a process."""
    return {
        connection.raddr.port
        for connection in process.net_connections("tcp")
        if connection.raddr and connection.status != psutil.CONN_CLOSE_WAIT
    }


def _count(slow: dict[str, list[SlowClient]], left: list[SlowClient]) -> dict[str, int]:
    """The number of remaining clients of each kind."""
    return {kind: len(set(clients).intersection(left)) for kind, clients in slow.items()}


def _require_408(answer: bytes) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 "), answer
    assert b"connection: close" in head.lower()
    assert b"x-request-id: " in head.lower()
    error = json.loads(body)
    assert (error["success"], error["code"]) == (False, "request_too_slow")
