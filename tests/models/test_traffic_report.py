"""The comparison of versions that share the traffic."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.history import Feedback, Prediction
from auth_api.database.tables.models import ModelRelease
from auth_api.errors import NotFound
from auth_api.history.pictures import new_media
from auth_api.models.states import ModelState
from auth_api.models.traffic_report import compared
from auth_api.settings import Settings
from auth_api.usage.counters import UsageCounters

SHARES = {"1.9": 10.0, "1.2": 50.0, "1.10": 40.0}
JUDGED = {"1.2": (30, 3), "1.9": (40, 30), "1.10": (4, 4)}


def judge(session: Session) -> None:
    """Feedback on each version, given and wrong as in JUDGED."""
    names = ("username", "username_key", "email", "email_key", "password_hash")
    session.add(User(id=1, **dict.fromkeys(names, "a")))
    session.flush()
    for version, (given, wrong) in JUDGED.items():
        for number in range(given):
            values = {"model": "ranjana", "version": version, "confidence": 50.0, "top": []}
            seen = Prediction(
                **values, user_id=1, predicted_class=3, preprocessed=True, media=new_media()
            )
            session.add(seen)
            session.flush()
            actual = 4 if number < wrong else 3
            session.add(Feedback(prediction_id=seen.id, user_id=1, actual_class=actual))


def report(
    folder: Path, model: str = "ranjana", hours: float = 2, default: str = "1.2"
) -> dict[str, Any]:
    """The report after 40 answers of each version: 1.9 is slower and less sure, 1.10 fails."""

    async def read() -> dict[str, Any]:
        database = Database(Settings(database_url=f"sqlite:///{folder / 'ranjana.db'}"))
        await database.migrate()
        usage = UsageCounters(database)
        for version, score, seconds in (("1.2", 90, 0.02), ("1.9", 60, 0.2), ("1.10", 90, 0.02)):
            for number in range(40):
                usage.count_answer(model, version, None, 3, score + number % 5, seconds)
        for _ in range(20):
            usage.count("failed", model, "1.10")
        usage.count("refused", model, "1.9")
        usage.count("fell_back", model, "1.10")
        release = ModelRelease(
            model=model,
            default_version=default,
            traffic=SHARES,
            since=now() - timedelta(hours=hours),
        )
        try:
            await usage.finish()
            await database.write(judge)
            return await compared(database, model, ModelState(release))
        finally:
            await database.aclose()

    return asyncio.run(read())


def test_versions_are_compared_with_the_default_in_the_order_of_their_numbers(
    tmp_path: Path,
) -> None:
    found = report(tmp_path)
    assert (found["model"], found["default"], found["traffic"]) == ("ranjana", "1.2", SHARES)
    assert found["success"] is True
    assert found["since"] == f"{now() - timedelta(hours=2):%Y-%m-%dT%H:00:00Z}"
    arms = found["arms"]
    assert [(arm["version"], arm["traffic"]) for arm in arms] == [
        ("1.2", 50),
        ("1.9", 10),
        ("1.10", 40),
    ]
    counts = ("requests", "answers", "refused", "failed", "fell_back")
    assert [tuple(arm[name] for name in counts) for arm in arms] == [
        (40, 40, 0, 0, 0),
        (41, 40, 1, 0, 0),
        (60, 40, 0, 20, 1),
    ]
    assert arms[2]["error_rate"] == {"value": 0.3333, "low": 0.2273, "high": 0.4594}
    assert arms[0]["latency_ms"]["mean"] == pytest.approx(20)
    assert 10 < arms[0]["latency_ms"]["p50"] < arms[0]["latency_ms"]["p95"] < 30
    assert arms[1]["score"]["mean"] == 62
    assert arms[1]["score"]["low"] == pytest.approx(62 - 1.96 * math.sqrt(2 / 39), abs=0.01)
    assert arms[0]["corrections"] == {
        **{"given": 30, "wrong": 3},
        "wrong_share": {"value": 0.1, "low": 0.0346, "high": 0.2562},
    }


def test_a_difference_beyond_chance_has_a_verdict(tmp_path: Path) -> None:
    slower, failing = report(tmp_path)["comparisons"]
    assert (slower["version"], slower["against"]) == ("1.9", "1.2")
    assert (failing["version"], failing["against"]) == ("1.10", "1.2")
    assert slower["latency_ms"]["verdict"] == "worse"
    assert slower["latency_ms"]["value"] == pytest.approx(180)
    assert slower["score"]["verdict"] == "lower"
    assert slower["score"]["value"] == -30
    assert slower["error_rate"]["verdict"] == "no difference seen"
    assert failing["latency_ms"]["verdict"] == "no difference seen"
    assert failing["score"]["verdict"] == "no difference seen"
    assert failing["error_rate"]["verdict"] == "worse"
    assert slower["wrong_share"]["verdict"] == "worse"
    assert slower["wrong_share"]["value"] == 0.65


def test_a_version_that_is_better_is_called_so(tmp_path: Path) -> None:
    faster, _ = report(tmp_path, default="1.9")["comparisons"]
    assert (faster["version"], faster["against"]) == ("1.2", "1.9")
    assert faster["latency_ms"]["verdict"] == faster["wrong_share"]["verdict"] == "better"
    assert faster["score"]["verdict"] == "higher"


def test_versions_of_the_comparison_have_no_wrong_share(tmp_path: Path) -> None:
    found = report(tmp_path, "similarity", hours=40 * 24)
    assert [each["wrong_share"] for each in found["comparisons"]] == [None, None]
    # Days, because the release is older than a month.
    assert found["since"] == f"{now() - timedelta(days=40):%Y-%m-%dT00:00:00Z}"


def test_a_model_that_is_not_served_has_no_report(tmp_path: Path) -> None:
    async def read() -> None:
        database = Database(Settings(database_url=f"sqlite:///{tmp_path / 'ranjana.db'}"))
        await compared(database, "ranjana", ModelState())

    with pytest.raises(NotFound, match="not served yet") as refusal:
        asyncio.run(read())
    assert refusal.value.code == "model_not_found"
