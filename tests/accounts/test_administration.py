"""The administration of users, and the other pages for administrators."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from tests.authorisation.test_access import by_key, make_key, sql, user_id
from tests.operations.test_operators import create_admin, logged
from tests.support.apis import PASSWORD, Api, StartApi, User
from tests.support.jobs import DIGITS, digits, finished, hand_in, job_of

pytestmark = pytest.mark.thorough("postgresql")

USERS = "/api/admin/users/"
LOGS = "/api/admin/audit-logs/"
NEW_PASSWORD = "another quiet river"

_numbers = count(1)


@pytest.fixture(scope="module")
def admin(api: Api) -> User:
    return administrator(api)


def administrator(api: Api) -> User:
    username = f"administrator{next(_numbers)}"
    assert create_admin(api, username).code == 0
    return api.sign_in(username)


def fields(**values: object) -> dict[str, object]:
    name = f"made{next(_numbers)}"
    return {"username": name, "email": f"{name}@example.org", "password": PASSWORD, **values}


def put(admin: User, number: int, **values: object) -> tuple[int, dict[str, Any]]:
    response = admin.request("PUT", f"{USERS}{number}/", json=values)
    return response.status_code, response.json()


def listed(admin: User, **query: object) -> list[int]:
    """The ids of all users that match a query, page by page."""
    found: list[int] = []
    cursor: str | None = None
    while True:
        params = {**query, **({"cursor": cursor} if cursor else {})}
        response = admin.get(USERS, params=params)
        assert response.status_code == 200, response.text
        found += [row["id"] for row in response.json()["results"]]
        cursor = response.json()["next"]
        if cursor is None:
            return found


def queue_jobs(api: Api, number: int) -> list[int]:
    """Gives a user a queued job and a running job, whose worker does not exist."""
    columns = "user_id, kind, state, created_at, parameters, progress, total, succeeded, failed"
    for state, until in (("queued", "NULL"), ("running", "'2100-01-01 00:00:00'")):
        sql(
            api,
            f"INSERT INTO jobs ({columns}, cancelling, attempts, held_until) "
            f"VALUES ($1, 'other', $2, CURRENT_TIMESTAMP, '{{}}', 0, 1, 0, 0, FALSE, 1, {until})",
            number,
            state,
        )
    rows = sql(api, "SELECT id FROM jobs WHERE user_id = $1 ORDER BY id", number)
    return [row[0] for row in rows]


def test_an_administrator_manages_a_user(api: Api, admin: User) -> None:
    sent = fields(role="analyst", timezone="Asia/Kathmandu")
    made = admin.post(USERS, json=sent)
    assert made.status_code == 201, made.text
    shown = made.json()
    number = shown["id"]
    assert "password" not in made.text
    expected = {name: sent[name] for name in ("username", "email", "role", "timezone")}
    assert {**expected, "active": True, "training_consent": False}.items() <= shown.items()
    assert admin.get(f"{USERS}{number}/").json() == shown
    user = api.sign_in(str(sent["username"]))
    key = make_key(user, "predict", "history")
    prediction = user.predict().json()["prediction_id"]
    assert user.get("/api/analytics/system/").status_code == 200

    # A new role applies to the existing session.
    status, changed = put(admin, number, role="user", email="moved@example.org")
    assert (status, changed["role"], changed["email"]) == (200, "user", "moved@example.org")
    assert user.get("/api/analytics/system/").status_code == 403
    assert put(admin, number, username="Renamed.User")[1]["username"] == "Renamed.User"
    assert put(admin, number, role="user") == (200, {**changed, "username": "Renamed.User"})

    # A new password ends the sessions.
    assert put(admin, number, password=NEW_PASSWORD)[0] == 200
    assert user.get("/api/me/").status_code == 401
    refused = {"username": "renamed.user", "password": PASSWORD}
    assert api.client.post("/api/signin/", json=refused).status_code == 401
    user = api.sign_in("renamed.user", NEW_PASSWORD)

    # After deactivation no credential works and the jobs are cancelled.
    jobs = queue_jobs(api, number)
    gone = admin.delete(f"{USERS}{number}/")
    assert (gone.status_code, gone.json()["active"]) == (200, False)
    query = "SELECT id, state, cancelling FROM jobs WHERE user_id = $1 ORDER BY id"
    assert sql(api, query, number) == [(jobs[0], "cancelled", 0), (jobs[1], "running", 1)]
    sql(api, "DELETE FROM jobs WHERE user_id = $1", number)
    assert admin.delete(f"{USERS}{number}/").json() == gone.json()
    assert user.get("/api/me/").status_code == 401
    assert api.client.get("/api/history/predictions/", headers=by_key(key)).status_code == 401
    refreshed = api.client.post("/api/token/refresh/", json={"refresh": user.refresh})
    assert refreshed.status_code == 401
    body = {"username": "renamed.user", "password": NEW_PASSWORD}
    assert api.client.post("/api/signin/", json=body).json()["code"] == "bad_credentials"
    assert listed(admin, active=False, search="RENAMED.USER") == [number]

    # After activation the data is there, but ended sessions stay ended.
    assert put(admin, number, active=True)[1]["active"] is True
    assert user.get("/api/me/").status_code == 401
    again = api.sign_in("renamed.user", NEW_PASSWORD)
    assert again.get(f"/api/history/predictions/{prediction}/").status_code == 200
    assert api.client.get("/api/history/predictions/", headers=by_key(key)).status_code == 200

    recorded = [
        (entry["action"], entry["details"])
        for entry in reversed(logged(admin, user_id=user_id(admin)))
        if entry["details"].get("id") == number or entry["action"] == "job_cancelled"
    ]
    assert recorded == [
        ("user_created", {"id": number, "role": "analyst"}),
        ("user_changed", {"id": number, "fields": ["email", "role"], "role": "user"}),
        ("user_changed", {"id": number, "fields": ["username"]}),
        ("user_changed", {"id": number, "fields": ["password"]}),
        ("user_deactivated", {"id": number}),
        *(("job_cancelled", {"id": job, "owner": number}) for job in jobs),
        ("user_changed", {"id": number, "fields": ["active"], "active": True}),
    ]


def test_an_administrator_may_give_official_names(api: Api, admin: User) -> None:
    made = admin.post(USERS, json=fields(username="Help.Desk"))
    assert made.status_code == 201, made.text
    assert put(admin, made.json()["id"], username="Support")[0] == 200
    named = admin.post("/api/change-username/", json={"new_username": "Moderator"})
    assert named.status_code == 200
    taken = {"username": "supp0rt", "email": "supp0rt@example.org", "password": PASSWORD}
    assert api.client.post("/api/signup/", json=taken).status_code == 400


def test_an_invalid_change_changes_nothing(api: Api, admin: User, user: User) -> None:
    number = user_id(user)
    before = admin.get(f"{USERS}{number}/").json()
    taken = {"username": user.username.upper(), "email": user.email.upper()}
    for values, status, code in (
        (fields(username=taken["username"]), 409, "username_taken"),
        (fields(email=taken["email"]), 409, "email_taken"),
        (fields(username="two words"), 400, "validation_failed"),
        (fields(email="nowhere"), 400, "validation_failed"),
        (fields(password="password1"), 400, "validation_failed"),
        (fields(role="king"), 400, "validation_failed"),
        ({}, 400, "validation_failed"),
    ):
        response = admin.post(USERS, json=values)
        assert (response.status_code, response.json()["code"]) == (status, code), values
    other = api.sign_up()
    for values, status, code in (
        ({"username": other.username.upper()}, 409, "username_taken"),
        ({"email": other.email.upper()}, 409, "email_taken"),
        ({"username": "x"}, 400, "validation_failed"),
        ({"email": "x"}, 400, "validation_failed"),
        ({"role": "king"}, 400, "validation_failed"),
        ({"active": "perhaps"}, 400, "validation_failed"),
        ({"password": "short"}, 400, "validation_failed"),
        ({"username": "A.New.Name", "password": "a.new.name"}, 400, "validation_failed"),
    ):
        found, answer = put(admin, number, **values)
        assert (found, answer["code"]) == (status, code), values
    assert admin.get(f"{USERS}{number}/").json() == before
    for method in ("GET", "PUT", "DELETE"):
        response = admin.request(method, f"{USERS}{2**40}/", json={})
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    for query in ({"role": "king"}, {"active": "x"}, {"limit": 0}, {"search": "\x00"}):
        assert admin.get(USERS, params=query).status_code == 400, query


def test_users_are_found_by_name_address_role_and_state(api: Api, admin: User) -> None:
    word = f"seeker{next(_numbers)}"
    made = []
    for index, role in enumerate(("user", "analyst", "ml-engineer", "analyst")):
        response = admin.post(USERS, json=fields(username=f"{word}.{index}_x", role=role))
        made.append(response.json()["id"])
    assert admin.delete(f"{USERS}{made[3]}/").status_code == 200
    newest_first = made[::-1]
    for limit in (1, 2, 3, 4, 200):
        assert listed(admin, search=word, limit=limit) == newest_first
    assert listed(admin, search=f"{word.upper()}.") == newest_first
    assert listed(admin, search=f"{word}%") == listed(admin, search=f"{word}_0") == []
    assert listed(admin, search=f"{word}.2_") == [made[2]]
    assert listed(admin, search=f"{word}.२") == [made[2]]
    assert listed(admin, search=word, role="analyst") == [made[3], made[1]]
    assert listed(admin, search=word, role="analyst", active=True) == [made[1]]
    assert listed(admin, active=False, search=word) == [made[3]]
    (found,) = listed(admin, search="@EXAMPLE.org", limit=200)[-1:]
    assert found == min(number for (number,) in sql(api, "SELECT id FROM users"))


def test_the_last_administrator_cannot_be_removed(start_api: StartApi) -> None:
    api = start_api()
    first, second = administrator(api), administrator(api)
    numbers = user_id(first), user_id(second)
    # When two demote or deactivate each other at the same time, one of them stays.
    for change in ({"active": False}, {"role": "user"}):
        with ThreadPoolExecutor(2) as pool:
            demoting = [pool.submit(put, first, numbers[1], **change)]
            demoting.append(pool.submit(put, second, numbers[0], **change))
            statuses = sorted(each.result()[0] for each in demoting)
        assert statuses[0] == 200, statuses
        assert statuses[1] in (401, 403), statuses
        left = [user for user in (first, second) if user.get(USERS).status_code == 200]
        assert len(left) == 1
        last, number = left[0], numbers[0] if left[0] is first else numbers[1]
        for values in ({"active": False}, {"role": "ml-engineer"}, {"role": "user"}):
            status, answer = put(last, number, **values)
            assert (status, answer["code"]) == (409, "last_admin")
        for path in (f"{USERS}{number}/", "/api/me/"):
            response = last.delete(path)
            assert (response.status_code, response.json()["code"]) == (409, "last_admin")
        assert last.get(f"{USERS}{number}/").json()["active"] is True
        other = sum(numbers) - number
        assert put(last, other, active=True, role="admin")[0] == 200
        demoted = second if last is first else first
        again = api.sign_in(demoted.username)
        first, second = (last, again) if last is first else (again, last)
    # An administrator may step down while there is another.
    assert put(first, numbers[0], role="user")[0] == 200
    assert first.get(USERS).status_code == 403


def test_the_audit_log_is_filtered_by_time_and_exported(api: Api, admin: User, user: User) -> None:
    number = user_id(user)
    for _ in range(3):
        assert user.get("/api/history/export/").status_code == 200
    whole = logged(admin, user_id=number)
    third = whole[2]["at"]
    assert logged(admin, user_id=number, since=third) == whole[:3]
    assert logged(admin, user_id=number, until=third) == whole[3:]
    assert logged(admin, user_id=number, since=third, until=third) == []
    later = datetime.now(UTC) + timedelta(days=1)
    tomorrow = later.isoformat().replace("+00:00", "Z")
    assert logged(admin, user_id=number, since=tomorrow) == []
    assert logged(admin, user_id=number, until=tomorrow, since="2000-01-01T00:00:00Z") == whole
    for value in ("yesterday", "2026-01-01T00:00:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00Z"):
        for name in ("since", "until"):
            for path in (LOGS, f"{LOGS}export/"):
                refused = admin.get(path, params={name: value})
                assert refused.json()["code"] == "validation_failed", (path, name, value)
    query = {"user_id": number, "action": "history_exported", "since": third}
    exported = admin.get(f"{LOGS}export/", params=query)
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(exported.text.removeprefix("\ufeff"))))
    shown = [(str(entry["id"]), entry["at"], entry["action"]) for entry in whole[:3]]
    assert [(row["id"], row["at"], row["action"]) for row in rows] == shown
    assert rows[0]["details"] == '{"format": "json"}'
    (entry, *_) = logged(admin, action="audit_log_exported", user_id=user_id(admin))
    assert entry["details"]["asked"]["user_id"] == number
    assert admin.get(f"{LOGS}export/").text.count("\n") > len(whole)


def test_an_administrator_sees_all_jobs_and_statistics(api: Api, admin: User, user: User) -> None:
    before = admin.get("/api/admin/stats/").json()
    number = hand_in(user, digits(3), DIGITS)
    done = finished(user, number)
    other = api.sign_up()
    finished(other, hand_in(other, digits(1), DIGITS))
    mine = admin.get("/api/admin/jobs/", params={"user_id": user_id(user)}).json()
    shown = {name: value for name, value in done.items() if name != "results"}
    assert mine == {"results": [{**shown, "user_id": user_id(user)}], "next": None}
    first = admin.get("/api/admin/jobs/", params={"limit": 1}).json()
    assert first["results"][0]["user_id"] == user_id(other)
    query = {"limit": 1, "cursor": first["next"], "state": "succeeded", "kind": "predict"}
    assert admin.get("/api/admin/jobs/", params=query).json()["results"] == mine["results"]
    trained = {"kind": "train", "user_id": user_id(user)}
    assert admin.get("/api/admin/jobs/", params=trained).json()["results"] == []
    assert admin.get("/api/admin/jobs/", params={"state": "lost"}).status_code == 400

    prediction = user.predict().json()["prediction_id"]
    said = {"prediction_id": prediction, "actual_class": 0}
    assert user.post("/api/feedback/", json=said).status_code == 201
    after = admin.get("/api/admin/stats/").json()
    assert after["jobs"]["succeeded"] == before["jobs"]["succeeded"] + 2
    assert after["users"]["total"] == before["users"]["total"] + 1
    assert after["users"]["total"] == sum(after["users"]["by_role"].values())
    assert after["users"]["new"] == after["users"]["total"] >= after["users"]["active"]
    assert after["feedback"]["today"] == before["feedback"]["today"] + 1
    assert after["storage"]["database"] > 100_000
    kind = "sqlite" if api.database_url.startswith("sqlite") else "postgresql"
    assert after["software"]["database"].startswith(kind)
    assert after["uptime_seconds"] >= before["uptime_seconds"] > 0


def test_an_administrator_sees_and_cancels_a_job_of_anyone(
    api: Api, admin: User, user: User
) -> None:
    waiting, _ = queue_jobs(api, user_id(user))
    path = f"/api/admin/jobs/{waiting}/"
    own = job_of(user, waiting)
    del own["results"]
    assert admin.get(path).json() == {**own, "user_id": user_id(user)}
    assert admin.get(f"/api/jobs/{waiting}/").status_code == 404
    cancelled = admin.delete(path)
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert admin.delete(path).json() == admin.get(path).json() == cancelled.json()
    assert job_of(user, waiting)["state"] == "cancelled"
    (entry,) = logged(admin, action="job_cancelled", user_id=user_id(admin))[:1]
    assert entry["details"] == {"id": waiting, "owner": user_id(user)}
    assert entry["subject"] == user.username
    done = hand_in(user, digits(1))
    finished(user, done)
    refused = admin.delete(f"/api/admin/jobs/{done}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_finished")
    for method in ("GET", "DELETE"):
        missing = admin.request(method, "/api/admin/jobs/987654321/")
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


@pytest.mark.database("sqlite")
def test_the_settings_are_shown_without_their_secrets(start_api: StartApi) -> None:
    environment = {
        "SECRET_KEY": "Tz4vPq9sXw2mLk7bRf5nHc8dJy3gQa6e",
        "RATE_LIMIT_STORAGE": "redis://limiter:hunter2@localhost:1/0",
        "CORS_ORIGINS": "https://learn.example.org",
    }
    api = start_api(environment)
    answer = administrator(api).get("/api/admin/config/")
    found = {setting["name"]: setting for setting in answer.json()["settings"]}
    assert found["SECRET_KEY"] == {
        "name": "SECRET_KEY",
        "value": "********",
        "default": None,
        "set": True,
    }
    masked = "redis://limiter:********@localhost:1/0"
    assert found["RATE_LIMIT_STORAGE"]["value"] == masked
    assert found["RATE_LIMIT_STORAGE"]["default"] == "memory://"
    assert found["CORS_ORIGINS"]["value"] == ["https://learn.example.org"]
    assert (found["API_PORT"]["value"], found["API_PORT"]["default"]) == (api.port, 8000)
    assert (found["RETENTION_DAYS"]["value"], found["RETENTION_DAYS"]["set"]) == (0, False)
    for secret in ("hunter2", environment["SECRET_KEY"]):
        assert secret not in answer.text
