"""Thousands of connections without requests, or with one request only."""

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
_CONNECTIONS = 2000
_LOAD_SECONDS = 5.0
# Maximum memory per connection; measured is a tenth of it.
_MAX_BYTES = 100_000


@pytest.fixture(autouse=True)
def _open_file_limit() -> Iterator[None]:
    """Raises the limit of open files for this process and its children."""
    wanted = _CONNECTIONS + 1000
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
        time.sleep(_LOAD_SECONDS)
        before, memory = _median(callers, 0), process.memory_info().rss
        with _open_connections(api.port) as clients:
            began = time.monotonic()
            wait_for(lambda: len(process.net_connections("tcp")) > _CONNECTIONS, 30)
            bytes_each = (process.memory_info().rss - memory) / _CONNECTIONS
            # Half of them send one request and then nothing more.
            for client in clients[::2]:
                client.sendall(_REQUEST)
            time.sleep(_LOAD_SECONDS)
            during = _median(callers, began)
            wait_for(lambda: len(process.net_connections("tcp")) < 100, 60)
            closed = time.monotonic() - began
        fault_end = time.monotonic()
        note = (
            f"median {1000 * before:.0f} ms without, {1000 * during:.0f} ms with them; "
            f"{bytes_each / 1000:.0f} kB each; all closed within {closed:.0f} s"
        )
        row(f"{_CONNECTIONS} idle connections", callers, fault_end, note=note)
    assert {call.status for call in callers.calls} == {200}
    assert bytes_each < _MAX_BYTES


@pytest.mark.faults
def test_idle_connections_to_torchserve_delay_nobody(instance: Ranjana, row: Row) -> None:
    with calling(f"http://127.0.0.1:{instance.port}") as callers:
        time.sleep(_LOAD_SECONDS)
        before = _median(callers, 0)
        with _open_connections(instance.inference_port):
            began = time.monotonic()
            time.sleep(_LOAD_SECONDS)
            during = _median(callers, began)
        fault_end = time.monotonic()
        callers.wait_until_answered(fault_end)
        note = f"median {1000 * before:.0f} ms without, {1000 * during:.0f} ms with them"
        row(f"{_CONNECTIONS} idle connections to TorchServe", callers, fault_end, note=note)
    assert {call.status for call in callers.calls} == {200}


@contextmanager
def _open_connections(port: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 60))
            for _ in range(_CONNECTIONS)
        ]


def _median(callers: Callers, since: float) -> float:
    """Median seconds of a recognition without an account, of calls after `since`."""
    later = [call for call in list(callers.calls) if call.began >= since]
    return statistics.median(call.seconds for call in later if call.caller == "anonymous")
