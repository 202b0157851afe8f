"""Analytics as JSON, from counts that need no database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auth_api.usage import presenting
from auth_api.usage.analytics import (
    Counted,
    DayCounts,
    Judged,
    OwnUse,
    StepCounts,
    Steps,
    SystemUse,
    latest,
)
from auth_api.usage.counters import BUCKETS
from auth_api.usage.estimates import Sums

NOW = datetime(2026, 3, 2, 10, 40, tzinfo=UTC)
ANSWERS = [
    Counted("ranjana", "1.10", "class", 7, Sums(2, 180.0, 16_400.0)),
    Counted("ranjana", "1.9", "class", 7, Sums(1, 60.0, 3600.0)),
    Counted("ranjana", "1.9", "class", 0, Sums(1, 40.0, 1600.0)),
    Counted("digits", "1.0", "class", 7, Sums(1, 99.0, 9801.0)),
    Counted("similarity", "1.0", "class", 0, Sums(4, 200.0, 10_000.0)),
]
COUNTED = [
    *ANSWERS,
    Counted("ranjana", "1.9", "seconds", 5, Sums(2, 0.5, 0.2)),
    Counted("ranjana", "1.9", "failed", 0, Sums(1)),
    Counted("ranjana", "1.9", "fell_back", 0, Sums(1)),
    Counted("ranjana", "1.10", "refused", 0, Sums(3)),
    Counted("similarity", "1.0", "same", 0, Sums(3)),
]
JUDGED = [
    Judged("ranjana", "1.9", 7, given=8, wrong=2),
    Judged("ranjana", "1.9", 0, given=2, wrong=0),
    Judged("digits", "1.0", 3, given=1, wrong=1),
]


def test_versions_are_listed_by_model_and_number_with_their_own_counts() -> None:
    answer = presenting.system(SystemUse(COUNTED, [], JUDGED, 5), latest("day", 1, NOW))
    by_version = {(each["model"], each["version"]): each for each in answer["versions"]}
    assert list(by_version) == [
        ("digits", "1.0"),
        ("ranjana", "1.9"),
        ("ranjana", "1.10"),
        ("similarity", "1.0"),
    ]
    middle = BUCKETS[4] + (BUCKETS[5] - BUCKETS[4]) * 0.5
    assert by_version["ranjana", "1.9"] == {
        "model": "ranjana",
        "version": "1.9",
        # This version did not answer the request that fell back.
        **{"requests": 3, "answers": 2, "refused": 0, "failed": 1, "fell_back": 1},
        "error_rate": 0.3333,
        "mean_score": 50.0,
        "score_deviation": 10.0,
        "same_share": None,
        "latency_ms": {
            "mean": 250.0,
            "p50": pytest.approx(1000 * middle, abs=0.01),
            "p95": pytest.approx(1000 * (BUCKETS[4] + (BUCKETS[5] - BUCKETS[4]) * 0.95), abs=0.01),
            "p99": pytest.approx(1000 * (BUCKETS[4] + (BUCKETS[5] - BUCKETS[4]) * 0.99), abs=0.01),
        },
        "corrections": {
            **{"given": 10, "right": 8, "wrong": 2, "wrong_share": 0.2},
            # Wilson's interval of 2 of 10.
            **{"wrong_share_low": 0.0567, "wrong_share_high": 0.5098},
        },
    }
    none = {"given": 0, "right": 0, "wrong": 0, "wrong_share": None}
    compared = by_version["similarity", "1.0"]
    assert (compared["same_share"], compared["error_rate"]) == (0.75, 0.0)
    assert compared["latency_ms"] == dict.fromkeys(("mean", "p50", "p95", "p99"))
    assert compared["corrections"] == {**none, "wrong_share_low": None, "wrong_share_high": None}


def test_totals_count_a_request_that_fell_back_once() -> None:
    answer = presenting.system(SystemUse(COUNTED, [], JUDGED, 5), latest("day", 1, NOW))
    assert answer["success"] is True
    totals = answer["totals"]
    assert totals.pop("latency_ms")["mean"] == 250.0
    assert totals == {
        **{"requests": 12, "answers": 9, "refused": 3, "failed": 1, "fell_back": 1},
        **{"recognitions": 5, "comparisons": 4, "active_users": 5},
        "corrections": {"given": 11, "right": 8, "wrong": 3, "wrong_share": 0.2727},
    }
    assert (answer["since"], answer["bucket"]) == ("2026-03-02T00:00:00Z", "day")


def test_classes_have_names_of_their_alphabet_and_feedback_of_all_versions() -> None:
    answer = presenting.system(SystemUse(COUNTED, [], JUDGED, 5), latest("day", 1, NOW))
    none = {"given": 0, "right": 0, "wrong": 0, "wrong_share": None}
    shown = [
        (row["model"], row["class"], row["character"], row["answers"], row["mean_score"])
        for row in answer["classes"]
    ]
    assert shown == [
        ("digits", 3, "3", 0, None),
        ("digits", 7, "7", 1, 99.0),
        ("ranjana", 0, "क", 1, 40.0),
        ("ranjana", 7, "ज", 3, 80.0),
        ("similarity", 0, "क", 4, 50.0),
    ]
    assert answer["classes"][3]["name"] == "ja"
    assert [row["corrections"] for row in answer["classes"]] == [
        {"given": 1, "right": 0, "wrong": 1, "wrong_share": 1.0},
        none,
        {"given": 2, "right": 2, "wrong": 0, "wrong_share": 0.0},
        {"given": 8, "right": 6, "wrong": 2, "wrong_share": 0.25},
        none,
    ]


def test_each_hour_has_a_row_also_one_that_has_just_begun() -> None:
    steps = latest("hour", 2, NOW)
    last, next_one = NOW.replace(minute=0), NOW.replace(hour=11, minute=0)
    buckets = [
        StepCounts(last, "ranjana", "class", Sums(2, 150.0)),
        StepCounts(last, "similarity", "class", Sums(1, 70.0)),
        StepCounts(last, "ranjana", "seconds", Sums(3, 0.6)),
        StepCounts(last, "ranjana", "failed", Sums(2)),
        StepCounts(last, "ranjana", "fell_back", Sums(1)),
        StepCounts(next_one, "ranjana", "refused", Sums(1)),
    ]
    answer = presenting.system(SystemUse([], buckets, [], 0), steps)
    none = {"answers": 0, "refused": 0, "failed": 0, "fell_back": 0}
    means = ("mean_confidence", "mean_similarity", "mean_latency_ms")
    assert answer["over_time"] == [
        {"start": "2026-03-02T09:00:00Z", "requests": 0, **none, **dict.fromkeys(means)},
        {
            "start": "2026-03-02T10:00:00Z",
            **{"requests": 4, "answers": 3, "refused": 0, "failed": 2, "fell_back": 1},
            **{"mean_confidence": 75.0, "mean_similarity": 70.0, "mean_latency_ms": 200.0},
        },
        {
            "start": "2026-03-02T11:00:00Z",
            **{"requests": 1, **none, "refused": 1},
            **dict.fromkeys(means),
        },
    ]


def test_own_use_has_totals_days_versions_and_classes() -> None:
    days = latest("day", 2, NOW)
    today = NOW.replace(hour=0, minute=0)
    on_days = [DayCounts(today, "ranjana", Sums(3)), DayCounts(today, "similarity", Sums(1))]
    answer = presenting.own(OwnUse(ANSWERS, on_days, JUDGED), days)
    assert answer["success"] is True
    assert answer["since"] == "2026-03-01"
    assert answer["totals"] == {
        **{"answers": 9, "recognitions": 5, "comparisons": 4},
        "corrections": {"given": 11, "right": 8, "wrong": 3, "wrong_share": 0.2727},
    }
    assert answer["days"] == [
        {"day": "2026-03-01", "answers": 0, "recognitions": 0, "comparisons": 0},
        {"day": "2026-03-02", "answers": 4, "recognitions": 3, "comparisons": 1},
    ]
    names = ("model", "version", "answers", "mean_score")
    assert answer["versions"] == [
        dict(zip(names, row, strict=True))
        for row in (
            ("digits", "1.0", 1, 99.0),
            ("ranjana", "1.9", 2, 50.0),
            ("ranjana", "1.10", 2, 90.0),
            ("similarity", "1.0", 4, 50.0),
        )
    ]
    assert [row["answers"] for row in answer["classes"]] == [0, 1, 1, 3, 4]


def test_days_and_hours_begin_at_their_full_hour() -> None:
    assert latest("hour", 3, NOW) == Steps("hour", datetime(2026, 3, 2, 8, tzinfo=UTC), 3)
    days = latest("day", 3, NOW)
    assert days == Steps("day", datetime(2026, 2, 28, tzinfo=UTC), 3)
    assert [start.day for start in days.starts()] == [28, 1, 2]
