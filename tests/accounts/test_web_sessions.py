"""A web page stays signed in, and nothing that gets into it takes the session away with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx2
import pytest

from tests.accounts.test_sessions import actions, listed
from tests.accounts.test_tokens import (
    CALLERS,
    DAY,
    FORGERIES,
    GARBAGE,
    content,
    dead,
    log_out,
    refresh,
    refused,
    secret_of,
    who,
)
from tests.authorisation.test_access import sql, user_id
from tests.support.apis import PASSWORD, Api, StartApi, User

PAGE = "/api/web-session/"
REFRESH = f"{PAGE}refresh/"
COOKIE = "ranjana_session"
ATTRIBUTES = "; HttpOnly; Max-Age={seconds}; Path=/api/web-session/; SameSite=strict"


def ask(
    api: Api, method: str, path: str, cookie: str | None = None, **options: Any
) -> httpx2.Response:
    """Asks with a cookie and no other, as a browser would that has just this one."""
    headers = {**options.pop("headers", {}), **({"Cookie": f"{COOKIE}={cookie}"} if cookie else {})}
    with httpx2.Client(base_url=api.client.base_url, timeout=60) as client:
        return client.request(method, path, headers=headers, **options)


def sign_in(api: Api, user: User, password: str = PASSWORD, **options: Any) -> httpx2.Response:
    fields = {"username": user.username, "password": password}
    return ask(api, "POST", PAGE, json=fields, **options)


def cookie_of(response: httpx2.Response, more: str = "") -> str:
    """The refresh token that a page got, in a cookie as it must be."""
    assert response.status_code == 200, response.text
    assert set(response.json()) == {"access", "expires_in"}
    attributes = ATTRIBUTES.format(seconds=7 * DAY) + more
    found = re.fullmatch(f"{COOKIE}=([^;]+){attributes}", response.headers["Set-Cookie"])
    assert found, response.headers["Set-Cookie"]
    assert found[1] not in response.text
    return found[1]


def exchange(api: Api, cookie: str | None) -> httpx2.Response:
    return ask(api, "POST", REFRESH, cookie)


def taken_away(response: httpx2.Response) -> None:
    cleared = f'{COOKIE}=""{ATTRIBUTES.format(seconds=0)}'
    assert response.headers["Set-Cookie"] == cleared


def used_before(api: Api, session: str, seconds: float) -> None:
    """Makes the tokens of a session that were used look as if that was so many seconds ago."""
    past: Any = datetime.now(timezone.utc) - timedelta(seconds=seconds)
    if api.database_url.startswith("sqlite"):
        past = f"{past:%Y-%m-%d %H:%M:%S.%f}"
    change = "UPDATE refresh_tokens SET used_at = $1 WHERE session_id = $2 AND used_at IS NOT NULL"
    sql(api, change, past, session)


def test_a_page_signs_in_stays_signed_in_and_signs_out(api: Api, user: User) -> None:
    signed_in = sign_in(api, user, headers={"User-Agent": "A browser"})
    assert signed_in.headers["Cache-Control"] == "no-store"
    cookies, tokens = [cookie_of(signed_in)], [signed_in.json()["access"]]
    for _ in range(2):
        answer = exchange(api, cookies[-1])
        cookies.append(cookie_of(answer))
        tokens.append(answer.json()["access"])
    assert len({*cookies, *tokens}) == 6
    (session,) = {content(token)["sid"] for token in (*cookies, *tokens)}
    for token in tokens:
        assert signed_in.json()["expires_in"] == 600
        assert content(token)["exp"] - content(token)["iat"] == 600
        assert who(api, token).json()["username"] == user.username
    # The cookie opens nothing but these addresses.
    refused(ask(api, "GET", "/api/me/", cookies[-1]), "not_authenticated")
    refused(who(api, cookies[-1]), "token_invalid")
    (shown,) = (each for each in listed(user) if each["id"] == session)
    assert (shown["client"], shown["current"]) == ("A browser", False)
    for cookie in (cookies[-1], cookies[0], None, "x"):
        out = ask(api, "DELETE", PAGE, cookie)
        assert (out.status_code, out.json()) == (200, {"message": "Signed out successfully."})
        taken_away(out)
        refused(who(api, tokens[-1]), "session_ended")
    refused(exchange(api, cookies[-1]), "session_ended")
    assert who(api, user.access).status_code == 200
    assert actions(api, user_id(user)) == ["signed_up", *2 * ["signed_in"], "signed_out"]


def test_a_page_that_is_loaded_anew_meanwhile_stays_signed_in_and_a_thief_does_not(
    api: Api, user: User
) -> None:
    first = cookie_of(sign_in(api, user))
    with ThreadPoolExecutor(CALLERS) as tabs:
        answers = list(tabs.map(lambda cookie: exchange(api, cookie), CALLERS * [first]))
    cookies = [cookie_of(answer) for answer in answers]
    tokens = [answer.json()["access"] for answer in answers]
    assert len({*cookies, *tokens}) == 2 * CALLERS
    later = [cookie_of(exchange(api, cookie)) for cookie in (cookies[0], cookies[-1])]
    session = content(first)["sid"]
    used_before(api, session, 5)
    cookie_of(exchange(api, first))
    assert all(who(api, token).status_code == 200 for token in tokens)
    used_before(api, session, 11)
    answer = exchange(api, first)
    refused(answer, "session_ended")
    taken_away(answer)
    for token in tokens:
        refused(who(api, token), "session_ended")
    for cookie in (*cookies, *later):
        refused(exchange(api, cookie), "session_ended")
    assert actions(api, user_id(user))[-1] == "token_reused"
    assert who(api, user.access).status_code == 200


def test_a_page_and_an_app_do_not_exchange_each_others_tokens(api: Api, user: User) -> None:
    page = sign_in(api, user)
    cookie = cookie_of(page)
    refused(refresh(api, cookie), "token_invalid")
    wrong = exchange(api, user.refresh)
    refused(wrong, "token_invalid")
    taken_away(wrong)
    # Which has used up neither.
    newer = cookie_of(exchange(api, cookie))
    following = refresh(api, user.refresh).json()
    assert content(following["access"])["exp"] - content(following["access"])["iat"] == 3600
    # Whoever has a token may end what it belongs to.
    assert log_out(api, newer).status_code == 200
    refused(exchange(api, newer), "session_ended")
    assert ask(api, "DELETE", PAGE, following["refresh"]).status_code == 200
    dead(api, following)


def test_what_is_no_living_token_is_taken_away(api: Api, user: User) -> None:
    cookie = cookie_of(sign_in(api, user))
    cookies: dict[str | None, str] = {None: "not_authenticated", "": "not_authenticated"}
    cookies |= dict.fromkeys(GARBAGE.values(), "token_invalid")
    cookies |= {forge(content(cookie), secret_of(api)): code for forge, code in FORGERIES.values()}
    cookies |= {content(cookie)["sid"]: "token_invalid"}
    for text, code in cookies.items():
        answer = ask(api, "POST", REFRESH, headers={} if text is None else cookie_header(text))
        refused(answer, code)
        taken_away(answer)
    cookie = cookie_of(exchange(api, cookie))
    # What ends all sessions of an account, or all others, ends those of pages too.
    change = {"old_password": PASSWORD, "new_password": "another quiet river"}
    assert user.post("/api/change-password/", json=change).status_code == 200
    refused(exchange(api, cookie), "session_ended")
    wrong = sign_in(api, user)
    refused(wrong, "bad_credentials")
    assert "Set-Cookie" not in wrong.headers
    cookie = cookie_of(sign_in(api, user, "another quiet river"))
    assert user.delete("/api/me/").status_code == 200
    refused(exchange(api, cookie), "session_ended")


def cookie_header(text: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={text}"}


def test_pages_of_other_sites_neither_sign_in_nor_refresh_nor_sign_out(
    api: Api, user: User
) -> None:
    host = f"127.0.0.1:{api.port}"
    elsewhere: list[Mapping[str, str]] = [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": ""},
        {"Sec-Fetch-Site": "cross-site", "Origin": f"http://{host}"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://elsewhere.example"},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": f"http://127.0.0.1:{api.port + 1}"},
        {"Origin": f"http://{host}.elsewhere.example"},
        {"Origin": f"http://elsewhere.example/{host}"},
        {"Origin": f"http://{host}@elsewhere.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://["},
        {"Origin": host},
        {"Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1", "Host": "localhost"},
        {"Origin": "https://localhost:80", "Host": "localhost"},
    ]
    own: list[Mapping[str, str]] = [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": f"http://{host}"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": f"http://{host}"},
        {"Origin": "HTTP://Ranjana.Example", "Host": "ranjana.example:80"},
        {"Origin": "https://ranjana.example", "Host": "ranjana.example"},
        {"Origin": "https://ranjana.example:443", "Host": "ranjana.example"},
        {"Origin": "http://[::1]:8000", "Host": "[::1]:8000"},
    ]
    cookie = cookie_of(sign_in(api, user))
    for headers in elsewhere:
        for answer in (
            sign_in(api, user, headers=headers),
            ask(api, "POST", REFRESH, cookie, headers=headers),
            ask(api, "DELETE", PAGE, cookie, headers=headers),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), headers
            assert set(answer.json()) == {"success", "error", "code"}
            assert "Set-Cookie" not in answer.headers
    for headers in own:
        cookie = cookie_of(ask(api, "POST", REFRESH, cookie, headers=headers))
        assert ask(api, "DELETE", PAGE, headers=headers).status_code == 200
        ended = cookie_of(sign_in(api, user, headers=headers))
        assert ask(api, "DELETE", PAGE, ended, headers=headers).status_code == 200


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_page_is_held_to_the_limits_of_all_and_gets_its_cookie_over_https_alone(
    start_api: StartApi,
) -> None:
    api = start_api(
        {
            "RATE_LIMIT_ENABLED": "true",
            "RATE_LIMIT_SIGNIN": "6/hour",
            "FAILED_SIGNINS_ACCOUNT": "2/hour",
            "ACCESS_TOKEN_SECONDS": "60",
            "TRUSTED_PROXIES": "127.0.0.1",
            "CORS_ORIGINS": "https://elsewhere.example",
        }
    )
    user = api.sign_up()  # two of the six
    browser = {
        "X-Forwarded-Proto": "https",
        "Host": "ranjana.example",
        "Origin": "https://ranjana.example",
    }
    answer = sign_in(api, user, headers=browser)
    cookie = cookie_of(answer, "; Secure")
    assert answer.json()["expires_in"] == 60
    assert content(answer.json()["access"])["exp"] - content(answer.json()["access"])["iat"] == 60
    cookie_of(ask(api, "POST", REFRESH, cookie, headers=browser), "; Secure")
    # Whom the API lets read its answers signs nobody in, and uses nothing up either.
    for _ in range(9):
        answer = sign_in(api, user, headers={"Origin": "https://elsewhere.example"})
        assert answer.status_code == 403
    for _ in range(2):
        refused(sign_in(api, user, "a wrong guess"), "bad_credentials")
    slowed = sign_in(api, user)
    assert (slowed.status_code, slowed.json()["code"]) == (429, "too_many_failures")
    limited = sign_in(api, user)
    assert (limited.status_code, limited.json()["code"]) == (429, "too_many_requests")
    fields = {"username": user.username, "password": PASSWORD}
    assert api.client.post("/api/signin/", json=fields).status_code == 429
