"""Attempts that were helped, that are sent again, or that arrive after they were written."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.support.apis import Api, StartApi, User
from tests.support.pictures import encode, reference
from tests.support.running import wait_for

pytestmark = pytest.mark.thorough("postgresql")

SIMILARITIES = "/api/history/similarities/"
SHARP = encode(reference(12))
DAY = timedelta(days=1)


def compare(user: User, target: int = 12, **options: str) -> httpx2.Response:
    data = {"target_class": str(target), **options}
    return user.post("/api/similarity/", files={"image": encode(reference(target))}, data=data)


def written(**ago: float) -> str:
    """A time in the past, as clients send it."""
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def practised(user: User, target: int = 12) -> dict[str, Any]:
    found: dict[str, Any] = user.get("/api/progress/").json()["characters"][target]
    return found


def entries(user: User) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = user.get(SIMILARITIES).json()["results"]
    return found


# Help


def form(user: User, options: dict[str, str]) -> httpx2.Response:
    files, data = {"image": SHARP}, {"target_class": "12", **options}
    return user.post("/api/similarity/", files=files, data=data)


def query(user: User, options: dict[str, str]) -> httpx2.Response:
    asked = {"target_class": "12", **options}
    return user.post("/api/similarity/", files={"image": SHARP}, params=asked)


def json(user: User, options: dict[str, str]) -> httpx2.Response:
    strokes = [[[0.2, 0.2], [0.8, 0.2]]]
    return user.post("/api/similarity/", json={"target_class": 12, "strokes": strokes, **options})


@pytest.mark.parametrize("send", [form, query, json])
def test_an_attempt_is_kept_with_its_help_and_time(
    user: User, send: Callable[[User, dict[str, str]], httpx2.Response]
) -> None:
    moment = written(days=2)
    answer = send(user, {"help": "hinted", "written_at": moment})
    assert answer.status_code == 200, answer.text
    (entry,) = entries(user)
    assert entry["id"] == answer.json()["comparison_id"]
    assert entry["help"] == "hinted"
    assert datetime.fromisoformat(entry["written_at"]) == datetime.fromisoformat(moment)
    assert datetime.fromisoformat(entry["created_at"]) > datetime.fromisoformat(moment) + DAY
    exported = user.get("/api/history/export/").json()["similarities"]
    assert [each["help"] for each in exported] == ["hinted"]
    head, line = user.get("/api/history/export/?format=csv").text.splitlines()
    assert head.endswith(',"help","written_at"')
    assert line.endswith(f',"hinted","{entry["written_at"]}"')


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("help", "some", "'traced', 'hinted' or 'none'"),
        ("attempt_id", "17", "UUID"),
        ("written_at", "yesterday", "datetime"),
        ("written_at", "2026-03-01T08:00:00", "timezone"),
        ("written_at", {"days": 90, "minutes": 1}, "more than 90 days ago"),
        ("written_at", {"minutes": -6}, "in the future"),
    ],
)
@pytest.mark.database("sqlite")
def test_a_wrong_option_of_an_attempt_is_refused(
    user: User, option: str, value: str | dict[str, float], reason: str
) -> None:
    for send in (form, query, json):
        response = send(user, {option: value if isinstance(value, str) else written(**value)})
        assert (response.status_code, response.json()["code"]) == (400, "validation_failed")
        assert response.json()["error"].startswith(f"{option}: ")
        assert reason in response.json()["error"]
    assert entries(user) == []


def test_only_what_is_written_from_memory_is_mastered(user: User) -> None:
    for _ in range(4):
        compare(user, help="traced", written_at=written(days=3))
    traced = practised(user)
    assert (traced["attempts"], traced["from_memory"], traced["mastery"]) == (4, 0, 0)
    assert (traced["best"], traced["last"], traced["trend"], traced["due"]) == (None,) * 4
    assert traced["last_at"] is not None
    shown = user.get("/api/progress/").json()
    assert [(each["class"], each["reason"]) for each in shown["next"]][:1] == [(0, "new")]
    assert shown["streak"]["current"] == 0
    compare(user, help="hinted", written_at=written(days=3))
    hinted = practised(user)
    assert (hinted["from_memory"], hinted["mastery"], hinted["best"]) == (0, 0, None)
    assert hinted["due"] is not None
    for _ in range(4):
        compare(user, help="none", written_at=written(days=2))
    known = practised(user)
    assert (known["attempts"], known["from_memory"]) == (9, 4)
    assert known["mastery"] >= 80
    assert known["mastered"] is False  # on one day only
    assert user.get("/api/progress/").json()["totals"]["characters_mastered"] == 0
    last = compare(user).json()
    assert practised(user)["mastered"] is True
    totals = user.get("/api/progress/").json()["totals"]
    assert (totals["characters_mastered"], totals["attempts"]) == (1, 10)
    user.delete(f"{SIMILARITIES}{last['comparison_id']}/")
    assert practised(user) == known | {"mastery": practised(user)["mastery"]}


def test_days_are_those_of_the_account(user: User) -> None:
    """Two attempts an hour apart: on two days in one of two time zones half a day apart."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for minutes in (-30, -20, -10, -5, 30):
        at = today - 2 * DAY + timedelta(minutes=minutes)
        assert compare(user, written_at=at.isoformat()).status_code == 200
    for zone, mastered in (("UTC", True), ("Asia/Kathmandu", False)):
        changed = user.request("PATCH", "/api/me/", json={"timezone": zone})
        assert changed.status_code == 200
        assert practised(user)["mastered"] is mastered, zone
        assert practised(user)["mastery"] >= 80


# Sent again


def test_an_attempt_that_is_sent_again_counts_once(user: User) -> None:
    options = {"attempt_id": str(uuid.uuid4()), "written_at": written(hours=1)}
    first = compare(user, **options)
    again = compare(user, **options | {"attempt_id": options["attempt_id"].upper()})
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert [entry["id"] for entry in entries(user)] == [first.json()["comparison_id"]]
    assert practised(user)["attempts"] == 1
    other = compare(user, 13, **options)
    assert (other.status_code, other.json()["code"]) == (409, "attempt_id_taken")
    assert practised(user, 13)["attempts"] == 0


def test_an_attempt_that_is_sent_sixteen_times_at_once_counts_once(api: Api, user: User) -> None:
    options = {"attempt_id": str(uuid.uuid4())}
    before = set(api.media.rglob("*.*"))
    with ThreadPoolExecutor(16) as senders:
        answers = list(senders.map(lambda _: compare(user, **options), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["comparison_id"] for answer in answers}) == 1
    assert len(entries(user)) == practised(user)["attempts"] == 1
    # The pictures of one; those of the others are deleted in the background.
    wait_for(lambda: len(set(api.media.rglob("*.*")) - before) == 3, 10)


def test_two_processes_count_an_attempt_once(start_api: StartApi) -> None:
    first = start_api()
    user = first.sign_up()
    second = start_api(beside=first)
    there = User(second, user.username, user.email, user.refresh, user.access)
    for _ in range(4):
        options = {"attempt_id": str(uuid.uuid4())}
        with ThreadPoolExecutor(8) as senders:
            senders.map(lambda n, o=options: compare((user, there)[n % 2], **o), range(8))
    assert len(entries(user)) == practised(user)["attempts"] == 4


def test_two_users_may_have_the_same_id_of_an_attempt(api: Api, user: User) -> None:
    options = {"attempt_id": str(uuid.uuid4())}
    one, other = compare(user, **options), compare(api.sign_up(), **options)
    assert one.json()["comparison_id"] != other.json()["comparison_id"]


@pytest.mark.database("sqlite")
def test_an_anonymous_attempt_may_have_an_id_and_a_time(api: Api) -> None:
    data = {"target_class": "12", "attempt_id": str(uuid.uuid4()), "written_at": written(days=1)}
    for _ in range(2):
        response = api.client.post("/api/similarity/", files={"image": SHARP}, data=data)
        assert (response.status_code, response.json()["comparison_id"]) == (200, None)


# Written before


def test_progress_goes_by_the_time_of_writing(user: User) -> None:
    at = datetime.now(UTC) - 3 * DAY
    compare(user, 9)
    for day in (0, 1, 2):
        compare(user, written_at=(at + day * DAY).isoformat())
    shown = user.get("/api/progress/").json()
    assert shown["streak"]["current"] == 4
    assert datetime.fromisoformat(practised(user)["last_at"]) == at + 2 * DAY
    before = practised(user)
    compare(user, written_at=(at - DAY).isoformat())  # arrives last, was written first
    after = practised(user)
    assert (after["last_at"], after["last"]) == (before["last_at"], before["last"])
    assert (before["attempts"], after["attempts"]) == (3, 4)
    ahead = compare(user, 20, written_at=written(minutes=-4))
    assert ahead.status_code == 200
    assert datetime.fromisoformat(practised(user, 20)["last_at"]) <= datetime.now(UTC)
