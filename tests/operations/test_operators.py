"""The work of operators: administrators, audit log, signing secret."""

from __future__ import annotations

import csv
import io
import os
import re
import secrets
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import asyncpg
import pytest

from auth_api.authorisation.access import ROLES
from launcher.ports import free_port
from tests.accounts.test_tokens import backdate_use, claims_of
from tests.authorisation.test_access import make_key, sql, user_id
from tests.support.apis import PASSWORD, Api, StartApi, User
from tests.support.commands import Ended, command
from tests.support.forked import run_command
from tests.support.running import private

pytestmark = pytest.mark.thorough("postgresql")

LOGS = "/api/admin/audit-logs/"
NEW_PASSWORD = "another quiet river"

_numbers = count(1)


def create_admin(
    api: Api, username: str, password: str = PASSWORD, email: str | None = None
) -> Ended:
    email = email or f"{username}@example.org"
    arguments = ("--username", username, "--email", email)
    return command(api, "create-admin", *arguments, stdin=f"{password}\n")


@pytest.fixture(scope="module")
def admin(api: Api) -> User:
    username = f"warden{next(_numbers)}"
    made = create_admin(api, username)
    assert (made.code, made.stderr) == (0, "")
    assert made.stdout == f"{username} is an administrator now.\n"
    return api.sign_in(username)


def logged(admin: User, **query: object) -> list[dict[str, Any]]:
    """All entries that match a query, newest first, read page by page."""
    entries: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        params = {**query, **({"cursor": cursor} if cursor else {})}
        response = admin.get(LOGS, params=params)
        assert response.status_code == 200, response.text
        entries += response.json()["results"]
        cursor = response.json()["next"]
        if cursor is None:
            return entries


def actions(admin: User, number: int) -> list[str]:
    """The actions of a user, oldest first."""
    return [entry["action"] for entry in reversed(logged(admin, user_id=number))]


def test_an_administrator_is_created_on_the_command_line(api: Api, admin: User, user: User) -> None:
    assert admin.get("/api/me/").json()["role"] == "admin"
    assert admin.get(LOGS).status_code == 200
    refused = user.get(LOGS)
    assert (refused.status_code, refused.json()["code"]) == (403, "role_missing")
    (entry,) = (
        entry
        for entry in logged(admin, action="admin_created")
        if entry["details"] == {"id": user_id(admin)}
    )
    assert (entry["user_id"], entry["address"]) == (None, None)


def test_an_account_with_any_role_is_created_on_the_command_line(api: Api, admin: User) -> None:
    for role in ROLES:
        name = f"made.{role}{next(_numbers)}"
        given = () if role == "user" else ("--role", role)
        made = command(
            api, "users", "add", name, f"{name}@example.org", *given, stdin=f"{PASSWORD}\n"
        )
        assert (made.code, made.stderr) == (0, "")
        assert made.stdout == f"{name} may sign in, with the role {role}.\n"
        user = api.sign_in(name)
        assert user.get("/api/me/").json()["role"] == role
        action = "admin_created" if role == "admin" else "user_created"
        details = {"id": user_id(user)} if role == "admin" else {"id": user_id(user), "role": role}
        newest = logged(admin, action=action)[0]
        found = newest["user_id"], newest["details"], newest["subject"]
        assert found == (None, details, name)
    again = command(api, "users", "add", name, "other@example.org", stdin=f"{PASSWORD}\n")
    assert (again.code, again.stderr) == (1, "This username is taken.\n")


@pytest.mark.parametrize(
    ("username", "email", "password", "code", "sentence"),
    [
        ("weak.warden", "", "password1", 2, "password: is one of the most common passwords."),
        ("weak.warden", "", "", 2, "password: must have 8 to 128 characters."),
        ("two words", "a@example.org", PASSWORD, 2, "username: must be letters"),
        ("weak.warden", "nowhere", PASSWORD, 2, "nowhere is no e-mail address"),
        ("TAKEN", "taken2@example.org", PASSWORD, 1, "This username is taken."),
        ("weak.warden", "TAKEN@example.org", PASSWORD, 1, "There is an account with this e-mail"),
    ],
)
@pytest.mark.database("sqlite")
def test_invalid_administrators_are_rejected_in_one_line(
    api: Api, username: str, email: str, password: str, code: int, sentence: str
) -> None:
    fields = {"username": "taken", "email": "taken@example.org", "password": PASSWORD}
    assert api.client.post("/api/signup/", json=fields).status_code in (201, 409)
    made = create_admin(api, username, password, email)
    assert made.code == code
    assert made.stderr.startswith(sentence), made.stderr
    assert made.stderr.count("\n") == 1
    assert "Traceback" not in made.stderr
    assert made.stdout == ""
    assert sql(api, "SELECT id FROM users WHERE username_key = $1", "weak.warden") == []
    assert sql(api, "SELECT role FROM users WHERE username_key = $1", "taken") == [("user",)]


@pytest.mark.database("sqlite")
def test_a_password_from_a_pipe_may_end_with_a_windows_line_end(api: Api) -> None:
    arguments = ("--username", "windows.warden", "--email", "windows@example.org")
    made = api.command("create-admin", *arguments, stdin=f"{PASSWORD}\r\n")
    assert (made.returncode, made.stderr) == (0, "")
    assert api.sign_in("windows.warden", PASSWORD)


def test_every_action_of_an_account_is_in_the_audit_log(api: Api, admin: User) -> None:
    user = api.sign_up()
    number = user_id(user)
    expected = ["signed_up", "signed_in"]
    assert actions(admin, number) == expected

    def happened(action: str) -> dict[str, Any]:
        expected.append(action)
        assert actions(admin, number) == expected
        (newest, *_) = logged(admin, user_id=number)
        # The id finds the request in the service's log. A deleted account leaves none.
        assert bool(newest["request_id"]) is (action != "account_deleted"), action
        return newest

    wrong = {"username": user.username, "password": "wrong"}
    assert api.client.post("/api/signin/", json=wrong).status_code == 401
    happened("sign_in_failed")
    body = {"old_password": "wrong", "new_password": NEW_PASSWORD}
    assert user.post("/api/change-password/", json=body).status_code == 403
    happened("password_change_failed")
    body["old_password"] = PASSWORD
    assert user.post("/api/change-password/", json=body).status_code == 200
    happened("password_changed")
    new = {"new_username": f"renamed{next(_numbers)}"}
    assert user.post("/api/change-username/", json=new).status_code == 200
    happened("username_changed")
    assert user.request("PATCH", "/api/me/", json={"timezone": "Asia/Kathmandu"}).is_success
    happened("profile_changed")
    key = make_key(user, "predict")
    assert happened("api_key_created")["details"] == {"id": key["id"]}
    assert user.delete(f"/api/api-keys/{key['id']}/").status_code == 200
    assert happened("api_key_revoked")["details"] == {"id": key["id"]}
    prediction, comparison = user.predict().json(), user.compare().json()
    said = {"prediction_id": prediction["prediction_id"], "actual_class": 0}
    assert user.post("/api/feedback/", json=said).status_code == 201
    happened("feedback_given")
    assert user.delete(f"/api/history/predictions/{prediction['prediction_id']}/").is_success
    happened("history_deleted")
    assert user.delete(f"/api/history/similarities/{comparison['comparison_id']}/").is_success
    happened("history_deleted")
    assert user.get("/api/history/export/?format=csv").status_code == 200
    assert happened("history_exported")["details"] == {"format": "csv"}
    refresh = {"refresh": user.refresh}
    assert api.client.post("/api/token/refresh/", json=refresh).status_code == 200
    backdate_use(api, claims_of(user.refresh)["sid"], 11)
    assert api.client.post("/api/token/refresh/", json=refresh).status_code == 401
    happened("token_reused")
    back = api.sign_in(new["new_username"], NEW_PASSWORD)
    happened("signed_in")
    assert api.client.post("/api/logout/", json={"refresh": back.refresh}).status_code == 200
    happened("signed_out")
    back = api.sign_in(new["new_username"], NEW_PASSWORD)
    happened("signed_in")
    assert back.delete("/api/me/").status_code == 200
    happened("account_deleted")


def test_failed_actions_are_not_in_the_audit_log(api: Api, admin: User, user: User) -> None:
    number = user_id(user)
    before = actions(admin, number)
    other = api.sign_up()
    assert user.post("/api/change-username/", json={"new_username": "x"}).status_code == 400
    taken = {"new_username": other.username}
    assert user.post("/api/change-username/", json=taken).status_code == 409
    weak = {"old_password": PASSWORD, "new_password": "password1"}
    assert user.post("/api/change-password/", json=weak).status_code == 400
    assert user.delete("/api/history/predictions/1/").status_code == 404
    assert user.delete("/api/api-keys/1/").status_code == 404
    assert user.get(LOGS).status_code == 403
    assert actions(admin, number) == before


def test_an_entry_has_its_time_address_and_both_request_ids(api: Api, admin: User) -> None:
    headers = {"X-Request-ID": f"request-{next(_numbers)}"}
    fields = {"username": f"who{next(_numbers)}", "password": "wrong"}
    for _ in range(2):
        answer = api.client.post("/api/signin/", json=fields, headers=headers)
        assert (answer.status_code, answer.headers["X-Request-ID"]) == (401, *headers.values())
    newest, before, *_ = logged(admin, action="sign_in_failed")
    assert newest["client_request_id"] == before["client_request_id"] == headers["X-Request-ID"]
    # A caller cannot make two requests look like one, or like that of somebody else.
    assert re.fullmatch("[0-9a-f]{32}", newest["request_id"])
    assert newest["request_id"] != before["request_id"]
    assert newest["address"] == "127.0.0.1"
    assert newest["user_id"] is None
    # The username is not stored, because people type passwords into the wrong field.
    assert newest["details"] == {}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", newest["at"])
    ids = {"id", "user_id", "request_id", "client_request_id"}
    names = {"username", "subject_id", "subject"}
    assert set(newest) == {*ids, *names, "at", "action", "address", "details"}
    answer = api.client.post("/api/signin/", json=fields)
    (newest, *_) = logged(admin, action="sign_in_failed")
    assert (newest["request_id"], newest["client_request_id"]) == (
        answer.headers["X-Request-ID"],
        None,
    )


def test_the_audit_log_names_who_did_it_and_whom_it_concerns(api: Api, admin: User) -> None:
    user = api.sign_up()
    number = user_id(user)
    me = admin.get("/api/me/").json()
    path = f"/api/admin/users/{number}/"
    assert admin.request("PUT", path, json={"role": "analyst"}).status_code == 200
    (change, *_) = logged(admin, action="user_changed", user_id=me["id"])
    named = {"username": me["username"], "subject_id": number, "subject": user.username}
    assert {name: change[name] for name in named} == named
    (signed_up, *_) = logged(admin, action="signed_up", user_id=number)
    assert (signed_up["username"], signed_up["subject_id"]) == (user.username, None)
    export = admin.get(f"{LOGS}export/", params={"action": "user_changed"})
    row = next(csv.DictReader(io.StringIO(export.text.removeprefix("\ufeff"))))
    assert {name: row[name] for name in named} == {**named, "subject_id": str(number)}
    # A name is of today, and goes with the account.
    renamed = {"new_username": f"{user.username}.new"}
    assert user.post("/api/change-username/", json=renamed).status_code == 200
    (change, *_) = logged(admin, action="user_changed", user_id=me["id"])
    assert change["subject"] == renamed["new_username"]
    assert user.delete("/api/me/").status_code == 200
    (change, *_) = logged(admin, action="user_changed", user_id=me["id"])
    assert (change["subject_id"], change["subject"]) == (number, None)


def test_the_audit_log_comes_in_pages_newest_first(api: Api, admin: User) -> None:
    user = api.sign_up()
    number = user_id(user)
    for _ in range(5):
        assert user.get("/api/history/export/").status_code == 200
    whole = logged(admin, user_id=number)
    assert len(whole) == 7
    ids = [entry["id"] for entry in whole]
    assert ids == sorted(ids, reverse=True)
    for limit in (1, 2, 3, 7, 200):
        assert logged(admin, user_id=number, limit=limit) == whole
    exports = logged(admin, user_id=number, action="history_exported", limit=2)
    assert exports == whole[:5]
    assert logged(admin, user_id=number, action="signed_out") == []
    # New entries do not shift the pages.
    first = admin.get(LOGS, params={"user_id": number, "limit": 3}).json()
    user.get("/api/history/export/")
    query = {"user_id": number, "limit": 200, "cursor": first["next"]}
    assert first["results"] + admin.get(LOGS, params=query).json()["results"] == whole


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "many"),
        ("cursor", "x"),
        ("cursor", "1"),
        ("user_id", "0"),
        ("user_id", "somebody"),
        ("action", "nothing_of_the_kind"),
        ("action", "' OR 1=1 --"),
    ],
)
@pytest.mark.database("sqlite")
def test_an_invalid_query_is_rejected(admin: User, name: str, value: str) -> None:
    response = admin.get(LOGS, params={name: value})
    assert (response.status_code, response.json()["code"]) == (400, "validation_failed")
    assert name in response.json()["details"]["fields"]


def test_the_audit_log_keeps_only_the_id_of_a_deleted_account(api: Api, admin: User) -> None:
    name = f"unforgettable{next(_numbers)}"
    user = api.sign_up(name)
    number = user_id(user)
    renamed = {"new_username": f"{name}.still"}
    assert user.post("/api/change-username/", json=renamed).status_code == 200
    for typed in (renamed["new_username"], user.email, f"{name}.mistyped"):
        wrong = {"username": typed, "password": f"{name} secret"}
        assert api.client.post("/api/signin/", json=wrong).status_code == 401
    assert user.delete("/api/me/").status_code == 200
    (deletion,) = logged(admin, action="account_deleted", user_id=number)
    assert deletion["address"] is None
    assert deletion["details"] == {}
    for row in sql(api, "SELECT * FROM audit_log"):
        assert "unforgettable" not in str(row)
    for table in ("users", "sessions", "api_keys"):
        column = "id" if table == "users" else "user_id"
        assert sql(api, f"SELECT * FROM {table} WHERE {column} = $1", number) == []
    assert "unforgettable" not in api.log.read_text()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET action = 'nothing'",
        "UPDATE audit_log SET user_id = NULL WHERE id = {id}",
        "DELETE FROM audit_log",
        "DELETE FROM audit_log WHERE id = {id}",
        "TRUNCATE audit_log",
        "INSERT OR REPLACE INTO audit_log (id, at, action) VALUES ({id}, '2000-01-01', 'nothing')",
        "INSERT INTO audit_log (id, at, action) VALUES ({id}, '2000-01-01', 'nothing') "
        "ON CONFLICT (id) DO UPDATE SET action = 'nothing'",
    ],
)
def test_the_database_rejects_changes_of_the_audit_log(
    api: Api, user: User, statement: str
) -> None:
    rows = "SELECT id, action, user_id FROM audit_log ORDER BY id"
    before = sql(api, rows)
    with pytest.raises((sqlite3.Error, asyncpg.PostgresError)):
        sql(api, statement.format(id=before[-1][0]))
    assert sql(api, rows) == before


def start(folder: Path, **environment: str) -> CompletedProcess[str]:
    """Starts the service and waits until it ends by itself."""
    ours = {**private(folder), "API_PORT": str(free_port())}
    return run_command({**os.environ, **ours, **environment})


@pytest.mark.parametrize(
    "secret",
    [
        "short",
        "a" * 64,
        "change-me-please-0123456789-abcdefghi",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    ],
)
def test_the_service_does_not_start_with_a_weak_secret(tmp_path: Path, secret: str) -> None:
    ended = start(tmp_path, SECRET_KEY=secret)
    assert ended.returncode == 2
    assert ended.stderr.startswith("The setting SECRET_KEY is not usable: ")
    assert ended.stderr.count("\n") == 1
    assert secret not in ended.stderr
    assert not (tmp_path / "data").exists()


def test_the_service_does_not_start_with_a_weak_secret_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret_key").write_text("short")
    ended = start(tmp_path)
    assert ended.returncode == 2
    assert re.fullmatch(r"The secret in .*data is not usable: .*\.\n", ended.stderr)
    assert (tmp_path / "data" / "secret_key").read_text() == "short"


def test_an_unusable_folder_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    ended = start(tmp_path)
    assert ended.returncode == 2
    assert "data" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.database("sqlite")
def test_only_the_owner_can_read_the_secret_and_tokens_survive_a_restart(
    start_api: StartApi,
) -> None:
    api = start_api()
    path = api.folder / "data" / "secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret, user = path.read_text(), api.sign_up()
    api.stop()
    again = start_api(beside=api)
    assert path.read_text() == secret
    assert again.client.get("/api/me/", headers=user.headers).status_code == 200
    refreshed = again.client.post("/api/token/refresh/", json={"refresh": user.refresh})
    assert refreshed.status_code == 200
    assert again.sign_in(user.username)


@pytest.mark.database("sqlite")
def test_a_new_secret_key_ends_all_sessions(
    start_api: StartApi,
) -> None:
    api = start_api({"SECRET_KEY": secrets.token_hex(32)})
    assert not (api.folder / "data" / "secret_key").exists()
    user = api.sign_up()
    assert user.get("/api/me/").status_code == 200
    other = start_api({"SECRET_KEY": secrets.token_hex(32)}, beside=api)
    assert other.client.get("/api/me/", headers=user.headers).status_code == 401
    assert other.sign_in(user.username).get("/api/me/").status_code == 200


@pytest.mark.database("sqlite")
def test_passwords_still_work_after_a_change_of_the_hashing(start_api: StartApi) -> None:
    before = start_api()
    users = [before.sign_up() for _ in range(3)]
    after = start_api({"ARGON2_TIME_COST": "2"}, beside=before)
    devices = 8
    for user in users:
        attempt = partial(
            after.client.post,
            "/api/signin/",
            json={"username": user.username, "password": PASSWORD},
        )
        with ThreadPoolExecutor(devices) as pool:
            responses = [call.result() for call in [pool.submit(attempt) for _ in range(devices)]]
        assert [response.status_code for response in responses] == devices * [200]
    for (stored,) in sql(after, "SELECT password_hash FROM users"):
        assert ",t=2," in stored
