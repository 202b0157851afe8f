"""Analytics as JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from auth_api.http.json_response import iso
from auth_api.practice.alphabets import ALPHABETS
from auth_api.schemas.versions import release_number
from auth_api.settings import SIMILARITY
from auth_api.usage.analytics import (
    Counted,
    DayCounts,
    Judged,
    OwnUse,
    StepCounts,
    Steps,
    SystemUse,
    latencies,
    sum_of,
)
from auth_api.usage.estimates import Sums, percentile, rounded, wilson
from handlers.characters import CHARACTERS

_FAILURES = ("refused", "failed", "fell_back")


def own(use: OwnUse, days: Steps) -> dict[str, Any]:
    """A user's own usage in the form of `MyAnswer`."""
    by_day: defaultdict[datetime, list[DayCounts]] = defaultdict(list)
    for row in use.days:
        by_day[row.day].append(row)
    return {
        "success": True,
        "since": days.since.date().isoformat(),
        "totals": {**_volume(use.counted), "corrections": _corrections(use.judged)},
        "days": [
            {"day": start.date().isoformat(), **_volume(by_day[start])} for start in days.starts()
        ],
        "versions": [
            {
                "model": model,
                "version": version,
                "answers": (sums := sum_of(rows, "class")).count,
                "mean_score": rounded(sums.mean),
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
            **_volume([row for row in use.counted if row.measure == "class"]),
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
        "mean_confidence": rounded(sum_of(read, "class").mean),
        "mean_similarity": rounded(sum_of(compared, "class").mean),
        "mean_latency_ms": rounded(sum_of(rows, "seconds").mean, 1000),
    }


def _version(
    model: str, version: str, rows: Sequence[Counted], judged: Sequence[Judged]
) -> dict[str, Any]:
    requests, scores = _requests(rows, fallen_back_once=False), sum_of(rows, "class")
    corrections = _corrections(judged)
    _, low, high = wilson(corrections["wrong"], corrections["given"]) or (None, None, None)
    compared = model == SIMILARITY
    return {
        "model": model,
        "version": version,
        **requests,
        "error_rate": _share(requests["failed"], requests["requests"]),
        "mean_score": rounded(scores.mean),
        "score_deviation": rounded(scores.deviation),
        "same_share": _share(sum_of(rows, "same").count, scores.count) if compared else None,
        "latency_ms": _latency(rows),
        "corrections": {
            **corrections,
            "wrong_share_low": rounded(low, digits=4),
            "wrong_share_high": rounded(high, digits=4),
        },
    }


def _classes(counted: Iterable[Counted], judged: Sequence[Judged]) -> list[dict[str, Any]]:
    # Feedback may be on predictions from before the period.
    sums = {(row.model, row.label): Sums() for row in judged}
    for row in counted:
        if row.measure == "class":
            key = row.model, row.label
            sums[key] = sums.get(key, Sums()) + row.sums
    return [
        {
            "model": model,
            **_named(model, label),
            "answers": found.count,
            "mean_score": rounded(found.mean),
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
    found = {name: sum_of(rows, name).count for name in _FAILURES}
    answers = sum_of(rows, "class").count
    requests = answers + found["refused"] + found["failed"]
    requests -= found["fell_back"] if fallen_back_once else 0
    return {"requests": requests, "answers": answers, **found}


def _volume(answers: Sequence[Counted] | Sequence[DayCounts]) -> dict[str, int]:
    total = sum(row.sums.count for row in answers)
    comparisons = sum(row.sums.count for row in answers if row.model == SIMILARITY)
    return {"answers": total, "recognitions": total - comparisons, "comparisons": comparisons}


def _versions(counted: Iterable[Counted]) -> dict[tuple[str, str], list[Counted]]:
    """The rows of each model and version: models by name, versions by number."""
    found: defaultdict[tuple[str, str], list[Counted]] = defaultdict(list)
    for row in sorted(counted, key=lambda row: (row.model, release_number(row.version))):
        found[row.model, row.version].append(row)
    return found


def _latency(rows: Sequence[Counted]) -> dict[str, float | None]:
    buckets = latencies(rows)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {
        "mean": rounded(sum_of(rows, "seconds").mean, 1000),
        **{name: rounded(percentile(buckets, share), 1000) for name, share in shares.items()},
    }


def _corrections(judged: Sequence[Judged]) -> dict[str, Any]:
    given, wrong = sum(row.given for row in judged), sum(row.wrong for row in judged)
    share = _share(wrong, given)
    return {"given": given, "right": given - wrong, "wrong": wrong, "wrong_share": share}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
