"""Statistics of counts and sums: means, deviations, percentiles, shares, and intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from auth_api.usage.counters import BUCKETS

# Two-sided 95 % quantile of the standard normal distribution.
_Z = 1.959963984540054


@dataclass(frozen=True)
class Sums:
    """Number, sum and sum of squares of some values."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.count + other.count, self.total + other.total, self.squares + other.squares
        )

    @property
    def mean(self) -> float | None:
        """None without values."""
        return self.total / self.count if self.count else None

    @property
    def deviation(self) -> float | None:
        """The population standard deviation, None without values."""
        if not self.count:
            return None
        variance = self.squares / self.count - (self.total / self.count) ** 2
        return math.sqrt(max(0.0, variance))  # rounding errors can make it negative


class Interval(NamedTuple):
    """An estimate and its 95 % confidence interval."""

    value: float
    low: float
    high: float


def interval(sums: Sums) -> Interval | None:
    """The mean of the population that the values are drawn from; None for fewer than two values.

    Uses the normal approximation. It is good from about thirty values on.
    """
    if sums.count < 2 or sums.mean is None or sums.deviation is None:
        return None
    spread = _Z * sums.deviation / math.sqrt(sums.count - 1)
    return Interval(sums.mean, sums.mean - spread, sums.mean + spread)


def wilson(part: int, whole: int) -> Interval | None:
    """The share of a part (Wilson 1927), None if `whole` is 0."""
    if not whole:
        return None
    share, square = part / whole, _Z**2 / whole
    middle = share + square / 2
    spread = _Z * math.sqrt((share * (1 - share) + square / 4) / whole)
    low, high = (middle - spread) / (1 + square), (middle + spread) / (1 + square)
    return Interval(share, max(0.0, low), min(1.0, high))


def difference(one: Interval | None, other: Interval | None) -> Interval | None:
    """`one` minus `other`, None if either is None.

    For means this is the interval of Welch 1947, for shares that of Newcombe 1998 (method 10).
    """
    if one is None or other is None:
        return None
    value = one.value - other.value
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    return Interval(value, value - below, value + above)


def percentile(buckets: Mapping[int, int], share: float) -> float | None:
    """The latency in seconds that a `share` (0-1) of answers does not exceed; None without answers.

    `buckets` maps an index of `BUCKETS` to its number of answers. Interpolates within a bucket, and
    returns the lower bound of the last one, as Prometheus's `histogram_quantile` does.
    """
    rank = share * sum(buckets.values())
    below = 0
    for index in sorted(buckets):
        count = buckets[index]
        if count and below + count >= rank:
            low, high = BUCKETS[index - 1] if index else 0.0, BUCKETS[index]
            return low if math.isinf(high) else low + (high - low) * (rank - below) / count
        below += count
    return None


def rounded(value: float | None, factor: float = 1, digits: int = 2) -> float | None:
    """`value` times `factor`, rounded; None stays None."""
    return None if value is None else round(value * factor, digits)
