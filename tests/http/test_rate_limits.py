"""Rate limits, host names, addresses behind proxies, and security headers.

None of this depends on the database, so the tests use one. Most rates are per day, so that no
window ends during a test.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import httpx2
import pytest

from tests.authorisation.test_access import make_key, sql, user_id
from tests.support.apis import PASSWORD, Api, User
from tests.support.commands import command
from tests.support.jobs import digits, inputs, zipped
from tests.support.measured import value
from tests.support.pictures import encode, reference
from tests.support.running import Ranjana, wait_for

SIGNINS, PREDICTIONS, PREDICTIONS_ADDRESS, OTHERS = 8, 3, 4, 12
FAILED_ACCOUNT, FAILED_EVERYWHERE, FAILED_ADDRESS = 3, 8, 6
NETWORK_FACTOR = 2
DEVICE = "5f0c2a9e-7d41-4b6a-9c38-1e2f3a4b5c6d"
ORIGIN = "https://ranjana.example"
DAY = 24 * 3600

_numbers = count(1)


@pytest.fixture(scope="module")
def limited(ranjana: Ranjana, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API behind a trusted proxy, so that each test can use its own addresses."""
    rates = {
        "RATE_LIMIT_ENABLED": "true",
        "RATE_LIMIT_SIGNIN": f"{SIGNINS}/day",
        "RATE_LIMIT_PREDICT": f"{PREDICTIONS}/day",
        "RATE_LIMIT_PREDICT_ADDRESS": f"{PREDICTIONS_ADDRESS}/day",
        "RATE_LIMIT_OTHER": f"{OTHERS}/day;10000/day",
        "FAILED_SIGNINS_ACCOUNT": f"{FAILED_ACCOUNT}/day",
        "FAILED_SIGNINS_EVERYWHERE": f"{FAILED_EVERYWHERE}/day",
        "FAILED_SIGNINS_ADDRESS": f"{FAILED_ADDRESS}/day",
        "RATE_LIMIT_NETWORK_FACTOR": str(NETWORK_FACTOR),
    }
    others = {"TRUSTED_PROXIES": "127.0.0.1", "CORS_ORIGINS": ORIGIN}
    api = Api(tmp_path_factory.mktemp("limited"), ranjana, environment={**rates, **others})
    yield api.wait_until_alive()
    api.stop()


@pytest.fixture(scope="module")
def exposed(ranjana: Ranjana, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API that trusts no proxy and answers to its own host names only."""
    environment = {
        "RATE_LIMIT_ENABLED": "true",
        "RATE_LIMIT_SIGNIN": "1000/day",
        "RATE_LIMIT_OTHER": "2/2second",
        "FAILED_SIGNINS_ACCOUNT": "3/2second;60/day",
        "FAILED_SIGNINS_ADDRESS": "1000/day",
        "TRUSTED_HOSTS": "127.0.0.1, Ranjana.Example, *.school.example",
    }
    api = Api(tmp_path_factory.mktemp("exposed"), ranjana, environment=environment)
    yield api.wait_until_alive()
    api.stop()


@pytest.fixture
def address() -> str:
    return new_address()


def new_address() -> str:
    number = next(_numbers)
    return f"10.1.{number // 256}.{number % 256}"


def ask(
    api: Api,
    method: str,
    path: str,
    address: str,
    headers: dict[str, str] | None = None,
    **sent: Any,
) -> httpx2.Response:
    headers = {"X-Forwarded-For": address, **(headers or {})}
    return api.client.request(method, path, headers=headers, **sent)


def sign_in(
    api: Api, username: str, password: str, address: str, device: str | None = None
) -> httpx2.Response:
    fields = {"username": username, "password": password}
    headers = {"X-Device-ID": device} if device else {}
    return ask(api, "POST", "/api/signin/", address, headers, json=fields)


def guess(api: Api, username: str, count: int, address: str, device: str | None = None) -> None:
    """Sends wrong passwords, all of which are checked."""
    for _ in range(count):
        wrong = sign_in(api, username, "wrong", address, device)
        assert (wrong.status_code, wrong.json()["code"]) == (401, "bad_credentials")


def metric(api: Api, name: str, **labels: str) -> float:
    return value(api.metrics(), name, **labels)


def new_user(api: Api) -> User:
    """A new user, signed up from a new address."""
    address, username = new_address(), f"learner{next(_numbers)}"
    fields = {"username": username, "email": f"{username}@example.org", "password": PASSWORD}
    assert ask(api, "POST", "/api/signup/", address, json=fields).status_code == 201
    tokens = sign_in(api, username, PASSWORD, address).json()
    return User(api, username, fields["email"], **tokens)


def require_too_many(response: httpx2.Response, limit: int | None = None) -> None:
    assert response.status_code == 429, response.text
    answer = response.json()
    assert set(answer) == {"success", "error", "code"}
    assert answer["success"] is False
    wait = int(response.headers["Retry-After"])
    assert 1 <= wait <= DAY
    if limit is None:
        assert answer["code"] == "too_many_failures"
        assert answer["error"].startswith("Too many wrong passwords: please wait ")
        return
    assert answer["code"] == "too_many_requests"
    assert answer["error"].startswith("Too many requests: please wait ")
    assert response.headers["X-RateLimit-Limit"] == str(limit)
    assert response.headers["X-RateLimit-Remaining"] == "0"
    assert abs(int(response.headers["X-RateLimit-Reset"]) - time.time() - wait) < 5


def test_sign_ins_and_sign_ups_from_an_address_share_a_limit(limited: Api, address: str) -> None:
    paths = ("/api/signin/", "/api/signup", "/api/login/", "/api/register/")
    before = metric(limited, "rate_limited_requests_total", limit="signin")
    for number in range(SIGNINS):
        response = ask(limited, "POST", paths[number % 4], address, json={})
        assert response.status_code == 400
        assert response.headers["X-RateLimit-Limit"] == str(SIGNINS)
        assert response.headers["X-RateLimit-Remaining"] == str(SIGNINS - number - 1)
    for path in paths:
        require_too_many(ask(limited, "POST", path, address, json={}), SIGNINS)
    after = metric(limited, "rate_limited_requests_total", limit="signin")
    assert after - before == len(paths)
    assert ask(limited, "POST", "/api/signin/", new_address(), json={}).status_code == 400
    # Other requests from the same address are not counted with these.
    assert ask(limited, "POST", "/api/logout/", address, json={}).status_code == 400


def test_anonymous_predictions_from_an_address_are_limited(limited: Api, address: str) -> None:
    paths = ("/api/predict/", "/api/similarity/")
    for number in range(PREDICTIONS_ADDRESS):
        response = ask(limited, "POST", paths[number % 2], address)
        assert response.status_code == 400
        assert response.headers["X-RateLimit-Limit"] == str(PREDICTIONS_ADDRESS)
        left = str(PREDICTIONS_ADDRESS - number - 1)
        assert response.headers["X-RateLimit-Remaining"] == left
    require_too_many(ask(limited, "POST", paths[0], address), PREDICTIONS_ADDRESS)
    assert ask(limited, "POST", paths[0], new_address()).status_code == 400


def test_predictions_of_a_user_are_limited_together_with_those_of_their_keys(limited: Api) -> None:
    user, other = new_user(limited), new_user(limited)
    keys = [{"X-API-Key": make_key(user, "predict")["key"]} for _ in range(PREDICTIONS)]
    first = user.predict()
    left = PREDICTIONS - 1
    assert (first.status_code, first.headers["X-RateLimit-Remaining"]) == (200, str(left))
    for key in keys[:left]:
        assert ask(limited, "POST", "/api/predict/", new_address(), key).status_code == 400
    for headers in (user.headers, *keys):
        for path in ("/api/similarity/", "/api/predict/batch/", "/api/jobs/predict/"):
            require_too_many(ask(limited, "POST", path, new_address(), headers), PREDICTIONS)
    assert ask(limited, "POST", "/api/predict/", new_address(), other.headers).status_code == 400
    assert user.get("/api/me/").status_code == 200


def test_all_other_requests_of_a_user_share_a_limit(limited: Api) -> None:
    user, other = new_user(limited), new_user(limited)
    paths = ("/api/me/", "/api/progress/", "/api/history/predictions/", "/api/admin/audit-logs/")
    for number in range(OTHERS):
        response = user.get(paths[number % 4])
        assert response.status_code in (200, 403)
        assert response.headers["X-RateLimit-Remaining"] == str(OTHERS - number - 1)
    require_too_many(user.get(paths[0]), OTHERS)
    assert other.get(paths[0]).status_code == 200
    assert user.predict().status_code == 200


def _batch(number: int) -> dict[str, Any]:
    return {"json": {"images": [base64.b64encode(encode(reference(4))).decode()] * number}}


def _form(number: int) -> dict[str, Any]:
    return {"files": digits(number)}


def _zip(number: int) -> dict[str, Any]:
    pictures = {name: picture for _, (name, picture) in digits(number)}
    return {"files": {"zip": ("pictures.zip", zipped(pictures))}}


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/api/predict/batch/", _batch),
        ("/api/predict/batch/?model=digits", _form),
        ("/api/jobs/predict/?model=digits", _form),
        ("/api/jobs/predict/?model=digits", _zip),
    ],
)
def test_batches_and_jobs_are_limited_by_pictures(
    limited: Api, path: str, sent: Callable[[int], dict[str, Any]]
) -> None:
    user = new_user(limited)
    first = user.post(path, **sent(2))
    assert first.status_code in (200, 202), first.text
    assert first.headers["X-RateLimit-Limit"] == str(PREDICTIONS)
    assert first.headers["X-RateLimit-Remaining"] == str(PREDICTIONS - 2)
    refused = user.post(path, **sent(2))
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert refused.json()["error"].endswith("or send at most 1 now.")
    assert 1 <= int(refused.headers["Retry-After"]) <= DAY
    # It was refused whole: one picture is still allowed, and nothing was kept of it.
    assert refused.headers["X-RateLimit-Remaining"] == "1"
    assert user.post(path, **sent(1)).headers["X-RateLimit-Remaining"] == "0"
    require_too_many(user.predict(), PREDICTIONS)
    kept = sql(limited, "SELECT count(*) FROM predictions WHERE user_id = $1", user_id(user))
    items = sql(
        limited,
        "SELECT count(*) FROM job_items JOIN jobs ON jobs.id = job_id WHERE user_id = $1",
        user_id(user),
    )
    assert kept[0][0] + items[0][0] == PREDICTIONS


def test_anonymous_batches_are_limited_by_pictures(limited: Api, address: str) -> None:
    path = "/api/predict/batch/"
    first = ask(limited, "POST", path, address, **_batch(PREDICTIONS_ADDRESS))
    assert (first.status_code, first.headers["X-RateLimit-Remaining"]) == (200, "0")
    require_too_many(ask(limited, "POST", path, address, **_batch(1)), PREDICTIONS_ADDRESS)
    assert ask(limited, "POST", path, new_address(), **_batch(1)).status_code == 200


def test_a_batch_beyond_a_whole_allowance_is_told_what_fits(limited: Api) -> None:
    user = new_user(limited)
    refused = user.post("/api/predict/batch/", **_batch(PREDICTIONS + 1))
    assert refused.status_code == 429
    assert refused.json()["error"] == f"Too many pictures: send at most {PREDICTIONS} at a time."
    assert refused.headers["X-RateLimit-Remaining"] == str(PREDICTIONS)
    assert user.post("/api/predict/batch/", **_batch(PREDICTIONS)).status_code == 200


def test_a_job_beyond_a_whole_allowance_takes_all_of_it(limited: Api) -> None:
    user, other = new_user(limited), new_user(limited)
    path, job = "/api/jobs/predict/?model=digits", _form(PREDICTIONS + 1)
    accepted = user.post(path, **job)
    assert (accepted.status_code, accepted.headers["X-RateLimit-Remaining"]) == (202, "0")
    assert other.predict().status_code == 200
    refused = other.post(path, **job)
    assert refused.json()["error"].endswith(f"or send at most {PREDICTIONS - 1} now.")
    wait_for(lambda: inputs(limited) == [], 30)


@pytest.mark.parametrize("name", ["Authorization", "X-API-Key"])
def test_guessing_tokens_and_keys_is_limited(limited: Api, address: str, name: str) -> None:
    for number in range(OTHERS):
        headers = {name: f"Bearer guess{number}"}
        assert ask(limited, "POST", "/api/predict/", address, headers).status_code == 401
    require_too_many(ask(limited, "GET", "/api/me/", address, {name: "Bearer guess"}), OTHERS)


def test_monitoring_and_documentation_are_not_limited(limited: Api, address: str) -> None:
    for path in ("/health", "/docs", "/openapi.json"):
        for _ in range(15):
            response = ask(limited, "GET", path, address)
            assert response.status_code == 200
            assert "X-RateLimit-Limit" not in response.headers


def test_a_caller_that_waits_for_retry_after_is_let_in(exposed: Api) -> None:
    def send() -> httpx2.Response:
        return exposed.client.post("/api/logout/", json={})

    for _ in range(2):
        refused = next(
            response
            for response in (send() for _ in range(50))
            if response.is_error and response.status_code == 429
        )
        wait = int(refused.headers["Retry-After"])
        assert 1 <= wait <= 3
        time.sleep(wait)
        assert send().status_code == 400


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("by_email", [True, False])
def test_password_guesses_from_an_address_are_limited_and_lock_out_nobody_elsewhere(
    limited: Api, known: bool, by_email: bool
) -> None:
    user, address = new_user(limited), new_address()
    username = user.username if known else f"nobody{next(_numbers)}"
    name = f"{username}@example.org" if by_email else username
    for spelling in (name, name.upper(), name.capitalize()):
        guess(limited, spelling, 1, address)
    before = metric(limited, "sign_ins_total", outcome="limited")
    # The right password is rejected too, because otherwise guessing would succeed.
    for password in ("wrong", PASSWORD):
        require_too_many(sign_in(limited, name, password, address))
    assert metric(limited, "sign_ins_total", outcome="limited") - before == 2
    assert sign_in(limited, name, PASSWORD, new_address()).status_code == (200 if known else 401)


def test_refused_guesses_do_not_prolong_the_wait(exposed: Api) -> None:
    user = exposed.sign_up()
    for _ in range(60):
        refused = sign_in(exposed, user.username, "wrong", "unused")
    assert refused.status_code == 429
    wait = int(refused.headers["Retry-After"])
    assert wait <= 3
    time.sleep(wait)
    assert sign_in(exposed, user.username, PASSWORD, "unused").status_code == 200


def test_guesses_from_many_addresses_lock_out_no_device_that_signed_in_before(
    limited: Api,
) -> None:
    user, other = new_user(limited), new_user(limited)
    assert sign_in(limited, user.username, PASSWORD, new_address(), DEVICE).status_code == 200
    assert (
        sign_in(limited, user.username, PASSWORD, new_address(), "a short one").status_code == 200
    )
    assert sign_in(limited, user.username, PASSWORD, new_address(), "0" * 40).status_code == 200
    assert (
        sign_in(limited, other.username, PASSWORD, new_address(), DEVICE[::-1]).status_code == 200
    )
    page = {"username": user.username, "password": PASSWORD}
    cookies = ask(limited, "POST", "/api/web-session/", new_address(), json=page).cookies
    limited.client.cookies.clear()
    for _ in range(FAILED_EVERYWHERE):
        guess(limited, user.username, 1, new_address())

    def from_page(device: str, password: str = PASSWORD) -> httpx2.Response:
        cookie = {"Cookie": f"ranjana_device={device}"}
        fields = {**page, "password": password}
        answer = ask(limited, "POST", "/api/web-session/", new_address(), cookie, json=fields)
        limited.client.cookies.clear()
        return answer

    strangers = (None, "a short one", "0" * 40, DEVICE[::-1], DEVICE.upper())
    for device in strangers:
        require_too_many(sign_in(limited, user.username, PASSWORD, new_address(), device))
    require_too_many(from_page("x" * 43))
    assert sign_in(limited, user.email, PASSWORD, new_address(), DEVICE).status_code == 200
    # A device has a limit of its own, wherever it is.
    for _ in range(FAILED_ACCOUNT):
        guess(limited, user.username, 1, new_address(), DEVICE)
    require_too_many(sign_in(limited, user.username, PASSWORD, new_address(), DEVICE))
    assert from_page(cookies["ranjana_device"]).status_code == 200
    assert from_page(cookies["ranjana_device"], "wrong").status_code == 401
    # An operator lets everybody try again.
    assert "try to sign in again" in command(limited, "users", "unlock", user.email).stdout
    for device in (DEVICE, *strangers):
        signed_in = sign_in(limited, user.username, PASSWORD, new_address(), device)
        assert signed_in.status_code == 200
    statement = "SELECT action FROM audit_log WHERE action LIKE 'user_%' ORDER BY id DESC LIMIT 1"
    assert sql(limited, statement) == [("user_unlocked",)]


def test_a_known_device_is_let_in_beside_somebody_who_guesses(limited: Api, address: str) -> None:
    user = new_user(limited)
    assert sign_in(limited, user.username, PASSWORD, new_address(), DEVICE).status_code == 200
    guess(limited, user.username, FAILED_ACCOUNT, address)
    guess(limited, "somebody else", FAILED_ADDRESS - FAILED_ACCOUNT, address)
    require_too_many(sign_in(limited, user.username, PASSWORD, address))
    assert sign_in(limited, user.username, PASSWORD, address, DEVICE).status_code == 200


def test_a_page_does_not_adopt_a_device_that_another_site_could_have_set(limited: Api) -> None:
    user = new_user(limited)
    page = {"username": user.username, "password": PASSWORD}
    chosen = {"Cookie": f"ranjana_device={DEVICE}"}
    answer = ask(limited, "POST", "/api/web-session/", new_address(), chosen, json=page)
    device = answer.cookies["ranjana_device"]
    limited.client.cookies.clear()
    assert device != DEVICE
    known = {"Cookie": f"ranjana_device={device}"}
    answer = ask(limited, "POST", "/api/web-session/", new_address(), known, json=page)
    assert answer.cookies["ranjana_device"] == device
    limited.client.cookies.clear()


def test_username_and_email_of_an_account_share_a_limit(limited: Api, address: str) -> None:
    user = new_user(limited)
    for name in (user.username, user.email, user.username):
        guess(limited, name, 1, address)
    for name in (user.username, user.email):
        require_too_many(sign_in(limited, name, PASSWORD, address))
    # The owner is signed in, sees this in the audit log, and can still change the password.
    statement = "SELECT action FROM audit_log WHERE user_id = $1 ORDER BY id DESC LIMIT 1"
    assert sql(limited, statement, user_id(user)) == [("sign_in_slowed",)]
    body = {"old_password": PASSWORD, "new_password": "another quiet river"}
    assert user.post("/api/change-password/", json=body).status_code == 200


def test_guesses_of_the_old_password_are_limited_in_their_session_only(limited: Api) -> None:
    user = new_user(limited)
    elsewhere = User(
        limited,
        user.username,
        user.email,
        **sign_in(limited, user.username, PASSWORD, new_address()).json(),
    )
    body = {"old_password": "wrong", "new_password": "another quiet river"}
    for _ in range(FAILED_ACCOUNT):
        headers = {**user.headers, "X-Forwarded-For": new_address()}
        wrong = user.post("/api/change-password/", json=body, headers=headers)
        # Not 401, for which clients renew their token and send the request again.
        assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    body["old_password"] = PASSWORD
    require_too_many(user.post("/api/change-password/", json=body))
    assert elsewhere.post("/api/change-password/", json=body).status_code == 200


def test_a_right_password_resets_the_count_of_its_account(limited: Api) -> None:
    user = new_user(limited)
    for addresses in ([new_address()] * FAILED_ACCOUNT, [new_address() for _ in range(4)]):
        for _ in range(2):  # not more, because wrong ones also count for the address
            for address in addresses[1:]:
                guess(limited, user.username, 1, address)
            assert sign_in(limited, user.email, PASSWORD, addresses[0]).status_code == 200


def test_password_guesses_from_one_address_are_limited(limited: Api, address: str) -> None:
    user = new_user(limited)
    before = metric(limited, "rate_limited_requests_total", limit="failed_address")
    for number in range(FAILED_ADDRESS):
        assert sign_in(limited, f"someone{number}", "wrong", address).status_code == 401
    require_too_many(sign_in(limited, user.username, PASSWORD, address))
    after = metric(limited, "rate_limited_requests_total", limit="failed_address")
    assert after - before == 1
    assert sign_in(limited, user.username, PASSWORD, new_address()).status_code == 200


def test_a_right_password_does_not_reset_the_count_of_its_address(
    limited: Api, address: str
) -> None:
    user = new_user(limited)
    for number in range(FAILED_ADDRESS - 1):
        assert sign_in(limited, f"somebody{number}", "wrong", address).status_code == 401
    assert sign_in(limited, user.username, PASSWORD, address).status_code == 200
    sign_in(limited, "somebody", "wrong", address)
    require_too_many(sign_in(limited, user.username, PASSWORD, address))


def test_many_right_sign_ins_from_one_address_do_not_count_as_guesses(
    limited: Api, address: str
) -> None:
    user = new_user(limited)
    for _ in range(SIGNINS):
        signed_in = sign_in(limited, user.username, PASSWORD, address)
        assert signed_in.status_code == 200, signed_in.text


def test_guesses_for_an_impossible_username_limit_no_account(limited: Api, address: str) -> None:
    user = new_user(limited)
    name = f"user {user_id(user)} 0"  # not a username, for it has a space
    guess(limited, name, FAILED_ACCOUNT, address)
    assert sign_in(limited, user.username, PASSWORD, address).status_code == 200


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:1:2::3", "2001:db8:1:2:ffff::4", True),
        ("2001:db8:2:3::3", "2001:db8:2:4::3", False),
        ("2001:db8:3:3::3", "[2001:db8:3:3:ffff::4]:4711", True),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),  # IPv4 on a socket for both
        ("::ffff:203.0.113.9", "203.0.113.9", True),
        ("203.0.113.1", "203.0.113.2", False),
        ("203.0.113.3", "203.0.113.3:4711", True),
    ],
)
def test_limits_count_an_ipv6_network_as_one_address(
    limited: Api, first: str, second: str, same: bool
) -> None:
    for _ in range(PREDICTIONS_ADDRESS):
        assert ask(limited, "POST", "/api/predict/", first).status_code == 400
    assert ask(limited, "POST", "/api/predict/", second).status_code == (429 if same else 400)


def test_a_whole_ipv6_network_has_a_limit_too_but_a_higher_one(limited: Api) -> None:
    user, network = new_user(limited), f"2001:db8:{next(_numbers):x}"
    for subnet in range(NETWORK_FACTOR):
        for host in range(PREDICTIONS_ADDRESS):
            answer = ask(limited, "POST", "/api/predict/", f"{network}:{subnet}:{host}::1")
            assert answer.status_code == 400
        guess(limited, user.username, FAILED_ACCOUNT, f"{network}:{subnet}::1")
    predicted = ask(limited, "POST", "/api/predict/", f"{network}:ffff::1")
    require_too_many(predicted, NETWORK_FACTOR * PREDICTIONS_ADDRESS)
    require_too_many(sign_in(limited, user.username, PASSWORD, f"{network}:ffff::1"))
    elsewhere = f"2001:db8:{next(_numbers):x}::1"
    assert ask(limited, "POST", "/api/predict/", elsewhere).status_code == 400
    assert sign_in(limited, user.username, PASSWORD, elsewhere).status_code == 200


@pytest.mark.database("sqlite")
def test_limits_can_be_switched_off(api: Api, user: User) -> None:
    for _ in range(30):
        fields = {"username": user.username, "password": "wrong"}
        wrong = api.client.post("/api/signin/", json=fields)
        assert wrong.status_code == 401
        assert "X-RateLimit-Limit" not in wrong.headers
    assert api.sign_in(user.username)


def last_address(api: Api, user: User) -> str:
    """The address in the last audit log entry about a user."""
    statement = "SELECT address FROM audit_log WHERE user_id = $1 ORDER BY id DESC LIMIT 1"
    ((found,),) = sql(api, statement, user_id(user))
    return str(found)


@pytest.mark.parametrize(
    ("forwarded", "seen"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8::7", "2001:db8::7"),
        # Only the part that the proxy itself added is trusted.
        ("1.2.3.4, 198.51.100.8", "198.51.100.8"),
        ("198.51.100.9, 127.0.0.1", "198.51.100.9"),
    ],
)
def test_a_trusted_proxy_states_the_callers_address(
    limited: Api, forwarded: str, seen: str
) -> None:
    user = new_user(limited)
    assert sign_in(limited, user.username, PASSWORD, forwarded).status_code == 200
    assert last_address(limited, user) == seen


def test_an_untrusted_caller_cannot_choose_its_address(exposed: Api) -> None:
    user = exposed.sign_up()
    assert sign_in(exposed, user.username, PASSWORD, "198.51.100.7").status_code == 200
    ((found,),) = sql(exposed, "SELECT DISTINCT address FROM audit_log")
    assert found == "127.0.0.1"
    responses = [ask(exposed, "POST", "/api/logout/", new_address(), json={}) for _ in range(50)]
    assert {response.status_code for response in responses} == {400, 429}


@pytest.mark.parametrize(
    ("host", "trusted"),
    [
        ("ranjana.example", True),
        ("Ranjana.Example", True),
        ("ranjana.example:8000", True),
        ("a.school.example", True),
        ("b.A.school.example:443", True),
        ("127.0.0.1", True),
        ("school.example", False),
        ("evilschool.example", False),
        ("ranjana.example.evil.example", False),
        ("evil.example", False),
        ("ranjana.example@evil.example", False),
        ("evil.example:80:ranjana.example", False),
        ("localhost", False),
        ("[::1]:8000", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("path", ["/health", "/docs", "/nowhere"])
def test_only_trusted_host_names_are_answered(
    exposed: Api, host: str, trusted: bool, path: str
) -> None:
    response = exposed.client.get(path, headers={"Host": host, "X-Forwarded-Host": "127.0.0.1"})
    if trusted:
        assert response.status_code == (404 if path == "/nowhere" else 200)
    else:
        assert (response.status_code, response.json()["code"]) == (400, "host_not_trusted")
    assert response.headers["X-Frame-Options"] == "DENY"


ANSWERS = {
    200: ("GET", "/health", {}),
    400: ("POST", "/api/signin/", {"json": {}}),
    401: ("GET", "/api/me/", {}),
    404: ("GET", "/nowhere", {}),
    405: ("DELETE", "/api/predict/", {}),
    413: ("POST", "/api/predict/", {"content": b"x" * (10 * 1024 * 1024 + 1)}),
    415: ("POST", "/api/predict/", {"content": b"x"}),
}


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/api/me/", "DELETE, GET, HEAD, PATCH"), ("/api/predict/", "POST")],
)
def test_a_405_lists_the_allowed_methods(
    limited: Api, address: str, path: str, methods: str
) -> None:
    response = ask(limited, "PUT", path, address, {})
    assert response.status_code == 405
    assert response.headers["Allow"] == methods


@pytest.mark.parametrize("status", ANSWERS)
def test_every_answer_has_the_security_headers(limited: Api, address: str, status: int) -> None:
    method, path, sent = ANSWERS[status]
    response = ask(limited, method, path, address, {"Origin": ORIGIN}, **sent)
    assert response.status_code == status
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Request-ID"]
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    if path.startswith("/api"):
        assert response.headers["Cache-Control"] == "no-store"
    for name in ("Set-Cookie", "Server", "X-Powered-By", "Strict-Transport-Security"):
        assert name not in response.headers


def test_too_many_requests_are_answered_as_safely(limited: Api, address: str) -> None:
    for _ in range(SIGNINS + 1):
        response = ask(limited, "POST", "/api/signin/", address, {"Origin": ORIGIN}, json={})
    assert response.status_code == 429
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    exposed_headers = response.headers["Access-Control-Expose-Headers"]
    assert {"Retry-After", "X-RateLimit-Remaining", "X-Request-ID"} <= set(
        exposed_headers.split(", ")
    )


def test_the_documentation_runs_only_scripts_of_the_service(limited: Api) -> None:
    policy = limited.client.get("/docs").headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy


def test_signing_in_sets_no_cookie(limited: Api) -> None:
    user = new_user(limited)
    signed_in = sign_in(limited, user.username, PASSWORD, new_address())
    assert signed_in.status_code == 200
    assert "Set-Cookie" not in signed_in.headers
    assert len(limited.client.cookies) == 0


@pytest.mark.parametrize(
    ("proto", "strict"), [("https", True), ("http", False), ("", False), ("nonsense", False)]
)
def test_https_answers_tell_browsers_to_stay_with_https(
    limited: Api, exposed: Api, proto: str, strict: bool
) -> None:
    headers = {"X-Forwarded-Proto": proto}
    for path in ("/health", "/api/me/", "/nowhere", "/docs"):
        response = limited.client.get(path, headers=headers)
        assert ("Strict-Transport-Security" in response.headers) is strict
        untrusted = exposed.client.get(path, headers=headers)
        assert "Strict-Transport-Security" not in untrusted.headers


@pytest.mark.parametrize(
    ("origin", "listed"),
    [
        (ORIGIN, True),
        ("https://evil.example", False),
        (f"{ORIGIN}.evil.example", False),
        ("http://ranjana.example", False),
        (f"{ORIGIN}:8443", False),
        ("null", False),
    ],
)
def test_only_pages_of_listed_origins_may_read_answers(
    limited: Api, origin: str, listed: bool
) -> None:
    requested = {
        "Origin": origin,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, content-type, x-api-key",
    }
    preflight = limited.client.options("/api/me/", headers=requested)
    answer = limited.client.get("/api/me/", headers={"Origin": origin})
    assert preflight.status_code == (200 if listed else 400)
    for response in (preflight, answer):
        found = response.headers.get("Access-Control-Allow-Origin")
        assert found == (origin if listed else None)
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert "Origin" in response.headers["Vary"]


def test_by_default_no_other_page_may_read_answers(exposed: Api) -> None:
    response = exposed.client.get("/health", headers={"Origin": ORIGIN})
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers
