"""Times of single pieces of work."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

_REPEATS = 15


def milliseconds(work: Callable[[], object], repeats: int = _REPEATS) -> float:
    """Median time of `work`, which is done once before anything is measured."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000
