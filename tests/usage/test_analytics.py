"""Analytics give the right numbers, and their queries scan no large table."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert, literal, select, text
from sqlalchemy.orm import Session

from auth_api.audit.queries import AuditTrail
from auth_api.database.columns import now
from auth_api.database.database import Database, core_of
from auth_api.database.tables.accounts import User as Account
from auth_api.database.tables.audit import AuditEntry
from auth_api.database.tables.history import Feedback, Prediction
from auth_api.database.tables.jobs import Job
from auth_api.database.tables.usage import UsageDay, UsageHour
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.reservations import Reservations
from auth_api.jobs.user_jobs import UserJobs
from auth_api.jobs.work_folders import WorkFolders
from auth_api.observability.metrics import Metrics
from auth_api.operations.overview import overview
from auth_api.settings import Settings
from auth_api.usage.analytics import latest, usage_of, usage_of_all
from tests.authorisation.test_access import by_key, make_key, sql, user_id
from tests.history.test_history import fill, in_database
from tests.support.apis import Api, StartApi, User
from tests.support.digits import held_out
from tests.support.jobs import DIGITS, digits, finished, hand_in
from tests.support.pictures import encode, reference
from tests.support.running import wait_for

pytestmark = pytest.mark.thorough("postgresql")

ME = "/api/analytics/me/"
SYSTEM = "/api/analytics/system/"
PICTURE = encode(reference(0))
NO_PICTURE = b"no picture at all"


@pytest.fixture(scope="module")
def analyst(api: Api) -> User:
    user = api.sign_up()
    sql(api, "UPDATE users SET role = 'analyst' WHERE username = $1", user.username)
    return user


def analytics(user: User, path: str = SYSTEM, **query: object) -> dict[str, Any]:
    response = user.get(path, params=query)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def version(answer: dict[str, Any], model: str) -> dict[str, Any]:
    (found,) = (row for row in answer["versions"] if (row["model"], row["version"]) == (model, V))
    assert isinstance(found, dict)
    return found


def by_class(answer: dict[str, Any]) -> dict[tuple[str, int], tuple[int, int, int]]:
    """Answers, feedback, and disagreeing feedback for each class of a model."""
    return {
        (row["model"], row["class"]): (
            row["answers"],
            row["corrections"]["given"],
            row["corrections"]["wrong"],
        )
        for row in answer["classes"]
    }


V = "1.0"


def test_the_numbers_match_the_requests(start_api: StartApi) -> None:
    api = start_api()
    analyst, learner, other = api.sign_up(), api.sign_up(), api.sign_up()
    for user, role in ((analyst, "analyst"), (other, "admin")):
        sql(api, "UPDATE users SET role = $1 WHERE username = $2", role, user.username)
    nothing = analytics(analyst)
    assert nothing["totals"]["requests"] == nothing["totals"]["active_users"] == 0
    assert nothing["totals"]["latency_ms"] == dict.fromkeys(("mean", "p50", "p95", "p99"))
    assert (len(nothing["over_time"]), nothing["versions"], nothing["classes"]) == (30, [], [])

    first, second = learner.predict(0).json(), learner.predict(0).json()
    digit = encode(held_out(3, 0))
    seen = learner.post("/api/predict/?model=digits", files={"image": digit}).json()
    assert seen["digit"] == 3
    scores = [learner.compare(5).json()["similarity_score"]]
    scores.append(learner.compare(5, target=6).json()["similarity_score"])
    assert api.client.post("/api/predict/", files={"image": PICTURE}).status_code == 200
    for headers in ({}, learner.headers):
        refused = {"files": {"image": NO_PICTURE}, "headers": headers}
        assert api.client.post("/api/predict/", **refused).status_code == 415
    batch = [("images", PICTURE), ("images", NO_PICTURE)]
    assert learner.post("/api/predict/batch/", files=batch).status_code == 200
    images = [*digits(4), ("images", ("bad.png", NO_PICTURE))]
    job = finished(other, hand_in(other, images, DIGITS))
    assert job["counts"]["succeeded"] == 4
    for answer, actual in ((first, 0), (second, 7)):
        said = {"prediction_id": answer["prediction_id"], "actual_class": actual}
        assert learner.post("/api/feedback/", json=said).status_code == 201

    expected = {"requests": 15, "answers": 11, "refused": 4, "failed": 0, "fell_back": 0}
    wait_for(lambda: analytics(analyst)["totals"]["requests"] == 15, 10)
    whole = analytics(analyst)
    assert expected.items() <= whole["totals"].items()
    assert {"recognitions": 9, "comparisons": 2, "active_users": 2}.items() <= (
        whole["totals"].items()
    )
    corrections = {"given": 2, "right": 1, "wrong": 1, "wrong_share": 0.5}
    assert whole["totals"]["corrections"] == corrections
    today = whole["over_time"][-1]
    assert expected.items() <= today.items()
    assert today["start"] == f"{now():%Y-%m-%d}T00:00:00Z"
    assert today["mean_similarity"] == pytest.approx(sum(scores) / 2, abs=0.01)
    assert sum(step["requests"] for step in whole["over_time"]) == 15
    took = whole["totals"]["latency_ms"]
    assert 0 < took["p50"] <= took["p95"] <= took["p99"]
    assert took["mean"] == today["mean_latency_ms"]

    ranjana = version(whole, "ranjana")
    assert (ranjana["answers"], ranjana["error_rate"]) == (4, 0)
    assert ranjana["mean_score"] == pytest.approx(first["confidence"], abs=0.01)
    assert ranjana["score_deviation"] == pytest.approx(0, abs=0.01)
    estimated = {**corrections, "wrong_share_low": 0.0945, "wrong_share_high": 0.9055}
    assert ranjana["corrections"] == estimated
    refusals = [(row["model"], row["refused"]) for row in whole["versions"]]
    assert sum(number for model, number in refusals if model == "ranjana") == 3
    assert sum(number for model, number in refusals if model == "digits") == 1
    assert version(whole, "similarity")["same_share"] == 0.5
    read = [(row["digit"],) for row in job["results"] if row["success"]]
    counts = {("digits", n): (read.count((n,)) + (n == 3), 0, 0) for n in range(10)}
    counts |= {
        ("ranjana", 0): (4, 2, 1),
        ("similarity", 5): (1, 0, 0),
        ("similarity", 6): (1, 0, 0),
    }
    assert by_class(whole) == {key: value for key, value in counts.items() if value[0]}

    hours = analytics(analyst, days=2, bucket="hour", model="ranjana")
    assert len(hours["over_time"]) == 48
    assert hours["totals"]["requests"] == hours["over_time"][-1]["requests"] == 7
    assert {row["model"] for row in (*hours["versions"], *hours["classes"])} == {"ranjana"}
    assert hours["totals"]["corrections"] == corrections
    assert analytics(analyst, model="digits")["totals"]["corrections"]["given"] == 0

    # A user's own analytics still count what was deleted from the history.
    number = first["prediction_id"]
    assert learner.delete(f"/api/history/predictions/{number}/").is_success
    mine = analytics(learner, ME, days=7)
    assert mine["totals"] == {
        "answers": 6,
        "recognitions": 4,
        "comparisons": 2,
        "corrections": {"given": 1, "right": 0, "wrong": 1, "wrong_share": 1.0},
    }
    assert [day["answers"] for day in mine["days"]] == [0] * 6 + [6]
    assert mine["days"][-1] == {
        "day": f"{now():%Y-%m-%d}",
        "answers": 6,
        "recognitions": 4,
        "comparisons": 2,
    }
    assert by_class(mine) == {
        ("digits", 3): (1, 0, 0),
        ("ranjana", 0): (3, 1, 1),
        ("similarity", 5): (1, 0, 0),
        ("similarity", 6): (1, 0, 0),
    }
    assert {row["model"]: row["answers"] for row in mine["versions"]} == {
        "ranjana": 3,
        "digits": 1,
        "similarity": 2,
    }
    assert analytics(other, ME)["totals"]["answers"] == 4
    assert analytics(analyst, ME)["totals"]["answers"] == 0
    key = by_key(make_key(learner, "history"))
    assert api.client.get(ME, params={"days": 7}, headers=key).json() == mine
    volume = analytics(other, "/api/admin/stats/")["volume"]
    plain = {name: expected[name] for name in ("answers", "refused", "failed", "fell_back")}
    assert volume == {"today": plain, "total": plain}

    # A deleted account takes its own counts along, but stays in the totals.
    assert learner.delete("/api/me/").status_code == 200
    assert sql(api, "SELECT DISTINCT user_id FROM usage_days") == [(user_id(other),)]
    left = analytics(analyst)["totals"]
    assert (left["requests"], left["active_users"]) == (15, 1)

    # Recent counts survive a restart.
    assert other.predict(0).status_code == 200
    api.process.send_signal(signal.SIGTERM)
    api.process.wait(30)
    api.start()
    api.wait_until_alive()
    assert analytics(analyst)["totals"]["answers"] == 12


@pytest.mark.database("sqlite")
def test_invalid_queries_are_refused(analyst: User, user: User) -> None:
    for query in ({"days": 0}, {"days": 367}, {"days": "x"}, {"bucket": "week"}, {"model": ""}):
        refused = analyst.get(SYSTEM, params=query)
        assert (refused.status_code, refused.json()["code"]) == (400, "validation_failed"), query
    assert analyst.get(ME, params={"days": 367}).status_code == 400
    many = analyst.get(SYSTEM, params={"days": 32, "bucket": "hour"})
    assert list(many.json()["details"]["fields"]) == ["days"]
    assert len(analytics(analyst, days=31, bucket="hour")["over_time"]) == 31 * 24
    assert len(analytics(analyst, days=366)["over_time"]) == 366
    unknown = analyst.get(SYSTEM, params={"model": "latin"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "model_not_found")
    assert user.get(SYSTEM).status_code == 403


# ---- cost of the queries


@pytest.fixture(scope="module")
def long_use(
    database: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A database with two years of usage by a thousand users, and large other tables."""
    if database == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('use') / 'ranjana.db'}"
    else:
        url = request.getfixturevalue("postgresql").new_database()

    async def migrate() -> None:
        database = Database(Settings(database_url=url))
        await database.migrate()
        await database.aclose()

    asyncio.run(migrate())
    in_database(url, _insert_usage)
    fill(url, 1, 20_000)
    in_database(url, _insert_feedback)
    in_database(url, lambda connection: connection.execute(text("ANALYZE")))
    return url


def _insert_usage(connection: Connection) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=number) for number in range(730)]
    version = {"model": "ranjana", "version": "1.0", "count": 1, "total": 1.0, "squares": 1.0}
    names = ("username", "username_key", "email", "email_key")
    common = {"password_hash": "", "role": "user", "active": True, "timezone": "UTC"}
    common["training_consent"] = False
    users = [
        {**dict.fromkeys(names, f"u{n}"), **common, "created_at": days[-1]} for n in range(1000)
    ]
    connection.execute(insert(core_of(Account)), users)
    hours = [
        {"hour": day, "measure": measure, "label": label, **version}
        for day in days
        for measure in ("class", "seconds", "day class", "day seconds", "ever class")
        for label in range(10)
    ]
    connection.execute(insert(core_of(UsageHour)), hours)
    user_days = [
        {"user_id": 1 + (number % 1000), "day": days[number % 730], "label": number % 36, **version}
        for number in range(20_000)
    ]
    connection.execute(insert(core_of(UsageDay)), user_days)
    jobs = [
        {
            "user_id": 1 + number % 1000,
            "kind": "predict" if number % 5 else "train",
            "state": "succeeded" if number % 7 else "failed",
            "created_at": days[0],
            **{"parameters": {}, "progress": 1, "total": 0, "succeeded": 0, "failed": 0},
            **{"cancelling": False, "attempts": 0},
        }
        for number in range(5000)
    ]
    connection.execute(insert(core_of(Job)), jobs)
    entries = [
        {
            "at": days[-1] + timedelta(minutes=number * 50),
            "action": "signed_in" if number % 3 else "signed_out",
            "user_id": 1 + number % 1000,
            "details": {},
        }
        for number in range(20_000)
    ]
    connection.execute(insert(core_of(AuditEntry)), entries)


def _insert_feedback(connection: Connection) -> None:
    """Inserts much feedback from long ago and some from today."""
    rows = core_of(Prediction)
    names = ["prediction_id", "user_id", "actual_class", "created_at", "updated_at"]
    for days, which in ((400, rows.c.id % 4 == 0), (0, rows.c.id % 80 == 1)):
        moment = literal(now() - timedelta(days=days), rows.c.created_at.type)
        some = select(rows.c.id, rows.c.user_id, literal(1), moment, moment).where(which)
        connection.execute(insert(core_of(Feedback)).from_select(names, some))


def _scanned(session: Session, is_sqlite: bool, statement: str, parameters: Any) -> set[str]:
    """The tables that a statement scans completely, directly or through an index."""
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN (FORMAT JSON)"
    rows = session.connection().exec_driver_sql(f"{explain} {statement}", parameters).all()
    if is_sqlite:
        lines = [str(row[-1]).split() for row in rows]
        found = {words[1] for words in lines if words[0] == "SCAN"}
        return {table for table in found if not table.startswith("pragma_")}
    content = rows[0][0]
    (plan,) = json.loads(content) if isinstance(content, str) else content
    return {
        node["Relation Name"]
        for node in _nodes(plan["Plan"])
        if node["Node Type"] in ("Seq Scan", "Index Scan", "Index Only Scan")
        and "Index Cond" not in node
    }


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All nodes of a plan except index scans that a limit stops."""
    yield plan
    for child in plan.get("Plans", []):
        limited = plan["Node Type"] == "Limit" and child["Node Type"].startswith("Index")
        yield from () if limited else _nodes(child)


SINCE = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=29)


def _jobs(database: Database, **filters: Any) -> Any:
    inputs, folders = InputFiles(Path("nowhere")), WorkFolders(Path("nowhere"))
    places = Reservations(database, inputs, 1, 1, 0)
    jobs = UserJobs(database, inputs, folders, places, lambda: None, Metrics())
    return jobs.page(filters.pop("user_id", None), 21, 4000, **filters)


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        (lambda d: usage_of(d, 7, SINCE), ()),
        # These look up the last day of each user.
        (lambda d: usage_of_all(d, latest("day", 30, now()), None), ("users",)),
        (lambda d: usage_of_all(d, latest("hour", 168, now()), "ranjana"), ("users",)),
        (lambda d: overview(d, Path(".")), ("users", "jobs")),
        (lambda d: _jobs(d, state="failed"), ()),
        (lambda d: _jobs(d, user_id=7, kind="train"), ()),
        (lambda d: _jobs(d), ()),
        (lambda d: AuditTrail(since=SINCE).page(d, 51, None), ()),
        (lambda d: AuditTrail(until=SINCE, action="signed_out").page(d, 51, 15_000), ()),
        (lambda d: AuditTrail(user_id=7).page(d, 51, None), ()),
    ],
    ids=["me", "system", "hours", "stats", "failed", "trainings", "jobs", "since", "until", "of"],
)
def test_queries_never_scan_the_history_or_the_counts(
    long_use: str, query: Callable[[Database], Any], allowed: tuple[str, ...]
) -> None:
    statements: list[tuple[str, Any]] = []

    def note(_1: Any, _2: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT") and " FROM " in statement.replace("\n", " "):
            statements.append((statement, parameters))

    async def scanned() -> dict[str, set[str]]:
        database = Database(Settings(database_url=long_use))
        event.listen(Engine, "before_cursor_execute", note)
        try:
            await query(database)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        try:
            return {
                statement: await database.read(
                    lambda session, executed=(statement, parameters): _scanned(
                        session, database.is_sqlite, *executed
                    )
                )
                for statement, parameters in statements
            }
        finally:
            await database.aclose()

    found = asyncio.run(scanned())
    assert found
    for statement, tables in found.items():
        assert tables <= set(allowed), statement
