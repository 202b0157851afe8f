"""Times of functions, and ratios of times."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

_REPEATS = 15


def milliseconds(work: Callable[[], object], repeats: int = _REPEATS) -> float:
    """The median time of `work`, after one call that is not measured."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def median_ratio(values: Sequence[float], others: Sequence[float]) -> float:
    """The median over the rounds of the ratio within each round."""
    return statistics.median(a / b for a, b in zip(values, others, strict=True))
