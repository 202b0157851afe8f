"""Clients send by drops, fall silent half-way, read nothing: others must not notice, and they must
be rid of in time.
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

# Of each kind at once.
_MANY = 50
_TICK_SECONDS = 0.1
# A file of more than a megabyte; so often, it is more than what the kernel keeps for a client.
_LARGE = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
_OFTEN = 12
_BODY = (
    b"POST /api/predict/ HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    b"Content-Length: 100000\r\n\r\n--x\r\n"
)


class Slow:
    """A client that sends something at once, and then a byte of `drops` at a time."""

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
        """A drop more, and whatever has come."""
        drop, self._drops = self._drops[:1], self._drops[1:]
        self._send(drop)
        with suppress(BlockingIOError):
            try:
                came = self._socket.recv(4096 if self._reads else 1)
            except ConnectionError:
                came = b""
            self.answer += came
            self._ended = not came

    def is_gone(self, held: Container[int]) -> bool:
        """Whether the service has closed its connection, for which `held` has the ports of all
        whom it still serves: who reads slowly gets to know that last.
        """
        return self._ended or (not self._reads and self.answer != b"" and self.port not in held)

    def close(self) -> None:
        self._socket.close()

    def _send(self, content: bytes) -> None:
        with suppress(BlockingIOError, ConnectionError):
            self._socket.send(content)


@pytest.fixture(scope="module")
def patience(full: bool) -> float:
    """Seconds that the service has with its clients: as by default, or not much."""
    return 20 if full else 2


@pytest.fixture(scope="module")
def api(
    torchserve: Ranjana, tmp_path_factory: pytest.TempPathFactory, patience: float
) -> Iterator[Api]:
    folder, settings = tmp_path_factory.mktemp("slow"), {"CLIENT_SECONDS": str(patience)}
    running = Api(folder, torchserve, environment=settings)
    try:
        yield running.wait_until_alive(60)
    finally:
        running.stop()


def test_slow_clients_are_let_go_and_others_do_not_notice(
    api: Api, row: Row, patience: float
) -> None:
    first = b"GET /health HTTP/1.1\r\nX-Long: "
    kinds = {
        "head by drops": (first, b"x" * 1000, True),
        "half a head": (first, b"", True),
        "nothing": (b"", b"", True),
        "empty lines": (b"", b"\r\n" * 500, True),
        "body by drops": (_BODY, b"x" * 1000, True),
        "half a body": (_BODY, b"", True),
        "reads a byte at a time": (_LARGE * _OFTEN, b"", False),
    }
    process = psutil.Process(api.process.pid)
    with calling(f"http://127.0.0.1:{api.port}") as callers, ExitStack() as opened:
        began = time.monotonic()
        slow = {
            kind: [
                opened.enter_context(closing(Slow(api.port, at_once, drops, reads=reads)))
                for _ in range(_MANY)
            ]
            for kind, (at_once, drops, reads) in kinds.items()
        }
        everybody = [client for clients in slow.values() for client in clients]
        left = everybody
        while left:
            assert time.monotonic() - began < 5 * patience + 30, _count(slow, left)
            for client in left:
                client.tick()
            time.sleep(_TICK_SECONDS)
            held = _ports(process)
            left = [client for client in left if not client.is_gone(held)]
        over = time.monotonic()
        callers.wait_until_answered(over)
        note = f"the slow are cut off within {over - began:.0f} s, with 408 if they asked"
        row(f"{len(everybody)} slow clients of {len(kinds)} kinds", callers, over, note=note)
    # None of the others was refused anything.
    assert {call.status for call in callers.calls} == {200}
    for kind in ("head by drops", "half a head", "body by drops", "half a body"):
        for client in slow[kind]:
            _require_408(client.answer)
    assert {client.answer for client in slow["nothing"] + slow["empty lines"]} == {b""}
    assert "Traceback" not in api.log.read_text()


def test_what_is_no_http_is_refused_in_the_one_shape(api: Api) -> None:
    with socket.create_connection(("127.0.0.1", api.port), timeout=60) as client:
        client.sendall(b"MAKE ME A SANDWICH\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "malformed_request"


def test_whoever_is_slow_but_steady_is_served(api: Api, patience: float) -> None:
    # 1,333 bytes a second, for longer than the patience of the service by half.
    size, parts = round(100 * patience), 20
    fields = {"username": "nobody", "password": "x", "filler": "x" * (size * parts - 64)}
    body = json.dumps(fields).encode()
    head = f"POST /api/signin/ HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", api.port), timeout=60) as client:
        client.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode())
        for start in range(0, len(body), size):
            client.sendall(body[start : start + size])
            time.sleep(1.5 * patience / parts)
        assert client.recv(4096).startswith(b"HTTP/1.1 401 ")


def _ports(process: psutil.Process) -> set[int]:
    """Those of the clients that a process has connections to."""
    return {
        connection.raddr.port
        for connection in process.net_connections("tcp")
        if connection.raddr and connection.status != psutil.CONN_CLOSE_WAIT
    }


def _count(slow: dict[str, list[Slow]], left: list[Slow]) -> dict[str, int]:
    """How many of each kind are still there."""
    return {kind: len(set(clients).intersection(left)) for kind, clients in slow.items()}


def _require_408(answer: bytes) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 "), answer
    assert b"connection: close" in head.lower()
    assert b"x-request-id: " in head.lower()
    told = json.loads(body)
    assert (told["success"], told["code"]) == (False, "request_too_slow")
