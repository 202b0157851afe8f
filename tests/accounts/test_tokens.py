"""Tokens: forged ones are refused, reused ones end their session, none is stored in clear."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import jwt
import pytest

from tests.authorisation.test_access import seconds_ago, sql
from tests.support.apis import PASSWORD, Api, StartApi, User

pytestmark = pytest.mark.thorough("postgresql")

CLAIMS = ("iss", "aud", "sub", "sid", "typ", "jti", "iat", "exp")
DAY_SECONDS = 24 * 3600
CONCURRENCY = 16


def secret_of(api: Api) -> str:
    return (api.folder / "data" / "secret_key").read_text().strip()


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def base64url(value: object) -> str:
    """A part of a token in base64url (RFC 7515)."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def refresh(api: Api, token: str) -> httpx2.Response:
    return api.client.post("/api/token/refresh/", json={"refresh": token})


def backdate_use(api: Api, session: str, seconds: float) -> None:
    """Sets the time of use of the used tokens of a session to `seconds` ago."""
    change = "UPDATE refresh_tokens SET used_at = $1 WHERE session_id = $2 AND used_at IS NOT NULL"
    sql(api, change, seconds_ago(api, seconds), session)


def log_out(api: Api, token: str) -> httpx2.Response:
    return api.client.post("/api/logout/", json={"refresh": token})


def get_me(api: Api, access: str) -> httpx2.Response:
    return api.client.get("/api/me/", headers={"Authorization": f"Bearer {access}"})


def assert_refused(response: httpx2.Response, *codes: str) -> None:
    assert response.status_code == 401, response.text
    answer = response.json()
    assert set(answer) == {"success", "error", "code"}
    assert answer["success"] is False
    assert answer["code"] in codes
    assert re.fullmatch(r"[A-Z].*\.", answer["error"])
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert "Traceback" not in response.text


def assert_ended(api: Api, *pairs: dict[str, str]) -> None:
    """None of these tokens works any more."""
    for pair in pairs:
        assert_refused(get_me(api, pair["access"]), "session_ended")
        assert_refused(refresh(api, pair["refresh"]), "session_ended")


def with_changes(**changes: object) -> Callable[[dict[str, Any], str], str]:
    """A forgery: changed claims with a valid signature."""
    return lambda claims, secret: jwt.encode({**claims, **changes}, secret, "HS256")


def without_claim(claim: str) -> Callable[[dict[str, Any], str], str]:
    return lambda claims, secret: jwt.encode(
        {name: value for name, value in claims.items() if name != claim}, secret, "HS256"
    )


def tampered(claims: dict[str, Any], secret: str) -> str:
    header, _, signature = jwt.encode(claims, secret, "HS256").split(".")
    return ".".join((header, base64url({**claims, "sub": "1"}), signature))


def other_signature(claims: dict[str, Any], secret: str) -> str:
    token = jwt.encode(claims, secret, "HS256")
    # Not the last character, because decoders ignore some of its bits.
    return token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]


FORGERIES: dict[str, tuple[Callable[[dict[str, Any], str], str], str]] = {
    "not signed": (lambda claims, _: jwt.encode(claims, None, "none"), "token_invalid"),
    "not signed, under our algorithm": (
        lambda claims, _: f"{base64url({'alg': 'HS256', 'typ': 'JWT'})}.{base64url(claims)}.",
        "token_invalid",
    ),
    "None in capitals": (
        lambda claims, _: f"{base64url({'alg': 'None', 'typ': 'JWT'})}.{base64url(claims)}.",
        "token_invalid",
    ),
    "another secret": (
        lambda claims, secret: jwt.encode(claims, secret[::-1], "HS256"),
        "token_invalid",
    ),
    "HS512 with our secret": (
        lambda claims, secret: jwt.encode(claims, f"{secret}", "HS512"),
        "token_invalid",
    ),
    "another issuer": (with_changes(iss="elsewhere"), "token_invalid"),
    "another audience": (with_changes(aud="elsewhere"), "token_invalid"),
    "another type": (with_changes(typ="admin"), "token_invalid"),
    "a number for a user": (with_changes(sub=1), "token_invalid"),
    "a list for a session": (with_changes(sid=["x"]), "token_invalid"),
    "expired": (with_changes(exp=int(time.time()) - 1), "token_expired"),
    "expired in 1970": (with_changes(exp=0), "token_expired"),
    "expiring at no time": (with_changes(exp="never"), "token_invalid"),
    "issued tomorrow": (with_changes(iat=int(time.time()) + DAY_SECONDS), "token_invalid"),
    "valid from tomorrow": (with_changes(nbf=int(time.time()) + DAY_SECONDS), "token_invalid"),
    "a session that never was": (with_changes(sid="0" * 32), "session_ended"),
    "an empty session": (with_changes(sid=""), "session_ended"),
    "SQL for a session": (with_changes(sid="' OR '1'='1"), "session_ended"),
    "tampered content": (tampered, "token_invalid"),
    "tampered signature": (other_signature, "token_invalid"),
    "a critical extension": (
        lambda claims, secret: jwt.encode(claims, secret, "HS256", headers={"crit": ["x"]}),
        "token_invalid",
    ),
    **{f"without {claim}": (without_claim(claim), "token_invalid") for claim in CLAIMS},
}

GARBAGE = {
    "a word": "x",
    "dots": "...",
    "three words": "a.b.c",
    "long": "x" * 4096,
    "header nested deeply": f"{base64url(b'[' * 2000)}.{base64url({})}.x",
    "header no object": f"{base64url([])}.{base64url({})}.x",
    "algorithm no text": f"{base64url({'alg': {}})}.{base64url({})}.x",
    "no UTF-8": f"{base64url(bytes([255, 254]))}.{base64url({})}.x",
}


@pytest.mark.parametrize("name", FORGERIES)
@pytest.mark.database("sqlite")
def test_a_forged_access_token_is_refused(api: Api, user: User, name: str) -> None:
    forge, code = FORGERIES[name]
    token = forge(claims_of(user.access), secret_of(api))
    assert_refused(get_me(api, token), code)
    # The caller does not count as anonymous either.
    prediction = api.client.post("/api/predict/", headers={"Authorization": f"Bearer {token}"})
    assert_refused(prediction, code)
    assert get_me(api, user.access).status_code == 200


@pytest.mark.parametrize("name", FORGERIES)
@pytest.mark.database("sqlite")
def test_a_forged_refresh_token_is_refused(api: Api, user: User, name: str) -> None:
    forge, code = FORGERIES[name]
    token = forge(claims_of(user.refresh), secret_of(api))
    assert_refused(refresh(api, token), code)
    if code != "session_ended":  # signing out of an ended session succeeds
        assert_refused(log_out(api, token), code)
    assert refresh(api, user.refresh).status_code == 200


def test_a_signed_refresh_token_that_was_never_issued_is_refused(api: Api, user: User) -> None:
    never_issued = jwt.encode({**claims_of(user.refresh), "jti": "x"}, secret_of(api), "HS256")
    assert_refused(refresh(api, never_issued), "session_ended")


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_a_token_with_the_session_of_another_user_is_refused(
    api: Api, user: User, kind: str
) -> None:
    other = api.sign_up()
    mine, theirs = claims_of(getattr(user, kind)), claims_of(getattr(other, kind))
    token = jwt.encode({**theirs, "sub": mine["sub"]}, secret_of(api), "HS256")
    if kind == "access":
        assert get_me(api, token).status_code == 401
    else:
        assert refresh(api, token).status_code == 401
    assert get_me(api, other.access).status_code == 200


@pytest.mark.database("sqlite")
def test_access_and_refresh_tokens_are_not_interchangeable(api: Api, user: User) -> None:
    assert_refused(get_me(api, user.refresh), "token_invalid")
    assert_refused(refresh(api, user.access), "token_invalid")
    assert_refused(log_out(api, user.access), "token_invalid")
    assert get_me(api, user.access).status_code == 200
    assert refresh(api, user.refresh).status_code == 200


@pytest.mark.parametrize("name", GARBAGE)
@pytest.mark.database("sqlite")
def test_text_that_is_not_a_token_is_refused(api: Api, name: str) -> None:
    assert_refused(get_me(api, GARBAGE[name]), "token_invalid")
    assert_refused(refresh(api, GARBAGE[name]), "token_invalid")
    assert_refused(log_out(api, GARBAGE[name]), "token_invalid")


def test_an_empty_or_enormous_token_is_refused(api: Api) -> None:
    assert_refused(refresh(api, ""), "token_invalid")
    assert_refused(log_out(api, ""), "token_invalid")
    assert_refused(get_me(api, "x" * 30_000), "token_invalid")
    assert refresh(api, "x" * 50_000).status_code == 400


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Basic {}",
        "Basic dXNlcjpwYXNz",
        "{}",
        "Bearer{}",
        "Bearer Bearer {}",
        "Digest {}",
        "Bearer,{}",
        "Bearer {},x",
        "Bearer {} x",
        "'Bearer' {}",
    ],
)
@pytest.mark.database("sqlite")
def test_a_token_in_a_malformed_header_is_refused(api: Api, user: User, authorization: str) -> None:
    headers = {"Authorization": authorization.format(user.access)}
    codes = ("not_authenticated", "token_invalid")
    assert_refused(api.client.get("/api/me/", headers=headers), *codes)
    assert_refused(api.client.post("/api/predict/", headers=headers), *codes)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Token", "token", "Bearer  "])
@pytest.mark.database("sqlite")
def test_the_scheme_may_be_bearer_or_token_in_any_case(api: Api, user: User, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {user.access}"}
    assert api.client.get("/api/me/", headers=headers).status_code == 200


def test_a_refresh_token_is_exchanged_for_new_ones(api: Api, user: User) -> None:
    pairs = [{"refresh": user.refresh, "access": user.access}]
    for _ in range(3):
        response = refresh(api, pairs[-1]["refresh"])
        assert response.status_code == 200
        assert set(response.json()) == {"refresh", "access"}
        pairs.append(response.json())
    assert len({token for pair in pairs for token in pair.values()}) == 8
    assert len({claims_of(token)["sid"] for pair in pairs for token in pair.values()}) == 1
    assert all(get_me(api, pair["access"]).status_code == 200 for pair in pairs)


def test_a_refresh_token_used_again_later_ends_the_session_and_no_other(
    api: Api, user: User
) -> None:
    elsewhere = api.sign_in(user.username)
    first = refresh(api, user.refresh).json()
    second = refresh(api, first["refresh"]).json()
    backdate_use(api, claims_of(user.refresh)["sid"], 11)
    assert_refused(refresh(api, user.refresh), "session_ended")
    assert_ended(api, {"refresh": user.refresh, "access": user.access}, first, second)
    assert get_me(api, elsewhere.access).status_code == 200
    assert refresh(api, elsewhere.refresh).status_code == 200


def test_whoever_lost_the_answer_gets_the_same_tokens_again_from_every_process(
    start_api: StartApi,
) -> None:
    first = start_api()
    processes = (first, start_api(beside=first))
    user = first.sign_up()
    with ThreadPoolExecutor(CONCURRENCY) as callers:
        answers = list(
            callers.map(
                lambda number: refresh(processes[number % 2], user.refresh), range(CONCURRENCY)
            )
        )
    pair = answers[0].json()
    assert set(pair) == {"refresh", "access"}
    assert all((answer.status_code, answer.json()) == (200, pair) for answer in answers)
    # It is the next link of the session, not a branch.
    following = refresh(processes[1], pair["refresh"]).json()
    assert refresh(processes[0], user.refresh).json() == pair
    assert get_me(first, following["access"]).status_code == 200
    session = claims_of(user.refresh)["sid"]
    assert sql(first, "SELECT count(*) FROM refresh_tokens WHERE session_id = $1", session) == [
        (3,)
    ]
    backdate_use(first, session, 11)
    assert_refused(refresh(processes[1], user.refresh), "session_ended")
    assert_ended(first, {"refresh": user.refresh, "access": user.access}, pair, following)


def test_without_a_grace_period_a_repeated_refresh_ends_the_session(start_api: StartApi) -> None:
    api = start_api({"REFRESH_GRACE_SECONDS": "0"})
    for _ in range(3):
        user = api.sign_up()
        with ThreadPoolExecutor(CONCURRENCY) as callers:
            responses = list(
                callers.map(lambda token: refresh(api, token), CONCURRENCY * [user.refresh])
            )
        winners = [response.json() for response in responses if response.status_code == 200]
        assert len(winners) <= 1
        for response in responses:
            if response.status_code != 200:
                assert_refused(response, "session_ended")
        assert_ended(api, {"refresh": user.refresh, "access": user.access}, *winners)


def test_signing_out_ends_the_session_and_no_other(api: Api, user: User) -> None:
    elsewhere = api.sign_in(user.username)
    newer = refresh(api, user.refresh).json()
    out = log_out(api, newer["refresh"])
    assert (out.status_code, out.json()) == (200, {"message": "Signed out successfully."})
    assert_ended(api, {"refresh": user.refresh, "access": user.access}, newer)
    assert get_me(api, elsewhere.access).status_code == 200


def test_signing_out_twice_or_with_a_used_token_succeeds(api: Api, user: User) -> None:
    newer = refresh(api, user.refresh).json()
    for token in (user.refresh, user.refresh, newer["refresh"]):
        assert log_out(api, token).status_code == 200
    assert_ended(api, {"refresh": user.refresh, "access": user.access}, newer)


@pytest.mark.database("sqlite")
def test_an_access_token_expires_and_the_refresh_token_still_works(start_api: StartApi) -> None:
    api = start_api({"ACCESS_TOKEN_SECONDS": "1"})
    user = api.sign_up()
    time.sleep(1.1)
    assert_refused(get_me(api, user.access), "token_expired")
    assert_refused(user.predict(), "token_expired")
    assert refresh(api, user.refresh).status_code == 200


@pytest.mark.database("sqlite")
def test_tokens_live_an_hour_and_a_week(user: User) -> None:
    lifetimes = [
        claims["exp"] - claims["iat"] for claims in map(claims_of, (user.access, user.refresh))
    ]
    assert lifetimes == [3600, 7 * DAY_SECONDS]


@pytest.mark.database("sqlite")
def test_a_token_contains_only_the_id_of_its_owner(user: User) -> None:
    for token in (user.access, user.refresh):
        claims = claims_of(token)
        assert set(claims) == set(CLAIMS)
        assert claims["sub"].isdigit()
        assert user.username not in str(claims)


@pytest.mark.database("sqlite")
def test_tokens_of_another_installation_are_refused(api: Api, start_api: StartApi) -> None:
    stranger = start_api().sign_up()
    assert_refused(get_me(api, stranger.access), "token_invalid")
    assert_refused(refresh(api, stranger.refresh), "token_invalid")


def test_no_token_key_or_password_is_in_the_database_or_log(api: Api) -> None:
    password = "an unmistakable password 4711"
    user = api.sign_up(password=password)
    newer = refresh(api, user.refresh).json()
    made = user.post("/api/api-keys/", json={"name": "robot"}).json()
    wrong = {"username": user.username, "password": "an unmistakable mistake 4711"}
    assert api.client.post("/api/signin/", json=wrong).status_code == 401
    body = {"old_password": password, "new_password": "an unmistakable change 4711"}
    assert user.post("/api/change-password/", json=body).status_code == 200
    stored = _stored_bytes(api)
    assert user.username.encode() in stored
    tokens = [user.refresh, user.access, newer["refresh"], newer["access"]]
    # The beginning of a key is stored in clear, so that its owner recognises it.
    secrets = [made["key"].removeprefix(made["prefix"]), *(token[-40:] for token in tokens)]
    for text in (*secrets, "unmistakable", PASSWORD):
        assert text.encode() not in stored
        assert text not in api.log.read_text()


def _stored_bytes(api: Api) -> bytes:
    """The content of all tables."""
    if api.database_url.startswith("sqlite"):
        return b"".join(path.read_bytes() for path in (api.folder / "data").glob("ranjana.db*"))
    tables = sql(api, "SELECT tablename FROM pg_tables WHERE schemaname='public'")
    rows = [row for (table,) in tables for row in sql(api, f'SELECT t::text FROM "{table}" t')]
    return "\n".join(text for (text,) in rows).encode()
