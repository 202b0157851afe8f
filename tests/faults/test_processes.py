"""Workers, TorchServe or the service are killed or suspended while callers continue."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.faults.callers import Callers, calling
from tests.faults.conftest import Row
from tests.support.call_loops import CUT
from tests.support.running import Ranjana, wait_for

pytestmark = pytest.mark.faults


@pytest.fixture
def callers(instance: Ranjana) -> Iterator[Callers]:
    """Callers of a healthy service; afterwards waits until it is healthy again."""
    with calling(f"http://127.0.0.1:{instance.port}") as callers:
        yield callers
    wait_for(lambda: instance.client.get("/ready").status_code == 200, 120)


def test_one_of_two_workers_is_killed(instance: Ranjana, callers: Callers, row: Row) -> None:
    before, restarts = instance.workers_of("ranjana"), instance.restarts
    began = time.monotonic()
    before[0].kill()
    wait_for(lambda: len(instance.workers_of("ranjana", but=before[:1])) == 2, 60)
    callers.wait_until_answered(time.monotonic())
    row("one of two workers killed", callers, began)
    assert instance.restarts == restarts


def test_all_workers_are_killed(instance: Ranjana, callers: Callers, row: Row) -> None:
    before, restarts = instance.workers(), instance.restarts
    began = time.monotonic()
    for worker in before:
        worker.kill()
    wait_for(lambda: not any(worker.is_running() for worker in before), 30)
    callers.wait_until_answered(time.monotonic())
    row("all workers killed", callers, began)
    # TorchServe itself restarts its workers.
    assert instance.restarts == restarts


def test_torchserve_is_killed(instance: Ranjana, callers: Callers, row: Row) -> None:
    restarts, began = instance.restarts, time.monotonic()
    instance.java().kill()
    # /ready fails, so load balancers stop sending; /health does not, so nobody restarts it.
    wait_for(lambda: instance.client.get("/ready").status_code == 503, 30)
    assert instance.client.get("/health").status_code == 200
    wait_for(lambda: instance.restarts > restarts, 120)
    callers.wait_until_answered(time.monotonic())
    row("TorchServe killed", callers, began)


def test_torchserve_is_suspended_and_resumed(instance: Ranjana, callers: Callers, row: Row) -> None:
    seconds, restarts = 10, instance.restarts
    java = instance.java()
    java.suspend()
    time.sleep(seconds)
    java.resume()
    fault_end = time.monotonic()
    callers.wait_until_answered(fault_end)
    row(f"TorchServe paused for {seconds} s", callers, fault_end)
    assert instance.restarts == restarts


def test_torchserve_is_suspended_for_good(instance: Ranjana, callers: Callers, row: Row) -> None:
    restarts, began = instance.restarts, time.monotonic()
    instance.java().suspend()
    wait_for(lambda: instance.restarts > restarts, 120)
    callers.wait_until_answered(time.monotonic())
    row("TorchServe paused for good", callers, began)


def test_the_service_is_killed(instance: Ranjana, callers: Callers, row: Row) -> None:
    (api,) = (child for child in instance.processes() if "auth_api" in child.cmdline())
    began = time.monotonic()
    api.kill()
    wait_for(lambda: not api.is_running(), 30)
    callers.wait_until_answered(time.monotonic())
    row("the service killed", callers, began, CUT)
