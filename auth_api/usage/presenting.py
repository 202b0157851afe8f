"""Analytics as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from auth_api.http.json_response import iso
from auth_api.practice.alphabets import ALPHABETS
from auth_api.settings import SIMILARITY
from auth_api.usage.analytics import Counted, Judged, OwnUse, StepCounts, Steps, SystemUse
from auth_api.usage.estimates import Sums, percentile, wilson
from handlers.characters import CHARACTERS

_FAILURES = ("refused", "failed", "fell_back")


def own(use: OwnUse, days: Steps) -> dict[str, Any]:
    """A user's own usage in the form of `MyAnswer`."""
    by_day = {(row.day, row.model): row.sums.count for row in use.days}
    models = sorted({row.model for row in use.days})
    return {
        "success": True,
        "since": days.since.date().isoformat(),
        "totals": {**_volume(use.counted), "corrections": _corrections(use.judged)},
        "days": [
            {
                "day": start.date().isoformat(),
                **_by_kind({model: by_day.get((start, model), 0) for model in models}),
            }
            for start in days.starts()
        ],
        "versions": [
            {
                "model": model,
                "version": version,
                "answers": (sums := _of(rows, "class")).count,
                "mean_score": _rounded(sums.mean),
            }
            for (model, version), rows in _versions(use.counted).items()
        ],
        "classes": _classes(use.counted, use.judged),
    }


def system(use: SystemUse, steps: Steps) -> dict[str, Any]:
    """All usage in the form of `SystemAnswer`."""
    rows: dict[datetime, list[StepCounts]] = {start: [] for start in steps.starts()}
    for row in use.buckets:
        rows.setdefault(row.start, []).append(row)  # a new hour may just have begun
    return {
        "success": True,
        "since": iso(steps.since),
        "bucket": steps.span,
        "totals": {
            **_requests(use.counted, fallen_back_once=True),
            **_volume(use.counted),
            "latency_ms": _latency(use.counted),
            "corrections": _corrections(use.judged),
            "active_users": use.active_users,
        },
        "over_time": [_step(*item) for item in sorted(rows.items())],
        "versions": [
            _version(*key, found, [row for row in use.judged if (row.model, row.version) == key])
            for key, found in _versions(use.counted).items()
        ],
        "classes": _classes(use.counted, use.judged),
    }


def _step(start: datetime, rows: Sequence[StepCounts]) -> dict[str, Any]:
    read = [row for row in rows if row.model != SIMILARITY]
    compared = [row for row in rows if row.model == SIMILARITY]
    return {
        "start": iso(start),
        **_requests(rows, fallen_back_once=True),
        "mean_confidence": _rounded(_of(read, "class").mean),
        "mean_similarity": _rounded(_of(compared, "class").mean),
        "mean_latency_ms": _milliseconds(_of(rows, "seconds").mean),
    }


def _version(
    model: str, version: str, rows: Sequence[Counted], judged: Sequence[Judged]
) -> dict[str, Any]:
    requests, scores = _requests(rows, fallen_back_once=False), _of(rows, "class")
    corrections = _corrections(judged)
    low, high = wilson(corrections["wrong"], corrections["given"]) or (None, None)
    compared = model == SIMILARITY
    return {
        "model": model,
        "version": version,
        **requests,
        "error_rate": _share(requests["failed"], requests["requests"]),
        "mean_score": _rounded(scores.mean),
        "score_deviation": _rounded(scores.deviation),
        "same_share": _share(_of(rows, "same").count, scores.count) if compared else None,
        "latency_ms": _latency(rows),
        "corrections": {
            **corrections,
            "wrong_share_low": _rounded(low, 4),
            "wrong_share_high": _rounded(high, 4),
        },
    }


def _classes(counted: Iterable[Counted], judged: Sequence[Judged]) -> list[dict[str, Any]]:
    sums: dict[tuple[str, int], Sums] = {}
    for row in counted:
        if row.measure == "class":
            key = row.model, row.label
            sums[key] = sums.get(key, Sums()) + row.sums
    for verdict in judged:  # feedback may be on predictions from before the period
        sums.setdefault((verdict.model, verdict.label), Sums())
    return [
        {
            "model": model,
            **_named(model, label),
            "answers": found.count,
            "mean_score": _rounded(found.mean),
            "corrections": _corrections(
                [row for row in judged if (row.model, row.label) == (model, label)]
            ),
        }
        for (model, label), found in sorted(sums.items(), key=lambda item: item[0])
    ]


def _named(model: str, label: int) -> dict[str, Any]:
    character = ALPHABETS.get(model, CHARACTERS)[label]
    return {"class": label, "character": character.text, "name": character.name}


def _requests(
    rows: Sequence[Counted] | Sequence[StepCounts], *, fallen_back_once: bool
) -> dict[str, int]:
    """In the form of `Requests`. A request that fell back was counted by two versions.

    `fallen_back_once` counts it as one request.
    """
    found = {name: _of(rows, name).count for name in _FAILURES}
    answers = _of(rows, "class").count
    requests = answers + found["refused"] + found["failed"]
    requests -= found["fell_back"] if fallen_back_once else 0
    return {"requests": requests, "answers": answers, **found}


def _volume(counted: Iterable[Counted]) -> dict[str, int]:
    models: dict[str, int] = {}
    for row in counted:
        if row.measure == "class":
            models[row.model] = models.get(row.model, 0) + row.sums.count
    return _by_kind(models)


def _by_kind(models: Mapping[str, int]) -> dict[str, int]:
    total, comparisons = sum(models.values()), models.get(SIMILARITY, 0)
    return {"answers": total, "recognitions": total - comparisons, "comparisons": comparisons}


def _versions(counted: Iterable[Counted]) -> dict[tuple[str, str], list[Counted]]:
    versions: dict[tuple[str, str], list[Counted]] = {}
    for row in sorted(counted, key=lambda row: (row.model, row.version)):
        versions.setdefault((row.model, row.version), []).append(row)
    return versions


def _latency(rows: Sequence[Counted]) -> dict[str, float | None]:
    buckets: dict[int, int] = {}
    took = Sums()
    for row in rows:
        if row.measure == "seconds":
            buckets[row.label] = buckets.get(row.label, 0) + row.sums.count
            took += row.sums
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {
        "mean": _milliseconds(took.mean),
        **{name: _milliseconds(percentile(buckets, share)) for name, share in shares.items()},
    }


def _corrections(judged: Iterable[Judged]) -> dict[str, Any]:
    rows = list(judged)
    given, wrong = sum(row.given for row in rows), sum(row.wrong for row in rows)
    share = _share(wrong, given)
    return {"given": given, "right": given - wrong, "wrong": wrong, "wrong_share": share}


def _of(rows: Sequence[Counted] | Sequence[StepCounts], measure: str) -> Sums:
    return sum((row.sums for row in rows if row.measure == measure), Sums())


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)
