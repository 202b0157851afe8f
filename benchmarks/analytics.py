"""Queries on a history of a million rows, against `GET /api/me/`."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert, text
from sqlmodel import SQLModel

from auth_api.database.columns import now
from auth_api.database.database import core_of
from auth_api.database.tables.accounts import User as Account
from auth_api.database.tables.audit import AuditEntry
from auth_api.database.tables.history import Feedback, Prediction
from auth_api.database.tables.usage import UsageDay, UsageHour
from auth_api.usage.counters import EVER, Measure, Span, measure_of
from benchmarks.accounts import apis
from benchmarks.timing import median_ratio
from handlers.characters import CHARACTERS
from tests.authorisation.test_access import sql, user_id
from tests.history.test_history import in_database
from tests.support.apis import Api, User
from tests.support.running import Ranjana

_ROWS = 1_000_000
_USERS = 1_000
_HOURS = 365 * 24
_FEEDBACK_INTERVAL = 50
_BATCH_SIZE = 20_000
_ROUNDS = 21
_BASELINE = "/api/me/"
_PATHS = (
    _BASELINE,
    "/api/history/predictions/",
    "/api/analytics/me/",
    "/api/analytics/me/?days=366",
    "/api/analytics/system/",
    "/api/analytics/system/?days=7&bucket=hour",
    "/api/analytics/system/?days=366",
    "/api/admin/stats/",
    "/api/admin/users/",
    "/api/admin/users/?search=nobody",
    "/api/admin/audit-logs/",
    "/api/admin/audit-logs/?since=SINCE&until=UNTIL",
    "/api/admin/jobs/",
    "/api/admin/config/",
)


def analytics_table(ranjana: Ranjana, folder: Path) -> str:
    """Times of an administrator's requests on both databases."""
    lines = [
        f"### Queries on a history of {_ROWS:,} rows, {_USERS:,} users and one year",
        "",
        "| request | SQLite ms | times /api/me/ | PostgreSQL ms | times /api/me/ |",
        "|---|---|---|---|---|",
    ]
    with apis(ranjana, folder / "analytics") as started:
        columns = [_times(api) for api in started.values()]
    for path in _PATHS:
        cells = [f"| `{path}` "]
        for times in columns:
            cells += [
                f"{statistics.median(times[path]):.1f} ",
                f"{median_ratio(times[path], times[_BASELINE]):.1f} ",
            ]
        lines.append("| ".join(cells) + "|")
    return "\n".join([*lines, ""])


def _times(api: Api) -> dict[str, list[float]]:
    """Milliseconds of each request, one per round."""
    user = api.sign_up()
    sql(api, "UPDATE users SET role = 'admin' WHERE username = $1", user.username)
    _fill(api, user)
    since, until = (now() - timedelta(days=days) for days in (200, 199))
    moments = {"SINCE": f"{since:%Y-%m-%dT%H:%M:%SZ}", "UNTIL": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
    times: dict[str, list[float]] = {path: [] for path in _PATHS}
    for number in range(_ROUNDS + 1):
        for path in _PATHS:
            url = path
            for word, moment in moments.items():
                url = url.replace(word, moment)
            began = time.perf_counter()
            response = user.get(url)
            taken = time.perf_counter() - began
            assert response.status_code == 200, response.text
            if number:  # the first round fills caches
                times[path].append(taken * 1000)
    return times


def _fill(api: Api, owner: User) -> None:
    """Writes a year of predictions, feedback, audit log and counters.

    A tenth of the predictions are the owner's.
    """
    rng = np.random.default_rng(0)
    first = user_id(owner)
    url = api.database_url
    names = ("username", "username_key", "email", "email_key")
    common = {"password_hash": "", "role": "user", "active": True, "timezone": "UTC"}
    common |= {"training_consent": False, "created_at": now()}
    rows = ({**dict.fromkeys(names, f"learner{n}"), **common} for n in range(_USERS))
    _insert(url, Account, rows)
    users = np.where(rng.random(_ROWS) < 0.1, 0, rng.integers(0, _USERS, _ROWS)) + first
    hours = np.sort(rng.integers(0, _HOURS, _ROWS))
    labels = rng.integers(0, len(CHARACTERS), _ROWS)
    version = {"model": "ranjana", "version": "1.0"}
    end = now().replace(minute=0, second=0, microsecond=0)
    moments = [end - timedelta(hours=_HOURS - 1 - hour) for hour in range(_HOURS)]
    top = [{"class": 0, "character": "क", "name": "ka", "confidence": 90.0}]
    predictions = (
        {
            **version,
            "user_id": int(users[n]),
            "created_at": moments[hours[n]],
            "predicted_class": int(labels[n]),
            "confidence": 90.0,
            "top": top,
            "preprocessed": True,
            "media": f"{n}",
        }
        for n in range(_ROWS)
    )
    _insert(url, Prediction, predictions)
    feedback = (
        {
            "prediction_id": n + 1,
            "user_id": int(users[n]),
            "actual_class": 0,
            "created_at": moments[hours[n]],
            "updated_at": moments[hours[n]],
        }
        for n in range(0, _ROWS, _FEEDBACK_INTERVAL)
    )
    _insert(url, Feedback, feedback)
    entries = (
        {"at": moments[hours[n]], "action": "signed_in", "user_id": int(users[n]), "details": {}}
        for n in range(_ROWS)
    )
    _insert(url, AuditEntry, entries)
    _insert(url, UsageHour, _usage_hours(rng, hours, labels, moments, version))
    days = np.array([(moment - EVER).days for moment in moments])[hours]
    keys, counts = np.unique(np.stack([users, days, labels]), axis=1, return_counts=True)
    used = (
        {
            **version,
            **_sums(int(count)),
            "user_id": int(user),
            "day": EVER + timedelta(days=int(day)),
            "label": int(label),
        }
        for (user, day, label), count in zip(keys.T, counts, strict=True)
    )
    _insert(url, UsageDay, used)
    in_database(url, lambda connection: connection.execute(text("ANALYZE")))


def _usage_hours(
    rng: np.random.Generator,
    hours: np.ndarray[Any, Any],
    labels: np.ndarray[Any, Any],
    moments: Sequence[Any],
    version: dict[str, str],
) -> Iterable[dict[str, Any]]:
    buckets = np.clip(rng.normal(8, 2, _ROWS).round(), 0, 20).astype(int)
    in_hours = np.array([(moment - EVER) // timedelta(hours=1) for moment in moments])[hours]
    spans: dict[Span, Any] = {
        "hour": in_hours,
        "day": in_hours // 24 * 24,
        "ever": np.zeros_like(in_hours),
    }
    measures: dict[Measure, Any] = {"class": labels, "seconds": buckets}
    for (span, starts), (measure, places) in itertools.product(spans.items(), measures.items()):
        same = {**version, "measure": measure_of(measure, span)}
        keys, counts = np.unique(np.stack([starts, places]), axis=1, return_counts=True)
        for (start, place), count in zip(keys.T, counts, strict=True):
            hour = EVER + timedelta(hours=int(start))
            yield {**same, **_sums(int(count)), "hour": hour, "label": int(place)}


def _sums(count: int) -> dict[str, float]:
    return {"count": count, "total": 90.0 * count, "squares": 8100.0 * count}


def _insert(url: str, table: type[SQLModel], rows: Iterable[dict[str, Any]]) -> None:
    remaining = iter(rows)
    while batch := list(islice(remaining, _BATCH_SIZE)):

        def add(connection: Connection, part: list[dict[str, Any]] = batch) -> None:
            connection.execute(insert(core_of(table)), part)

        in_database(url, add)
