"""Tokens: forged ones are refused, used ones end what they belong to, none is kept as text."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx2
import jwt
import pytest

from tests.support.apis import PASSWORD, Api, StartApi, User

CLAIMS = ("iss", "aud", "sub", "sid", "typ", "jti", "iat", "exp")
DAY = 24 * 3600
CALLERS = 16


def secret_of(api: Api) -> str:
    return (api.folder / "data" / "secret_key").read_text().strip()


def content(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def encoded(value: object) -> str:
    """A part of a token, as JSON Web Signatures write it."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def refresh(api: Api, token: str) -> httpx2.Response:
    return api.client.post("/api/token/refresh/", json={"refresh": token})


def log_out(api: Api, token: str) -> httpx2.Response:
    return api.client.post("/api/logout/", json={"refresh": token})


def who(api: Api, access: str) -> httpx2.Response:
    return api.client.get("/api/me/", headers={"Authorization": f"Bearer {access}"})


def refused(response: httpx2.Response, *codes: str) -> None:
    assert response.status_code == 401, response.text
    answer = response.json()
    assert set(answer) == {"success", "error", "code"}
    assert answer["success"] is False
    assert answer["code"] in codes
    assert re.fullmatch(r"[A-Z].*\.", answer["error"])
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert "Traceback" not in response.text


def dead(api: Api, *pairs: dict[str, str]) -> None:
    """Nothing of these can be used any more."""
    for pair in pairs:
        refused(who(api, pair["access"]), "session_ended")
        refused(refresh(api, pair["refresh"]), "session_ended")


def changed(**changes: object) -> Callable[[dict[str, Any], str], str]:
    """Signs as we do, what is not quite ours."""
    return lambda claims, secret: jwt.encode({**claims, **changes}, secret, "HS256")


def without(claim: str) -> Callable[[dict[str, Any], str], str]:
    return lambda claims, secret: jwt.encode(
        {name: value for name, value in claims.items() if name != claim}, secret, "HS256"
    )


def tampered(claims: dict[str, Any], secret: str) -> str:
    header, _, signature = jwt.encode(claims, secret, "HS256").split(".")
    return ".".join((header, encoded({**claims, "sub": "1"}), signature))


def other_signature(claims: dict[str, Any], secret: str) -> str:
    token = jwt.encode(claims, secret, "HS256")
    # Not its last character, of which some bits are not looked at.
    return token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]


FORGERIES: dict[str, tuple[Callable[[dict[str, Any], str], str], str]] = {
    "not signed": (lambda claims, _: jwt.encode(claims, None, "none"), "token_invalid"),
    "not signed, under our algorithm": (
        lambda claims, _: f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded(claims)}.",
        "token_invalid",
    ),
    "None in capitals": (
        lambda claims, _: f"{encoded({'alg': 'None', 'typ': 'JWT'})}.{encoded(claims)}.",
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
    "another issuer": (changed(iss="elsewhere"), "token_invalid"),
    "another audience": (changed(aud="elsewhere"), "token_invalid"),
    "another type": (changed(typ="admin"), "token_invalid"),
    "a number for a user": (changed(sub=1), "token_invalid"),
    "a list for a session": (changed(sid=["x"]), "token_invalid"),
    "expired": (changed(exp=int(time.time()) - 1), "token_expired"),
    "expired in 1970": (changed(exp=0), "token_expired"),
    "expiring at no time": (changed(exp="never"), "token_invalid"),
    "issued tomorrow": (changed(iat=int(time.time()) + DAY), "token_invalid"),
    "valid from tomorrow": (changed(nbf=int(time.time()) + DAY), "token_invalid"),
    "a session that never was": (changed(sid="0" * 32), "session_ended"),
    "an empty session": (changed(sid=""), "session_ended"),
    "SQL for a session": (changed(sid="' OR '1'='1"), "session_ended"),
    "tampered content": (tampered, "token_invalid"),
    "tampered signature": (other_signature, "token_invalid"),
    "a critical extension": (
        lambda claims, secret: jwt.encode(claims, secret, "HS256", headers={"crit": ["x"]}),
        "token_invalid",
    ),
    **{f"without {claim}": (without(claim), "token_invalid") for claim in CLAIMS},
}

GARBAGE = {
    "a word": "x",
    "dots": "...",
    "three words": "a.b.c",
    "long": "x" * 4096,
    "header nested deeply": f"{encoded(b'[' * 2000)}.{encoded({})}.x",
    "header no object": f"{encoded([])}.{encoded({})}.x",
    "algorithm no text": f"{encoded({'alg': {}})}.{encoded({})}.x",
    "no UTF-8": f"{encoded(bytes([255, 254]))}.{encoded({})}.x",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_access_token_lets_nobody_in(api: Api, user: User, name: str) -> None:
    forge, code = FORGERIES[name]
    token = forge(content(user.access), secret_of(api))
    refused(who(api, token), code)
    # Not even as somebody anonymous.
    prediction = api.client.post("/api/predict/", headers={"Authorization": f"Bearer {token}"})
    refused(prediction, code)
    assert who(api, user.access).status_code == 200


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_refresh_token_is_worth_nothing(api: Api, user: User, name: str) -> None:
    forge, code = FORGERIES[name]
    token = forge(content(user.refresh), secret_of(api))
    refused(refresh(api, token), code)
    if code != "session_ended":  # to sign out of nothing is no fault
        refused(log_out(api, token), code)
    assert refresh(api, user.refresh).status_code == 200


def test_a_token_that_we_did_not_give_although_all_is_signed_is_worth_nothing(
    api: Api, user: User
) -> None:
    never_given = jwt.encode({**content(user.refresh), "jti": "x"}, secret_of(api), "HS256")
    refused(refresh(api, never_given), "session_ended")


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_a_token_that_names_one_user_and_the_session_of_another_is_refused(
    api: Api, user: User, kind: str
) -> None:
    other = api.sign_up()
    mine, theirs = content(getattr(user, kind)), content(getattr(other, kind))
    token = jwt.encode({**theirs, "sub": mine["sub"]}, secret_of(api), "HS256")
    if kind == "access":
        assert who(api, token).status_code == 401
    else:
        assert refresh(api, token).status_code == 401
    assert who(api, other.access).status_code == 200


def test_one_kind_of_token_is_not_taken_for_the_other(api: Api, user: User) -> None:
    refused(who(api, user.refresh), "token_invalid")
    refused(refresh(api, user.access), "token_invalid")
    refused(log_out(api, user.access), "token_invalid")
    assert who(api, user.access).status_code == 200
    assert refresh(api, user.refresh).status_code == 200


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_token_is_refused(api: Api, name: str) -> None:
    refused(who(api, GARBAGE[name]), "token_invalid")
    refused(refresh(api, GARBAGE[name]), "token_invalid")
    refused(log_out(api, GARBAGE[name]), "token_invalid")


def test_an_empty_or_an_enormous_token_is_refused(api: Api) -> None:
    refused(refresh(api, ""), "token_invalid")
    refused(log_out(api, ""), "token_invalid")
    refused(who(api, "x" * 50_000), "token_invalid")
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
def test_a_token_in_any_other_wrapping_is_refused(api: Api, user: User, authorization: str) -> None:
    headers = {"Authorization": authorization.format(user.access)}
    codes = ("not_authenticated", "token_invalid")
    refused(api.client.get("/api/me/", headers=headers), *codes)
    refused(api.client.post("/api/predict/", headers=headers), *codes)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Token", "token", "Bearer  "])
def test_the_scheme_may_be_written_as_clients_do(api: Api, user: User, scheme: str) -> None:
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
    assert len({content(token)["sid"] for pair in pairs for token in pair.values()}) == 1
    assert all(who(api, pair["access"]).status_code == 200 for pair in pairs)


def test_a_refresh_token_used_twice_ends_the_session_and_no_other(api: Api, user: User) -> None:
    elsewhere = api.sign_in(user.username)
    first = refresh(api, user.refresh).json()
    second = refresh(api, first["refresh"]).json()
    refused(refresh(api, user.refresh), "session_ended")
    dead(api, {"refresh": user.refresh, "access": user.access}, first, second)
    assert who(api, elsewhere.access).status_code == 200
    assert refresh(api, elsewhere.refresh).status_code == 200


def test_of_sixteen_that_race_with_one_token_one_wins_and_then_nobody_has_it(api: Api) -> None:
    for _ in range(3):
        user = api.sign_up()
        with ThreadPoolExecutor(CALLERS) as callers:
            responses = list(
                callers.map(lambda token: refresh(api, token), CALLERS * [user.refresh])
            )
        winners = [response.json() for response in responses if response.status_code == 200]
        assert len(winners) <= 1
        for response in responses:
            if response.status_code != 200:
                refused(response, "session_ended")
        dead(api, {"refresh": user.refresh, "access": user.access}, *winners)


def test_signing_out_ends_the_session_and_no_other(api: Api, user: User) -> None:
    elsewhere = api.sign_in(user.username)
    newer = refresh(api, user.refresh).json()
    out = log_out(api, newer["refresh"])
    assert (out.status_code, out.json()) == (200, {"message": "Signed out successfully."})
    dead(api, {"refresh": user.refresh, "access": user.access}, newer)
    assert who(api, elsewhere.access).status_code == 200


def test_signing_out_twice_or_with_a_used_token_does_no_harm(api: Api, user: User) -> None:
    newer = refresh(api, user.refresh).json()
    for token in (user.refresh, user.refresh, newer["refresh"]):
        assert log_out(api, token).status_code == 200
    dead(api, {"refresh": user.refresh, "access": user.access}, newer)


def test_a_client_whose_answer_was_lost_may_ask_again_for_as_long_as_is_set(
    start_api: StartApi,
) -> None:
    api = start_api({"REFRESH_GRACE_SECONDS": "2"})
    user = api.sign_up()
    lost, retried = refresh(api, user.refresh), refresh(api, user.refresh)
    assert (lost.status_code, retried.status_code) == (200, 200)
    following = refresh(api, retried.json()["refresh"])
    assert following.status_code == 200
    assert who(api, following.json()["access"]).status_code == 200
    time.sleep(2.1)
    refused(refresh(api, user.refresh), "session_ended")
    dead(api, lost.json(), retried.json(), following.json())


def test_an_access_token_expires_and_the_refresh_token_still_works(start_api: StartApi) -> None:
    api = start_api({"ACCESS_TOKEN_SECONDS": "1"})
    user = api.sign_up()
    time.sleep(1.1)
    refused(who(api, user.access), "token_expired")
    refused(user.predict(), "token_expired")
    assert refresh(api, user.refresh).status_code == 200


def test_the_lifetimes_are_an_hour_and_a_week(user: User) -> None:
    lifetimes = [
        claims["exp"] - claims["iat"] for claims in map(content, (user.access, user.refresh))
    ]
    assert lifetimes == [3600, 7 * DAY]


def test_a_token_says_nothing_of_its_owner_but_a_number(user: User) -> None:
    for token in (user.access, user.refresh):
        claims = content(token)
        assert set(claims) == set(CLAIMS)
        assert claims["sub"].isdigit()
        assert user.username not in str(claims)


def test_tokens_of_another_installation_are_refused(api: Api, start_api: StartApi) -> None:
    stranger = start_api().sign_up()
    refused(who(api, stranger.access), "token_invalid")
    refused(refresh(api, stranger.refresh), "token_invalid")


def test_neither_database_nor_log_has_a_token_a_key_or_a_password(api: Api) -> None:
    password = "an unmistakable password 4711"
    user = api.sign_up(password=password)
    newer = refresh(api, user.refresh).json()
    made = user.post("/api/api-keys/", json={"name": "robot"}).json()
    wrong = {"username": user.username, "password": "an unmistakable mistake 4711"}
    assert api.client.post("/api/signin/", json=wrong).status_code == 401
    body = {"old_password": password, "new_password": "an unmistakable change 4711"}
    assert user.post("/api/change-password/", json=body).status_code == 200
    everything = _everything(api)
    assert user.username.encode() in everything
    tokens = [user.refresh, user.access, newer["refresh"], newer["access"]]
    # The beginning of a key is kept, so that its owner recognises it.
    secrets = [made["key"].removeprefix(made["prefix"]), *(token[-40:] for token in tokens)]
    for text in (*secrets, "unmistakable", PASSWORD):
        assert text.encode() not in everything
        assert text not in api.log.read_text()


def _everything(api: Api) -> bytes:
    """All that the database holds, whatever the table."""
    if api.database_url.startswith("sqlite"):
        return b"".join(path.read_bytes() for path in (api.folder / "data").glob("ranjana.db*"))
    return asyncio.run(_rows(api.database_url)).encode()


async def _rows(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname='public'")
        texts: list[str] = []
        for (table,) in tables:
            rows = await connection.fetch(f'SELECT t::text FROM "{table}" t')
            texts += [row[0] for row in rows]
        return "\n".join(texts)
    finally:
        await connection.close()
