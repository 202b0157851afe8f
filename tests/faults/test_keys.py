"""TorchServe's keys are renewed many times while several processes of the service use them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.faults.callers import calling
from tests.faults.conftest import Beside, Row
from tests.support.postgresql import PostgreSQL
from tests.support.running import Ranjana
from tests.torchserve.test_recovery import rotate

_PROCESSES = 3
_ROTATIONS = 20


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    server = PostgreSQL()
    yield server
    server.close()


@pytest.mark.faults
def test_keys_change_under_several_processes(
    instance: Ranjana, server: PostgreSQL, beside: Beside, row: Row
) -> None:
    api = beside(server.new_database(), API_WORKERS=str(_PROCESSES))
    with calling(f"http://127.0.0.1:{api.port}") as callers:
        callers.wait_until_answered(time.monotonic())
        for number in range(2 * _ROTATIONS):
            kind = ("inference", "management")[number % 2]
            before = instance.key(kind)
            rotate(instance, kind)
            assert instance.key(kind) != before
            time.sleep(0.25)
        fault_end = time.monotonic()
        callers.wait_until_answered(fault_end)
        row(f"keys changed {2 * _ROTATIONS} times, {_PROCESSES} processes", callers, fault_end)
    assert {call.status for call in callers.calls} == {200}
