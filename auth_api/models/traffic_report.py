"""Compares the versions of a model since the last change of the traffic.

Users are divided at random, so a difference comes from the version. A difference counts if its 95 %
confidence interval does not contain zero.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.errors import NotFound
from auth_api.http.json_response import iso
from auth_api.models.states import ModelState
from auth_api.schemas.versions import release_number
from auth_api.settings import SIMILARITY
from auth_api.usage.analytics import Steps, SystemUse, latencies, latest, sum_of, usage_of_all
from auth_api.usage.estimates import Interval, difference, interval, percentile, rounded, wilson

_MAX_HOURS = 31 * 24


class _Arm:
    """The results of one version. `latency` is in seconds."""

    def __init__(self, version: str, use: SystemUse) -> None:
        rows = [row for row in use.counted if row.version == version]
        judged = [row for row in use.judged if row.version == version]
        self.version = version
        self.answers, self.refused = sum_of(rows, "class").count, sum_of(rows, "refused").count
        self.failed, self.fell_back = sum_of(rows, "failed").count, sum_of(rows, "fell_back").count
        self.requests = self.answers + self.refused + self.failed
        self.given, self.wrong = sum(row.given for row in judged), sum(row.wrong for row in judged)
        self.latencies = latencies(rows)
        self.latency, self.score = (
            interval(sum_of(rows, "seconds")),
            interval(sum_of(rows, "class")),
        )
        self.error_rate = wilson(self.failed, self.requests)
        self.wrong_share = wilson(self.wrong, self.given)


async def compared(database: Database, name: str, state: ModelState) -> dict[str, Any]:
    """Returns a `TrafficReport` until now. Raises `NotFound`, `Unavailable`."""
    release = state.release
    if release is None:
        raise NotFound(f"The model {name} is not served yet.", "model_not_found")
    steps = _steps(release.since)
    use = await usage_of_all(database, steps, name)
    others = sorted(release.traffic.keys() - {release.default_version}, key=release_number)
    base, *arms = (_Arm(version, use) for version in (release.default_version, *others))
    return {
        "success": True,
        "model": name,
        "since": iso(steps.since),
        "default": release.default_version,
        "traffic": dict(release.traffic),
        "arms": [_arm(arm, release.traffic.get(arm.version, 0)) for arm in (base, *arms)],
        "comparisons": [_comparison(base, arm, recognises=name != SIMILARITY) for arm in arms],
    }


def _steps(since: datetime) -> Steps:
    """The hours since the last change of the traffic; after a month, the days."""
    moment = now()
    start = since.replace(minute=0, second=0, microsecond=0)
    hours = 1 + int((moment - start) / timedelta(hours=1))
    if hours <= _MAX_HOURS:
        return latest("hour", hours, moment)
    return latest("day", 1 + (moment.date() - start.date()).days, moment)


def _arm(arm: _Arm, share: float) -> dict[str, Any]:
    return {
        "version": arm.version,
        "traffic": share,
        "requests": arm.requests,
        "answers": arm.answers,
        "refused": arm.refused,
        "failed": arm.failed,
        "fell_back": arm.fell_back,
        "error_rate": _estimate(arm.error_rate, digits=4),
        "latency_ms": {
            **_estimate(arm.latency, 1000, name="mean"),
            "p50": rounded(percentile(arm.latencies, 0.5), 1000),
            "p95": rounded(percentile(arm.latencies, 0.95), 1000),
        },
        "score": _estimate(arm.score, name="mean"),
        "corrections": {
            "given": arm.given,
            "wrong": arm.wrong,
            "wrong_share": _estimate(arm.wrong_share, digits=4),
        },
    }


def _comparison(base: _Arm, arm: _Arm, *, recognises: bool) -> dict[str, Any]:
    """The differences of an arm from the default; positive if the arm has more."""
    wrong_share = _difference(arm.wrong_share, base.wrong_share)
    return {
        "version": arm.version,
        "against": base.version,
        "latency_ms": _difference(arm.latency, base.latency, 1000),
        "error_rate": _difference(arm.error_rate, base.error_rate),
        "score": _difference(arm.score, base.score, less="lower", more="higher"),
        "wrong_share": wrong_share if recognises else None,
    }


def _difference(
    one: Interval | None,
    other: Interval | None,
    factor: float = 1,
    *,
    less: str = "better",
    more: str = "worse",
) -> dict[str, Any]:
    found = difference(one, other)
    if found is None:
        verdict = "not enough data"
    elif found.low <= 0 <= found.high:
        verdict = "no difference seen"
    else:
        verdict = less if found.value < 0 else more
    return {**_estimate(found, factor, digits=4), "verdict": verdict}


def _estimate(
    found: Interval | None, factor: float = 1, digits: int = 2, *, name: str = "value"
) -> dict[str, float | None]:
    value, low, high = (rounded(each, factor, digits) for each in found or (None, None, None))
    return {name: value, "low": low, "high": high}
