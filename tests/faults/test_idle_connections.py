"""Thousands of connections that ask for nothing, or for nothing more."""

from __future__ import annotations

import resource
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from tests.faults.callers import Callers, calling
from tests.faults.conftest import Beside, Row
from tests.support.running import Ranjana, wait_for

_REQUEST = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
_MANY = 2000
_SOME_SECONDS = 5.0
# Of memory, for a connection; measured is a tenth of it.
_MOST_BYTES = 100_000


@pytest.fixture(autouse=True)
def _may_open_files() -> Iterator[None]:
    """So many connections and some files may be open here and in what is started."""
    wanted = _MANY + 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"needs {wanted} open files, and {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.faults
def test_idle_connections_cost_little_and_are_closed(beside: Beside, row: Row) -> None:
    api = beside()
    process = psutil.Process(api.process.pid)
    with calling(f"http://127.0.0.1:{api.port}") as callers:
        time.sleep(_SOME_SECONDS)
        before, memory = _median(callers, 0), process.memory_info().rss
        with _opened(api.port) as clients:
            began = time.monotonic()
            wait_for(lambda: len(process.net_connections("tcp")) > _MANY, 30)
            bytes_each = (process.memory_info().rss - memory) / _MANY
            # Half of them ask for something, and then for nothing more.
            for client in clients[::2]:
                client.sendall(_REQUEST)
            time.sleep(_SOME_SECONDS)
            during = _median(callers, began)
            wait_for(lambda: len(process.net_connections("tcp")) < 100, 60)
            closed = time.monotonic() - began
        over = time.monotonic()
        note = (
            f"median {1000 * before:.0f} ms without, {1000 * during:.0f} ms with them; "
            f"{bytes_each / 1000:.0f} kB each; all closed within {closed:.0f} s"
        )
        row(f"{_MANY} idle connections", callers, over, note=note)
    assert {call.status for call in callers.calls} == {200}
    assert bytes_each < _MOST_BYTES


@pytest.mark.faults
def test_idle_connections_to_torchserve_keep_nobody_waiting(instance: Ranjana, row: Row) -> None:
    with calling(f"http://127.0.0.1:{instance.port}") as callers:
        time.sleep(_SOME_SECONDS)
        before = _median(callers, 0)
        with _opened(instance.inference_port):
            began = time.monotonic()
            time.sleep(_SOME_SECONDS)
            during = _median(callers, began)
        over = time.monotonic()
        callers.wait_until_answered(over)
        note = f"median {1000 * before:.0f} ms without, {1000 * during:.0f} ms with them"
        row(f"{_MANY} idle connections to TorchServe", callers, over, note=note)
    assert {call.status for call in callers.calls} == {200}


@contextmanager
def _opened(port: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as opened:
        yield [
            opened.enter_context(socket.create_connection(("127.0.0.1", port), 60))
            for _ in range(_MANY)
        ]


def _median(callers: Callers, since: float) -> float:
    """Seconds that a recognition takes those who are not signed in."""
    later = [call for call in list(callers.calls) if call.began >= since]
    return statistics.median(call.seconds for call in later if call.who == "anonymous")
