"""A web page stays signed in by a cookie that its scripts cannot read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.accounts.test_sessions import audit_actions, list_sessions
from tests.accounts.test_tokens import (
    CONCURRENCY,
    DAY_SECONDS,
    FORGERIES,
    GARBAGE,
    assert_ended,
    assert_refused,
    backdate_use,
    claims_of,
    get_me,
    log_out,
    refresh,
    secret_of,
)
from tests.authorisation.test_access import user_id
from tests.support.apis import PASSWORD, Api, StartApi, User

PAGE = "/api/web-session/"
REFRESH = f"{PAGE}refresh/"
COOKIE = "ranjana_session"
DEVICE_COOKIE = "ranjana_device"
ATTRIBUTES = "; HttpOnly; Max-Age={seconds}; Path=/api/web-session/; SameSite=strict"


def ask(
    api: Api, method: str, path: str, cookie: str | None = None, **options: Any
) -> httpx2.Response:
    """Sends a request with at most this one cookie."""
    headers = {**options.pop("headers", {}), **({"Cookie": f"{COOKIE}={cookie}"} if cookie else {})}
    with httpx2.Client(base_url=api.client.base_url, timeout=60, verify=False) as client:
        return client.request(method, path, headers=headers, **options)


def sign_in(api: Api, user: User, password: str = PASSWORD, **options: Any) -> httpx2.Response:
    fields = {"username": user.username, "password": password}
    return ask(api, "POST", PAGE, json=fields, **options)


def assert_cookie(response: httpx2.Response, more: str = "") -> str:
    """The refresh token in the cookie of a response; checks its attributes."""
    assert response.status_code == 200, response.text
    assert set(response.json()) == {"access", "expires_in"}
    attributes = ATTRIBUTES.format(seconds=7 * DAY_SECONDS) + more
    sent, *devices = response.headers.get_list("Set-Cookie")
    found = re.fullmatch(f"{COOKIE}=([^;]+){attributes}", sent)
    assert found, sent
    if devices:  # after a sign-in
        attributes = ATTRIBUTES.format(seconds=365 * DAY_SECONDS) + more
        assert re.fullmatch(f"{DEVICE_COOKIE}=[-_A-Za-z0-9]{{43}}{attributes}", *devices)
    assert found[1] not in response.text
    return found[1]


def exchange_cookie(api: Api, cookie: str | None) -> httpx2.Response:
    return ask(api, "POST", REFRESH, cookie)


def assert_cookie_removed(response: httpx2.Response) -> None:
    cleared = f'{COOKIE}=""{ATTRIBUTES.format(seconds=0)}'
    assert response.headers["Set-Cookie"] == cleared


def test_a_page_signs_in_stays_signed_in_and_signs_out(api: Api, user: User) -> None:
    signed_in = sign_in(api, user, headers={"User-Agent": "A browser"})
    assert signed_in.headers["Cache-Control"] == "no-store"
    cookies, tokens = [assert_cookie(signed_in)], [signed_in.json()["access"]]
    for _ in range(2):
        answer = exchange_cookie(api, cookies[-1])
        cookies.append(assert_cookie(answer))
        tokens.append(answer.json()["access"])
    assert len({*cookies, *tokens}) == 6
    (session,) = {claims_of(token)["sid"] for token in (*cookies, *tokens)}
    for token in tokens:
        assert signed_in.json()["expires_in"] == 600
        assert claims_of(token)["exp"] - claims_of(token)["iat"] == 600
        assert get_me(api, token).json()["username"] == user.username
    # The cookie is accepted at no other address.
    assert_refused(ask(api, "GET", "/api/me/", cookies[-1]), "not_authenticated")
    assert_refused(get_me(api, cookies[-1]), "token_invalid")
    (shown,) = (each for each in list_sessions(user) if each["id"] == session)
    assert (shown["client"], shown["current"]) == ("A browser", False)
    for cookie in (cookies[-1], cookies[0], None, "x"):
        out = ask(api, "DELETE", PAGE, cookie)
        assert (out.status_code, out.json()) == (200, {"message": "Signed out successfully."})
        assert_cookie_removed(out)
        assert_refused(get_me(api, tokens[-1]), "session_ended")
    assert_refused(exchange_cookie(api, cookies[-1]), "session_ended")
    assert get_me(api, user.access).status_code == 200
    assert audit_actions(api, user_id(user)) == ["signed_up", *2 * ["signed_in"], "signed_out"]


def test_a_reload_during_a_refresh_stays_signed_in_but_a_late_reuse_does_not(
    api: Api, user: User
) -> None:
    first = assert_cookie(sign_in(api, user))
    with ThreadPoolExecutor(CONCURRENCY) as tabs:
        answers = list(tabs.map(lambda cookie: exchange_cookie(api, cookie), CONCURRENCY * [first]))
    cookies = {assert_cookie(answer) for answer in answers}
    tokens = {answer.json()["access"] for answer in answers}
    assert (len(cookies), len(tokens)) == (1, 1)
    later = assert_cookie(exchange_cookie(api, *cookies))
    session = claims_of(first)["sid"]
    backdate_use(api, session, 5)
    assert_cookie(exchange_cookie(api, first))
    assert all(get_me(api, token).status_code == 200 for token in tokens)
    backdate_use(api, session, 11)
    answer = exchange_cookie(api, first)
    assert_refused(answer, "session_ended")
    assert_cookie_removed(answer)
    for token in tokens:
        assert_refused(get_me(api, token), "session_ended")
    for cookie in (*cookies, later):
        assert_refused(exchange_cookie(api, cookie), "session_ended")
    assert audit_actions(api, user_id(user))[-1] == "token_reused"
    assert get_me(api, user.access).status_code == 200


@pytest.mark.parametrize("used", [False, True])
def test_signing_in_over_a_cookie_ends_its_session_and_no_other(
    api: Api, user: User, used: bool
) -> None:
    other = api.sign_up()
    before = sign_in(api, user)
    cookie, access = assert_cookie(before), before.json()["access"]
    if used:
        assert_cookie(exchange_cookie(api, cookie))
    with_cookie = {"headers": cookie_header(cookie)}
    assert_refused(sign_in(api, other, "a wrong guess", **with_cookie), "bad_credentials")
    assert get_me(api, access).status_code == 200
    after = sign_in(api, other, **with_cookie)
    assert_refused(get_me(api, access), "session_ended")
    assert_refused(exchange_cookie(api, cookie), "session_ended")
    assert get_me(api, after.json()["access"]).json()["username"] == other.username
    assert get_me(api, user.access).status_code == 200
    assert audit_actions(api, user_id(user))[-1] == "signed_out"
    # A cookie without a session is no obstacle.
    for text in (cookie, "x", user.access):
        assert_cookie(sign_in(api, other, headers=cookie_header(text)))


def test_a_page_and_an_app_do_not_exchange_each_others_tokens(api: Api, user: User) -> None:
    page = sign_in(api, user)
    cookie = assert_cookie(page)
    assert_refused(refresh(api, cookie), "token_invalid")
    wrong = exchange_cookie(api, user.refresh)
    assert_refused(wrong, "token_invalid")
    assert_cookie_removed(wrong)
    # Neither token was used up.
    newer = assert_cookie(exchange_cookie(api, cookie))
    following = refresh(api, user.refresh).json()
    assert claims_of(following["access"])["exp"] - claims_of(following["access"])["iat"] == 3600
    # Both addresses for signing out accept both kinds of token.
    assert log_out(api, newer).status_code == 200
    assert_refused(exchange_cookie(api, newer), "session_ended")
    assert ask(api, "DELETE", PAGE, following["refresh"]).status_code == 200
    assert_ended(api, following)


def test_an_invalid_or_ended_cookie_is_removed(api: Api, user: User) -> None:
    cookie = assert_cookie(sign_in(api, user))
    cookies: dict[str | None, str] = {None: "not_authenticated", "": "not_authenticated"}
    cookies |= dict.fromkeys(GARBAGE.values(), "token_invalid")
    cookies |= {
        forge(claims_of(cookie), secret_of(api)): code for forge, code in FORGERIES.values()
    }
    cookies |= {claims_of(cookie)["sid"]: "token_invalid"}
    for text, code in cookies.items():
        answer = ask(api, "POST", REFRESH, headers={} if text is None else cookie_header(text))
        assert_refused(answer, code)
        assert_cookie_removed(answer)
    cookie = assert_cookie(exchange_cookie(api, cookie))
    # A new password and a deletion end the sessions of pages too.
    change = {"old_password": PASSWORD, "new_password": "another quiet river"}
    assert user.post("/api/change-password/", json=change).status_code == 200
    assert_refused(exchange_cookie(api, cookie), "session_ended")
    wrong = sign_in(api, user)
    assert_refused(wrong, "bad_credentials")
    assert "Set-Cookie" not in wrong.headers
    cookie = assert_cookie(sign_in(api, user, "another quiet river"))
    assert user.delete("/api/me/").status_code == 200
    assert_refused(exchange_cookie(api, cookie), "session_ended")


def cookie_header(text: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={text}"}


@pytest.mark.database("sqlite")
def test_pages_of_other_sites_cannot_sign_in_refresh_or_sign_out(api: Api, user: User) -> None:
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
        {"Origin": f"https://{host}"},
        {"Origin": f"https://{host}", "Sec-Fetch-Site": "none"},
        {"Origin": "https://ranjana.example", "Host": "ranjana.example"},
        {"Origin": "https://ranjana.example:443", "Host": "ranjana.example"},
        {"Origin": "HTTPS://ranjana.example", "Host": "ranjana.example:443"},
        {"Origin": f"ftp://{host}"},
        # Nobody may say so but a trusted proxy.
        {"Origin": f"https://{host}", "X-Forwarded-Proto": "https"},
    ]
    own: list[Mapping[str, str]] = [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": f"http://{host}"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": f"http://{host}"},
        {"Origin": "HTTP://Ranjana.Example", "Host": "ranjana.example:80"},
        {"Origin": "http://ranjana.example", "Host": "ranjana.example"},
        {"Origin": "http://[::1]:8000", "Host": "[::1]:8000"},
        # A proxy for https that the service does not know: the browser has compared the schemes.
        {
            "Origin": "https://ranjana.example",
            "Host": "ranjana.example",
            "Sec-Fetch-Site": "same-origin",
        },
    ]
    cookie = assert_cookie(sign_in(api, user))
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
        cookie = assert_cookie(ask(api, "POST", REFRESH, cookie, headers=headers))
        assert ask(api, "DELETE", PAGE, headers=headers).status_code == 200
        ended = assert_cookie(sign_in(api, user, headers=headers))
        assert ask(api, "DELETE", PAGE, ended, headers=headers).status_code == 200


@pytest.mark.database("sqlite")
def test_a_page_has_the_usual_limits_and_a_secure_cookie_over_https(
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
    user = api.sign_up()  # signing up and in: two of the six
    browser = {
        "X-Forwarded-Proto": "https",
        "Host": "ranjana.example",
        "Origin": "https://ranjana.example",
    }
    answer = sign_in(api, user, headers=browser)
    cookie = assert_cookie(answer, "; Secure")
    assert answer.json()["expires_in"] == 60
    assert (
        claims_of(answer.json()["access"])["exp"] - claims_of(answer.json()["access"])["iat"] == 60
    )
    assert_cookie(ask(api, "POST", REFRESH, cookie, headers=browser), "; Secure")
    # A page without https is another site than this one.
    for insecure in ("http://ranjana.example", "http://ranjana.example:443"):
        answer = sign_in(api, user, headers={**browser, "Origin": insecure})
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    # An origin that CORS allows cannot sign in, and does not use up the limit.
    for _ in range(9):
        answer = sign_in(api, user, headers={"Origin": "https://elsewhere.example"})
        assert answer.status_code == 403
    for _ in range(2):
        assert_refused(sign_in(api, user, "a wrong guess"), "bad_credentials")
    slowed = sign_in(api, user)
    assert (slowed.status_code, slowed.json()["code"]) == (429, "too_many_failures")
    limited = sign_in(api, user)
    assert (limited.status_code, limited.json()["code"]) == (429, "too_many_requests")
    fields = {"username": user.username, "password": PASSWORD}
    assert api.client.post("/api/signin/", json=fields).status_code == 429
