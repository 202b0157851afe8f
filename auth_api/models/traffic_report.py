"""Compares the versions of a model since the last change of the traffic.

Users are divided at random, so a difference comes from the version. A difference counts if its 95 %
confidence interval does not contain zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.errors import NotFound
from auth_api.http.json_response import iso
from auth_api.models.states import ModelState
from auth_api.settings import SIMILARITY
from auth_api.usage.analytics import Counted, Judged, Steps, SystemUse, latest, usage_of_all
from auth_api.usage.estimates import (
    Interval,
    Sums,
    difference,
    difference_of_shares,
    interval,
    percentile,
    wilson,
)

_PERCENTILES = (0.5, 0.95)
_MAX_HOURS = 31 * 24


class Arm:
    """The results of one version."""

    def __init__(self, version: str, counted: Sequence[Counted], judged: Sequence[Judged]) -> None:
        rows = [row for row in counted if row.version == version]
        self.version = version
        self.scores, self.seconds = _sum(rows, "class"), _sum(rows, "seconds")
        self.refused, self.failed = _sum(rows, "refused").count, _sum(rows, "failed").count
        self.fell_back = _sum(rows, "fell_back").count
        self.buckets = {row.label: row.sums.count for row in rows if row.measure == "seconds"}
        own = [row for row in judged if row.version == version]
        self.given, self.wrong = sum(row.given for row in own), sum(row.wrong for row in own)

    @property
    def requests(self) -> int:
        """Requests that reached this version, answered or not."""
        return self.scores.count + self.refused + self.failed


async def compared(database: Database, name: str, state: ModelState) -> dict[str, Any]:
    """Returns a `TrafficReport` until now. Raises `NotFound`, `Unavailable`."""
    if state.release is None:
        raise NotFound(f"The model {name} is not served yet.", "model_not_found")
    steps = _steps(state)
    use = await usage_of_all(database, steps, name)
    return _report(name, state, steps.since, use)


def _report(name: str, state: ModelState, since: datetime, use: SystemUse) -> dict[str, Any]:
    release = state.release
    assert release
    versions = [
        release.default_version,
        *sorted(release.traffic.keys() - {release.default_version}),
    ]
    arms = [Arm(version, use.counted, use.judged) for version in versions]
    base, *others = arms
    return {
        "success": True,
        "model": name,
        "since": iso(since),
        "default": release.default_version,
        "traffic": dict(release.traffic),
        "arms": [_arm(arm, release.traffic.get(arm.version, 0)) for arm in arms],
        "comparisons": [_comparison(base, arm, recognises=name != SIMILARITY) for arm in others],
    }


def _steps(state: ModelState) -> Steps:
    """The hours since the last change of the traffic; after a month, the days."""
    release, moment = state.release, now()
    assert release
    start = release.since.replace(minute=0, second=0, microsecond=0)
    hours = 1 + int((moment - start) / timedelta(hours=1))
    if hours <= _MAX_HOURS:
        return latest("hour", hours, moment)
    return latest("day", 1 + (moment.date() - start.date()).days, moment)


def _sum(rows: Sequence[Counted], measure: str) -> Sums:
    return sum((row.sums for row in rows if row.measure == measure), Sums())


def _arm(arm: Arm, share: float) -> dict[str, Any]:
    percentiles = [percentile(arm.buckets, each) for each in _PERCENTILES]
    return {
        "version": arm.version,
        "traffic": share,
        "requests": arm.requests,
        "answers": arm.scores.count,
        "refused": arm.refused,
        "failed": arm.failed,
        "fell_back": arm.fell_back,
        "error_rate": _share(arm.failed, arm.requests),
        "latency_ms": {
            **_estimate(interval(arm.seconds), 1000),
            "p50": _rounded(percentiles[0], 1000),
            "p95": _rounded(percentiles[1], 1000),
        },
        "score": _estimate(interval(arm.scores)),
        "corrections": {
            "given": arm.given,
            "wrong": arm.wrong,
            "wrong_share": _share(arm.wrong, arm.given),
        },
    }


def _comparison(base: Arm, arm: Arm, *, recognises: bool) -> dict[str, Any]:
    """The differences of an arm from the default; positive if the arm has more."""
    latency = difference(arm.seconds, base.seconds)
    errors = difference_of_shares((arm.failed, arm.requests), (base.failed, base.requests))
    score = difference(arm.scores, base.scores)
    corrections = difference_of_shares((arm.wrong, arm.given), (base.wrong, base.given))
    return {
        "version": arm.version,
        "against": base.version,
        "latency_ms": _difference(latency, 1000, less_is_better=True),
        "error_rate": _difference(errors, less_is_better=True),
        "score": _difference(score, less_is_better=None),
        "wrong_share": _difference(corrections, less_is_better=True) if recognises else None,
    }


def _share(found: int, of: int) -> dict[str, Any]:
    low, high = wilson(found, of) or (None, None)
    return {
        "value": round(found / of, 4) if of else None,
        "low": _rounded(low, digits=4),
        "high": _rounded(high, digits=4),
    }


def _estimate(found: Interval | None, factor: float = 1) -> dict[str, Any]:
    value, low, high = found or (None, None, None)
    return {
        "mean": _rounded(value, factor),
        "low": _rounded(low, factor),
        "high": _rounded(high, factor),
    }


def _difference(
    found: Interval | None, factor: float = 1, *, less_is_better: bool | None
) -> dict[str, Any]:
    if found is None:
        return {"value": None, "low": None, "high": None, "verdict": "not enough data"}
    if found.low <= 0 <= found.high:
        verdict = "no difference seen"
    elif less_is_better is None:
        verdict = "higher" if found.value > 0 else "lower"
    else:
        verdict = "better" if (found.value < 0) == less_is_better else "worse"
    return {
        "value": _rounded(found.value, factor, 4),
        "low": _rounded(found.low, factor, 4),
        "high": _rounded(found.high, factor, 4),
        "verdict": verdict,
    }


def _rounded(value: float | None, factor: float = 1, digits: int = 2) -> float | None:
    return None if value is None else round(value * factor, digits)
