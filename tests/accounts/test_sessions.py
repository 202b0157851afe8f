"""A user lists and ends their own sessions, and nobody else can."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from auth_api.schemas.sessions import SessionList
from tests.accounts.test_tokens import assert_ended, assert_refused, claims_of, get_me, refresh
from tests.authorisation.test_access import seconds_ago, sql, user_id
from tests.support.apis import PASSWORD, Api, User

SESSIONS = "/api/sessions/"


def list_sessions(user: User) -> list[dict[str, Any]]:
    answer = user.get(SESSIONS)
    assert answer.status_code == 200, answer.text
    SessionList.model_validate(answer.json())
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def sign_in(user: User, client: str) -> User:
    """Another session of `user`; `client` is its `User-Agent`."""
    fields = {"username": user.username, "password": PASSWORD}
    headers = {"User-Agent": client.encode("latin-1")}
    made = user.api.client.post("/api/signin/", json=fields, headers=headers)
    assert made.status_code == 200, made.text
    return User(user.api, user.username, user.email, **made.json())


def parse_time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def audit_actions(api: Api, number: int) -> list[str]:
    query = "SELECT action FROM audit_log WHERE user_id = $1 ORDER BY id"
    return [action for (action,) in sql(api, query, number)]


def test_a_session_is_listed_with_its_client_and_last_use(api: Api, user: User) -> None:
    (first,) = list_sessions(user)
    assert first["current"] is True
    assert first["client"].startswith("python-httpx")
    assert first["created_at"] == first["last_used_at"]
    lifetime = parse_time(first["expires_at"]) - parse_time(first["created_at"])
    assert lifetime == timedelta(days=7)
    telephone = sign_in(user, "Telephone/1.0 (\x9b31mred\xad)\t" + "x" * 300)
    nameless = sign_in(user, "\x9b\xad")
    clients = [session["client"] for session in list_sessions(user)]
    assert clients == [
        None,
        ("Telephone/1.0 (31mred)" + "x" * 300)[:200],
        first["client"],
    ]
    assert [s["current"] for s in list_sessions(telephone)] == [False, True, False]
    # A refresh counts as a use of the session.
    newer = refresh(api, user.refresh)
    assert newer.status_code == 200
    (again, *others) = list_sessions(nameless)
    assert again["id"] == first["id"] == claims_of(user.access)["sid"]
    assert again["created_at"] == first["created_at"]
    assert parse_time(again["last_used_at"]) > parse_time(others[0]["last_used_at"])
    assert parse_time(again["expires_at"]) - parse_time(again["last_used_at"]) == timedelta(days=7)
    # A session from before migration 0005, then an expired one.
    sql(api, "UPDATE sessions SET client = NULL, last_used_at = NULL WHERE id = $1", first["id"])
    (old,) = (session for session in list_sessions(nameless) if session["id"] == first["id"])
    assert (old["client"], old["last_used_at"]) == (None, first["created_at"])
    expired = seconds_ago(api, 1)
    sql(api, "UPDATE sessions SET expires_at = $1 WHERE id = $2", expired, first["id"])
    assert first["id"] not in [session["id"] for session in list_sessions(nameless)]
    assert user.get(SESSIONS).status_code == 401
    assert nameless.delete(f"{SESSIONS}{first['id']}/").status_code == 404


def test_a_session_can_end_others_and_itself_with_all_tokens(api: Api, user: User) -> None:
    number, lost, kept = user_id(user), sign_in(user, "lost"), sign_in(user, "kept")
    newer = refresh(api, lost.refresh).json()
    address = f"{SESSIONS}{claims_of(lost.access)['sid']}/"
    ended = user.delete(address)
    assert (ended.status_code, ended.json()) == (200, {"message": "The session has ended."})
    assert_ended(api, {"refresh": lost.refresh, "access": lost.access}, newer)
    assert user.delete(address).status_code == 404
    assert [session["client"] for session in list_sessions(user)][:1] == ["kept"]
    # Ends all other sessions, then the current one.
    third, fourth = sign_in(user, "third"), sign_in(user, "fourth")
    ended = user.delete(SESSIONS)
    assert ended.json() == {"message": "3 other sessions have ended."}
    for gone in (kept, third, fourth):
        assert_ended(api, {"refresh": gone.refresh, "access": gone.access})
    assert [session["current"] for session in list_sessions(user)] == [True]
    assert user.delete(SESSIONS).json() == {"message": "No other sessions have ended."}
    sign_in(user, "fifth")
    assert user.delete(SESSIONS).json() == {"message": "1 other session has ended."}
    assert user.delete(f"{SESSIONS}{claims_of(user.access)['sid']}").status_code == 200
    assert_ended(api, {"refresh": user.refresh, "access": user.access})
    assert_refused(user.delete(SESSIONS), "session_ended")
    done = [action for action in audit_actions(api, number) if action.endswith("_ended")]
    assert done == ["session_ended", *3 * ["other_sessions_ended"], "session_ended"]
    assert get_me(api, api.sign_in(user.username).access).status_code == 200


def test_a_session_id_is_no_credential_and_ends_no_session_of_another_user(
    api: Api, user: User
) -> None:
    other = api.sign_up()
    (mine,) = list_sessions(user)
    answer = other.delete(f"{SESSIONS}{mine['id']}/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert other.delete(SESSIONS).json() == {"message": "No other sessions have ended."}
    assert list_sessions(user) == [mine]
    assert_refused(get_me(api, mine["id"]), "token_invalid")
    assert_refused(refresh(api, mine["id"]), "token_invalid")
    assert audit_actions(api, user_id(other)).count("session_ended") == 0
