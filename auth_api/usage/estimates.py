"""What follows from counts and sums: means, spreads, percentiles, shares with their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from auth_api.usage.counters import BUCKETS

# Of the standard normal distribution, two-sided 95 %.
_Z = 1.959963984540054


@dataclass(frozen=True)
class Sums:
    """Of some numbers: how many, their sum, the sum of their squares."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.count + other.count, self.total + other.total, self.squares + other.squares
        )

    @property
    def mean(self) -> float | None:
        """None of no numbers."""
        return self.total / self.count if self.count else None

    @property
    def deviation(self) -> float | None:
        """Standard deviation of these numbers themselves, None of no numbers."""
        if not self.count:
            return None
        variance = self.squares / self.count - (self.total / self.count) ** 2
        return math.sqrt(max(0.0, variance))  # rounding may take it below 0


class Interval(NamedTuple):
    """A value, and between which ones the true one lies with 95 % confidence."""

    value: float
    low: float
    high: float


def interval(sums: Sums) -> Interval | None:
    """The mean of the numbers that such numbers are drawn from; None of fewer than two.

    By the normal approximation, as all below: of thirty numbers or more it is a good one.
    """
    error = _standard_error(sums)
    if error is None or sums.mean is None:
        return None
    return Interval(sums.mean, sums.mean - _Z * error, sums.mean + _Z * error)


def difference(one: Sums, other: Sums) -> Interval | None:
    """By how much the mean of `one` is above that of the `other` (Welch 1947); None where either
    has fewer than two numbers.
    """
    errors = _standard_error(one), _standard_error(other)
    if None in errors or one.mean is None or other.mean is None:
        return None
    spread = _Z * math.hypot(*(error for error in errors if error is not None))
    value = one.mean - other.mean
    return Interval(value, value - spread, value + spread)


def difference_of_shares(one: tuple[int, int], other: tuple[int, int]) -> Interval | None:
    """By how much a share, found and of how many, is above another one; None where either is of
    none. Built from both Wilson intervals (Newcombe 1998, method 10).
    """
    first, second = wilson(*one), wilson(*other)
    if first is None or second is None:
        return None
    share, base = one[0] / one[1], other[0] / other[1]
    value = share - base
    below = math.hypot(share - first[0], second[1] - base)
    above = math.hypot(first[1] - share, base - second[0])
    return Interval(value, value - below, value + above)


def _standard_error(sums: Sums) -> float | None:
    if sums.count < 2 or sums.deviation is None:
        return None
    return sums.deviation / math.sqrt(sums.count - 1)


def percentile(buckets: Mapping[int, int], share: float) -> float | None:
    """The seconds that `share` (0-1) of some answers took at most, None of no answers.

    `buckets` has how many fell into which of `BUCKETS`. Within a bucket they are taken to lie
    evenly, and at its lower end in the last, which has no other, as Prometheus's
    `histogram_quantile` does.
    """
    rank = share * sum(buckets.values())
    below = 0
    for place in sorted(buckets):
        count = buckets[place]
        if count and below + count >= rank:
            low, high = BUCKETS[place - 1] if place else 0.0, BUCKETS[place]
            return low if math.isinf(high) else low + (high - low) * (rank - below) / count
        below += count
    return None


def wilson(found: int, of: int) -> tuple[float, float] | None:
    """Between which shares the true one lies with 95 % confidence (Wilson 1927), None of none."""
    if not of:
        return None
    share, square = found / of, _Z**2 / of
    middle = share + square / 2
    spread = _Z * math.sqrt((share * (1 - share) + square / 4) / of)
    low, high = (middle - spread) / (1 + square), (middle + spread) / (1 + square)
    return max(0.0, low), min(1.0, high)
