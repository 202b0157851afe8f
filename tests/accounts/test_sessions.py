"""Where one is signed in: seen and ended by its user, and by nobody else."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from auth_api.schemas.sessions import SessionList
from tests.accounts.test_tokens import content, dead, refresh, refused, who
from tests.authorisation.test_access import sql, user_id
from tests.support.apis import PASSWORD, Api, User

SESSIONS = "/api/sessions/"


def listed(user: User) -> list[dict[str, Any]]:
    answer = user.get(SESSIONS)
    assert answer.status_code == 200, answer.text
    SessionList.model_validate(answer.json())
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def sign_in(user: User, client: str) -> User:
    """Another session of `user`, of something that calls itself `client`."""
    fields = {"username": user.username, "password": PASSWORD}
    headers = {"User-Agent": client.encode("latin-1")}
    made = user.api.client.post("/api/signin/", json=fields, headers=headers)
    assert made.status_code == 200, made.text
    return User(user.api, user.username, user.email, **made.json())


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def actions(api: Api, number: int) -> list[str]:
    query = "SELECT action FROM audit_log WHERE user_id = $1 ORDER BY id"
    return [action for (action,) in sql(api, query, number)]


def test_a_session_is_known_by_its_client_and_its_last_use(api: Api, user: User) -> None:
    (first,) = listed(user)
    assert first["current"] is True
    assert first["client"].startswith("python-httpx")
    assert first["created_at"] == first["last_used_at"]
    lifetime = moment(first["expires_at"]) - moment(first["created_at"])
    assert lifetime == timedelta(days=7)
    telephone = sign_in(user, "Telephone/1.0 (\x9b31mred\xad)\t" + "x" * 300)
    nameless = sign_in(user, "\x9b\xad")
    clients = [session["client"] for session in listed(user)]
    assert clients == [
        None,
        ("Telephone/1.0 (31mred)" + "x" * 300)[:200],
        first["client"],
    ]
    assert [s["current"] for s in listed(telephone)] == [False, True, False]
    # To use a session is to exchange its tokens.
    newer = refresh(api, user.refresh)
    assert newer.status_code == 200
    (again, *others) = listed(nameless)
    assert again["id"] == first["id"] == content(user.access)["sid"]
    assert again["created_at"] == first["created_at"]
    assert moment(again["last_used_at"]) > moment(others[0]["last_used_at"])
    assert moment(again["expires_at"]) - moment(again["last_used_at"]) == timedelta(days=7)
    # One of before these were noted, and one that has expired.
    sql(api, "UPDATE sessions SET client = NULL, last_used_at = NULL WHERE id = $1", first["id"])
    (old,) = (session for session in listed(nameless) if session["id"] == first["id"])
    assert (old["client"], old["last_used_at"]) == (None, first["created_at"])
    expired: Any = datetime.now(timezone.utc) - timedelta(seconds=1)
    if api.database_url.startswith("sqlite"):
        expired = f"{expired:%Y-%m-%d %H:%M:%S.%f}"
    sql(api, "UPDATE sessions SET expires_at = $1 WHERE id = $2", expired, first["id"])
    assert first["id"] not in [session["id"] for session in listed(nameless)]
    assert user.get(SESSIONS).status_code == 401
    assert nameless.delete(f"{SESSIONS}{first['id']}/").status_code == 404


def test_a_session_is_ended_from_another_with_all_its_tokens(api: Api, user: User) -> None:
    number, lost, kept = user_id(user), sign_in(user, "lost"), sign_in(user, "kept")
    newer = refresh(api, lost.refresh).json()
    address = f"{SESSIONS}{content(lost.access)['sid']}/"
    ended = user.delete(address)
    assert (ended.status_code, ended.json()) == (200, {"message": "The session has ended."})
    dead(api, {"refresh": lost.refresh, "access": lost.access}, newer)
    assert user.delete(address).status_code == 404
    assert [session["client"] for session in listed(user)][:1] == ["kept"]
    # All others, then one's own.
    third, fourth = sign_in(user, "third"), sign_in(user, "fourth")
    ended = user.delete(SESSIONS)
    assert ended.json() == {"message": "3 other sessions have ended."}
    for gone in (kept, third, fourth):
        dead(api, {"refresh": gone.refresh, "access": gone.access})
    assert [session["current"] for session in listed(user)] == [True]
    assert user.delete(SESSIONS).json() == {"message": "No other sessions have ended."}
    sign_in(user, "fifth")
    assert user.delete(SESSIONS).json() == {"message": "1 other session has ended."}
    assert user.delete(f"{SESSIONS}{content(user.access)['sid']}").status_code == 200
    dead(api, {"refresh": user.refresh, "access": user.access})
    refused(user.delete(SESSIONS), "session_ended")
    done = [action for action in actions(api, number) if action.endswith("_ended")]
    assert done == ["session_ended", *3 * ["other_sessions_ended"], "session_ended"]
    assert who(api, api.sign_in(user.username).access).status_code == 200


def test_the_id_of_a_session_opens_nothing_and_ends_no_session_of_somebody_else(
    api: Api, user: User
) -> None:
    other = api.sign_up()
    (mine,) = listed(user)
    answer = other.delete(f"{SESSIONS}{mine['id']}/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert other.delete(SESSIONS).json() == {"message": "No other sessions have ended."}
    assert listed(user) == [mine]
    refused(who(api, mine["id"]), "token_invalid")
    refused(refresh(api, mine["id"]), "token_invalid")
    assert actions(api, user_id(other)).count("session_ended") == 0
