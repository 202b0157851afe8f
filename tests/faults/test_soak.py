"""A mixed load for as long as `SOAK_SECONDS` says: nothing grows, nothing is left behind."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.faults.callers import calling
from tests.faults.conftest import Beside, Row
from tests.support.jobs import characters, finished, hand_in
from tests.support.running import Ranjana

_SAMPLES = 60
# Parts of the time: what is there after the first is compared with what is there in the last.
_WARM, _WINDOW = 0.4, 0.1
_GROWTH = 0.05
# Of a process that has only begun, some of whose code is yet to be used.
_GROWTH_AT_FIRST = 0.10
# Connections come and go.
_FILES = 12
_THREADS = 4


class Sample(NamedTuple):
    """Of some processes together."""

    memory: float
    """Resident, in megabytes."""
    files: int
    threads: int


def test_a_long_time_under_load_leaves_no_trace(
    torchserve: Ranjana, beside: Beside, tmp_path: Path, row: Row, full: bool
) -> None:
    seconds = float(os.environ.get("SOAK_SECONDS") or (600 if full else 12))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    api = beside(TMPDIR=str(temporary))
    watched: dict[str, Callable[[], Sequence[psutil.Process]]] = {
        "the service": lambda: [psutil.Process(api.process.pid)]
    }
    if full:  # else others use it as well
        watched |= {"Java": lambda: [torchserve.java()], "the workers": torchserve.workers}
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
        over = time.monotonic()
        changes = [_change(name, taken) for name, taken in samples.items()]
        row(f"{seconds:.0f} s of mixed load", callers, over, note="; ".join(changes))
    assert {call.status for call in callers.calls} == {200}
    for taken in samples.values():
        early, late = _windows(taken)
        growth = _GROWTH if seconds > 300 else _GROWTH_AT_FIRST
        assert _memory(late) <= _memory(early) * (1 + growth)
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


def _windows(taken: list[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Those from when it was warm, and the last."""
    start, length = round(_WARM * len(taken)), round(_WINDOW * len(taken))
    return taken[start : start + length], taken[-length:]


def _memory(samples: list[Sample]) -> float:
    return statistics.median(sample.memory for sample in samples)


def _change(name: str, taken: list[Sample]) -> str:
    early, late = _windows(taken)
    return f"{name} {_memory(early):.0f} MB, at the end {_memory(late):.0f} MB"
