"""A mixed load for `SOAK_SECONDS`: memory, files and threads do not grow, no files are left."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from tests.faults.callers import calling
from tests.faults.conftest import Beside, Row
from tests.support.jobs import characters, finished, hand_in
from tests.support.running import Ranjana

_SAMPLES = 60
# Shares of the time. A window after the warm-up is compared with a window at the end.
_WARM_UP, _WINDOW = 0.4, 0.1
# Allowed growth of memory, as a share.
_GROWTH = 0.05
# Allowed growth. The number of connections varies.
_FILES = 12
_THREADS = 4


class Sample(NamedTuple):
    """The sum over some processes."""

    memory: float
    """Resident, in megabytes."""
    files: int
    threads: int


@pytest.mark.faults
def test_a_long_load_leaks_nothing(
    torchserve: Ranjana, beside: Beside, tmp_path: Path, row: Row
) -> None:
    seconds = float(os.environ.get("SOAK_SECONDS") or 600)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    api = beside(TMPDIR=str(temporary))
    watched: dict[str, Callable[[], Sequence[psutil.Process]]] = {
        "the service": lambda: [psutil.Process(api.process.pid)],
        "Java": lambda: [torchserve.java()],
        "the workers": torchserve.workers,
    }
    samples: dict[str, list[Sample]] = {name: [] for name in watched}
    user = api.sign_up()
    with calling(f"http://127.0.0.1:{api.port}") as callers:
        began = time.monotonic()
        for number in range(1, _SAMPLES + 1):
            callers.sign_in()
            if number % 10 == 0:
                job = hand_in(user, characters(8), "/api/jobs/predict/")
                assert finished(user, job)["state"] == "succeeded"
            assert user.get("/api/history/export/").status_code == 200
            time.sleep(max(0.0, began + number * seconds / _SAMPLES - time.monotonic()))
            for name, processes in watched.items():
                samples[name].append(_sample(processes()))
        fault_end = time.monotonic()
        changes = [_change(name, own) for name, own in samples.items()]
        row(f"{seconds:.0f} s of mixed load", callers, fault_end, note="; ".join(changes))
    assert {call.status for call in callers.calls} == {200}
    for own in samples.values():
        early, late = _windows(own)
        assert _memory(late) <= _memory(early) * (1 + _GROWTH)
        assert max(each.files for each in late) <= max(each.files for each in early) + _FILES
        assert max(each.threads for each in late) <= max(each.threads for each in early) + _THREADS
    assert list(temporary.iterdir()) == []
    kept = sum(3 if "similarities" in path else 1 for path in callers.saved)
    assert sum(path.is_file() for path in api.media.rglob("*.*")) == kept


def _sample(processes: Sequence[psutil.Process]) -> Sample:
    return Sample(
        sum(process.memory_info().rss for process in processes) / 1e6,
        sum(process.num_fds() for process in processes),
        sum(process.num_threads() for process in processes),
    )


def _windows(own: list[Sample]) -> tuple[list[Sample], list[Sample]]:
    """The window after the warm-up and the last window."""
    start, length = round(_WARM_UP * len(own)), round(_WINDOW * len(own))
    return own[start : start + length], own[-length:]


def _memory(samples: list[Sample]) -> float:
    return statistics.median(sample.memory for sample in samples)


def _change(name: str, own: list[Sample]) -> str:
    early, late = _windows(own)
    return f"{name} {_memory(early):.0f} MB, at the end {_memory(late):.0f} MB"
