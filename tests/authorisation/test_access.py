"""Access: every route with every kind of caller, data of other users, and injections."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx2
import pytest

from tests.support.apis import Api, StartApi, User
from tests.support.jobs import digits, finished, hand_in
from tests.support.pictures import encode, reference
from tests.support.running import wait_for

pytestmark = pytest.mark.thorough("postgresql")

METHODS = ("get", "post", "put", "patch", "delete")

IN = "let in"
ROLES = ("user", "analyst", "data-scientist", "ml-engineer", "admin")
KEYS = ("predict key", "history key", "key for both")
INVALID_KEYS = ("revoked key", "expired key", "key of nobody")
CALLERS = ("anonymous", *ROLES, *KEYS, *INVALID_KEYS)


def _outcomes(**expected: object) -> dict[str, object]:
    """The outcome for each caller. `roles`, `keys` and `invalid` set it for a whole group."""
    names = {name.replace(" ", "_").replace("-", "_"): name for name in CALLERS}
    answers: dict[str, object] = {
        **dict.fromkeys(ROLES, expected.pop("roles")),
        **dict.fromkeys(KEYS, expected.pop("keys")),
        **dict.fromkeys(INVALID_KEYS, expected.pop("invalid")),
    }
    return answers | {names[name]: value for name, value in expected.items()}


ANYONE = _outcomes(anonymous=IN, roles=IN, keys=IN, invalid=IN)
# Accepts the cookie only.
COOKIE = _outcomes(anonymous=401, roles=401, keys=401, invalid=401)
MODELS = _outcomes(anonymous=IN, roles=IN, keys=IN, invalid=401, history_key=403)
MODELS_CLOSED = {**MODELS, "anonymous": 401}
WORKSHEETS = _outcomes(anonymous=IN, roles=IN, keys=IN, invalid=401, predict_key=403)
PREDICTING = _outcomes(anonymous=401, roles=IN, keys=IN, invalid=401, history_key=403)
HISTORY = _outcomes(anonymous=401, roles=IN, keys=IN, invalid=401, predict_key=403)
ACCOUNT = _outcomes(anonymous=401, roles=IN, keys=403, invalid=401)
ANALYST = _outcomes(anonymous=401, roles=IN, keys=403, invalid=401, user=403)
ADMIN = _outcomes(anonymous=401, roles=403, keys=403, invalid=401, admin=IN)
ENGINEERS = {**ADMIN, "ml-engineer": IN}
SCIENTISTS = {**ADMIN, "data-scientist": IN, "ml-engineer": IN}

ROUTES: dict[str, dict[str, object]] = {
    "GET /health": ANYONE,
    "GET /ready": ANYONE,
    "GET /ready/database": ANYONE,
    "POST /api/signup/": ANYONE,
    "POST /api/register/": ANYONE,
    "POST /api/signin/": ANYONE,
    "POST /api/login/": ANYONE,
    "POST /api/token/refresh/": ANYONE,
    "POST /api/logout/": ANYONE,
    "POST /api/predict/": MODELS,
    "POST /api/predict/batch/": MODELS,
    "POST /api/similarity/": MODELS,
    "GET /api/worksheets/": WORKSHEETS,
    "POST /api/worksheets/judge/": MODELS,
    "POST /api/jobs/predict/": PREDICTING,
    "GET /api/jobs/": PREDICTING,
    "GET /api/jobs/{id}/": PREDICTING,
    "DELETE /api/jobs/{id}/": PREDICTING,
    "GET /api/jobs/{id}/results.csv/": PREDICTING,
    "GET /api/jobs/{id}/events/": PREDICTING,
    "GET /api/me/": ACCOUNT,
    "PATCH /api/me/": ACCOUNT,
    "DELETE /api/me/": ACCOUNT,
    "GET /api/me/export/": HISTORY,
    "POST /api/change-password/": ACCOUNT,
    "POST /api/change-username/": ACCOUNT,
    "GET /api/api-keys/": ACCOUNT,
    "POST /api/api-keys/": ACCOUNT,
    "DELETE /api/api-keys/{id}/": ACCOUNT,
    "POST /api/web-session/": ANYONE,
    "DELETE /api/web-session/": ANYONE,
    "POST /api/web-session/refresh/": COOKIE,
    "GET /api/sessions/": ACCOUNT,
    "DELETE /api/sessions/": ACCOUNT,
    "DELETE /api/sessions/{id}/": ACCOUNT,
    "GET /api/characters/": ANYONE,
    "GET /api/characters/{class}/reference/": ANYONE,
    "GET /api/history/predictions/": HISTORY,
    "GET /api/history/predictions/{id}/": HISTORY,
    "DELETE /api/history/predictions/{id}/": HISTORY,
    "GET /api/history/predictions/{id}/image/": HISTORY,
    "GET /api/history/similarities/": HISTORY,
    "GET /api/history/similarities/best/": HISTORY,
    "GET /api/history/similarities/{id}/": HISTORY,
    "DELETE /api/history/similarities/{id}/": HISTORY,
    "GET /api/history/similarities/{id}/user/": HISTORY,
    "GET /api/history/similarities/{id}/reference/": HISTORY,
    "GET /api/history/similarities/{id}/overlay/": HISTORY,
    "GET /api/history/export/": HISTORY,
    "GET /api/progress/": HISTORY,
    "POST /api/feedback/": HISTORY,
    "GET /api/models/": ANYONE,
    "GET /api/models/status/": ANYONE,
    "GET /api/models/{name}/": ANYONE,
    "GET /api/models/{name}/metrics/": ANALYST,
    "GET /api/models/{name}/confusion-matrix/": ANALYST,
    "GET /api/models/{name}/confused-pairs/": ANYONE,
    "GET /api/models/{name}/roc-curve/": ANALYST,
    "GET /api/models/{name}/export/": SCIENTISTS,
    "POST /api/models/{name}/versions/": ENGINEERS,
    "PUT /api/models/{name}/versions/{version}/": ENGINEERS,
    "DELETE /api/models/{name}/versions/{version}/": ENGINEERS,
    "PUT /api/models/{name}/default/": ENGINEERS,
    "PUT /api/models/{name}/traffic/": ENGINEERS,
    "GET /api/models/{name}/traffic/report/": ENGINEERS,
    "GET /api/models/{name}/corrections/": SCIENTISTS,
    "GET /api/models/{name}/corrections/export/": SCIENTISTS,
    "GET /api/models/{name}/corrections/{id}/image/": SCIENTISTS,
    "POST /api/models/{name}/corrections/{id}/accept/": ADMIN,
    "POST /api/models/{name}/corrections/{id}/reject/": ADMIN,
    "GET /api/analytics/me/": HISTORY,
    "GET /api/analytics/system/": ANALYST,
    "GET /api/admin/stats/": ADMIN,
    "GET /api/admin/users/": ADMIN,
    "POST /api/admin/users/": ADMIN,
    "GET /api/admin/users/{id}/": ADMIN,
    "PUT /api/admin/users/{id}/": ADMIN,
    "DELETE /api/admin/users/{id}/": ADMIN,
    "GET /api/admin/audit-logs/": ADMIN,
    "GET /api/admin/audit-logs/export/": ADMIN,
    "GET /api/admin/jobs/": ADMIN,
    "GET /api/admin/jobs/{id}/": ADMIN,
    "DELETE /api/admin/jobs/{id}/": ADMIN,
    "GET /api/admin/config/": ADMIN,
    "POST /api/models/{name}/train/": SCIENTISTS,
    "POST /api/models/{name}/tune/": SCIENTISTS,
}

INJECTIONS = (
    "0",
    "-1",
    "+1",
    " 1",
    "1.0",
    "1e0",
    "0x1",
    "1_0",
    "\u0967",
    "\u00b9",
    "9007199254740993",
    "9223372036854775808",
    "9" * 40,
    "0" * 20 + "9" * 40,
    "0" * 20 + "9" * 5000,
    "null",
    "true",
    "'",
    '"',
    "1 OR 1=1",
    "1; DROP TABLE users; --",
    "1' UNION SELECT password_hash FROM users --",
    "1/*",
    "%",
    "_",
    "..",
    "../1",
    "../../../../etc/passwd",
    "..\\..\\1",
    "....//1",
    "%2e%2e%2f1",
    "\x00",
    "1\x00",
    "\r\nX-Injected: 1",
    "\U0001f600",
    "x" * 5000,
)


def sql(api: Api, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Runs a statement on the database of `api`, with `$1`, `$2`, ... for the values."""
    if not api.database_url.startswith("sqlite"):
        return asyncio.run(_postgresql(api.database_url, statement, values))
    connection = sqlite3.connect(api.folder / "data" / "ranjana.db", timeout=10)
    try:
        with connection:
            return connection.execute(statement.replace("$", "?"), values).fetchall()
    finally:
        connection.close()


def seconds_ago(api: Api, seconds: float) -> object:
    """A time in the past, as a value for `sql`."""
    past = datetime.now(UTC) - timedelta(seconds=seconds)
    return f"{past:%Y-%m-%d %H:%M:%S.%f}" if api.database_url.startswith("sqlite") else past


async def _postgresql(url: str, statement: str, values: tuple[object, ...]) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement, *values)]
    finally:
        await connection.close()


def user_id(user: User) -> int:
    number: int = user.get("/api/me/").json()["id"]
    return number


def session_id(user: User) -> str:
    """The id of the current session of a user."""
    (current,) = (s for s in user.get("/api/sessions/").json()["results"] if s["current"])
    return str(current["id"])


def make_key(user: User, *scopes: str) -> dict[str, Any]:
    made = user.post("/api/api-keys/", json={"name": "robot", "scopes": scopes})
    assert made.status_code == 201, made.text
    key: dict[str, Any] = made.json()
    return key


def by_key(key: Mapping[str, Any] | str) -> dict[str, str]:
    return {"X-API-Key": key if isinstance(key, str) else key["key"]}


def headers_of(api: Api, caller: str) -> dict[str, str]:
    """The headers of a new caller of a kind."""
    if caller == "anonymous":
        return {}
    if caller == "key of nobody":
        return by_key("rnj_" + "x" * 43)
    user = api.sign_up()
    if caller in ROLES:
        sql(api, "UPDATE users SET role = $1 WHERE username = $2", caller, user.username)
        return user.headers
    # A key is limited to its scopes, even if its owner is an administrator.
    sql(api, "UPDATE users SET role = 'admin' WHERE username = $1", user.username)
    scopes = {"predict key": ["predict"], "history key": ["history"]}
    key = make_key(user, *scopes.get(caller, ["predict", "history"]))
    if caller == "revoked key":
        assert user.delete(f"/api/api-keys/{key['id']}/").status_code == 200
    if caller == "expired key":
        past = seconds_ago(api, 1)
        sql(api, "UPDATE api_keys SET expires_at = $1 WHERE id = $2", past, key["id"])
    return by_key(key)


@pytest.fixture(scope="module")
def callers(api: Api) -> dict[str, dict[str, str]]:
    return {caller: headers_of(api, caller) for caller in CALLERS}


def verdict(response: httpx2.Response) -> object:
    """401, 403, or `IN` for any other outcome."""
    assert response.status_code < 500, response.text
    wrong_password = ("bad_credentials", "wrong_password")
    if response.status_code not in (401, 403) or response.json()["code"] in wrong_password:
        return IN
    answer = response.json()
    assert set(answer) == {"success", "error", "code"}
    assert answer["success"] is False
    return response.status_code


def ask(api: Api, route: str, headers: Mapping[str, str]) -> httpx2.Response:
    method, path = route.split()
    sent = {} if method in ("GET", "DELETE") else {"json": {}}
    path = path.format(id=2**52, name="none", version="9.9", **{"class": 36})
    return api.client.request(method, path, headers=headers, **sent)


@pytest.mark.database("sqlite")
def test_the_table_in_this_file_has_every_route(api: Api) -> None:
    paths = api.client.get("/openapi.json").json()["paths"]
    described = {
        f"{method.upper()} {path}"
        for path, operations in paths.items()
        for method in operations
        if method in METHODS
    }
    assert described == set(ROUTES)


@pytest.mark.database("sqlite")
def test_the_documentation_states_the_access_of_each_route(api: Api) -> None:
    ways = {
        id(ANYONE): [],
        id(COOKIE): [],
        id(MODELS): [{"session": []}, {"api_key": []}, {}],
        id(WORKSHEETS): [{"session": []}, {"api_key": []}, {}],
        id(PREDICTING): [{"session": []}, {"api_key": []}],
        id(HISTORY): [{"session": []}, {"api_key": []}],
        id(ACCOUNT): [{"session": []}],
        id(ENGINEERS): [{"session": []}],
        id(SCIENTISTS): [{"session": []}],
        id(ANALYST): [{"session": []}],
        id(ADMIN): [{"session": []}],
    }
    paths = api.client.get("/openapi.json").json()["paths"]
    for route, expected in ROUTES.items():
        method, path = route.split()
        operation = paths[path][method.lower()]
        assert operation.get("security", []) == ways[id(expected)], route
        if expected is not ANYONE:
            assert {"401", "403"} <= set(operation["responses"]), route


# Callers are told apart before a route begins: one route of each kind shows it on PostgreSQL.
KINDS = {id(outcomes): route for route, outcomes in ROUTES.items()}


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("route", ROUTES)
def test_a_route_admits_exactly_the_callers_in_the_table(
    api: Api, callers: dict[str, dict[str, str]], route: str
) -> None:
    _require_callers(api, callers, route)


@pytest.mark.database("postgresql")
@pytest.mark.parametrize("route", KINDS.values())
def test_postgresql_tells_callers_apart_as_sqlite_does(
    api: Api, callers: dict[str, dict[str, str]], route: str
) -> None:
    _require_callers(api, callers, route)


def _require_callers(api: Api, callers: dict[str, dict[str, str]], route: str) -> None:
    if route == "DELETE /api/me/":
        callers = {caller: headers_of(api, caller) for caller in CALLERS}
    found = {caller: verdict(ask(api, route, headers)) for caller, headers in callers.items()}
    assert found == ROUTES[route]


@pytest.mark.database("sqlite")
def test_models_can_be_restricted_to_users(start_api: StartApi) -> None:
    api = start_api({"ML_AUTH_REQUIRED": "true"})
    for route in ("POST /api/predict/", "POST /api/similarity/"):
        found = {caller: verdict(ask(api, route, headers_of(api, caller))) for caller in CALLERS}
        assert found == MODELS_CLOSED
    image = {"image": encode(reference(0))}
    assert api.client.post("/api/predict/", files=image).status_code == 401
    assert api.sign_up().predict().status_code == 200


@pytest.mark.parametrize("route", ["POST /api/predict/", "GET /api/me/", "GET /api/progress/"])
def test_wrong_credentials_are_refused_whatever_else_is_sent(
    api: Api, user: User, route: str
) -> None:
    good, bad = by_key(make_key(user, "predict", "history")), by_key("rnj_wrong")
    bearer, wrong = user.headers, {"Authorization": "Bearer wrong"}
    assert verdict(ask(api, route, {**bearer, **bad})) == IN  # the session counts
    for headers in (wrong, bad, by_key(""), {**wrong, **good}, {**good, "Authorization": ""}):
        assert verdict(ask(api, route, headers)) == 401, headers
    elsewhere = ("?access_token=", "?token=", "?api_key=")
    if route != "POST /api/predict/":
        for query in elsewhere:
            asked = f"{route}{query}{user.access}"
            assert verdict(ask(api, asked, {})) == 401
            assert verdict(ask(api, route, {"Cookie": f"access={user.access}"})) == 401


@pytest.mark.parametrize("around", ["  {}  ", "\t{}\t", "\xa0{} \xa0"])
@pytest.mark.database("sqlite")
def test_blanks_around_a_key_or_a_token_do_not_matter(api: Api, user: User, around: str) -> None:
    key = make_key(user, "history")["key"]
    for name, text in (("X-API-Key", key), ("Authorization", f"Bearer {user.access}")):
        # httpx2 refuses to send blanks.
        with closing(HTTPConnection("127.0.0.1", api.port)) as connection:
            connection.request("GET", "/api/progress/", headers={name: around.format(text)})
            assert connection.getresponse().status == 200
    refreshed = api.client.post(
        "/api/token/refresh/", json={"refresh": around.format(user.refresh)}
    )
    assert refreshed.status_code == 200


def test_an_api_key_ends_with_its_account(api: Api, user: User) -> None:
    key = make_key(user, "predict", "history")
    assert ask(api, "GET /api/progress/", by_key(key)).status_code == 200
    assert user.delete("/api/me/").status_code == 200
    assert ask(api, "GET /api/progress/", by_key(key)).status_code == 401
    assert ask(api, "POST /api/predict/", by_key(key)).status_code == 401


def test_the_owner_sees_when_an_api_key_was_last_used(api: Api, user: User) -> None:
    used, unused = make_key(user, "history"), make_key(user, "history")

    def last_used(key: Mapping[str, Any]) -> str | None:
        rows = user.get("/api/api-keys/").json()["results"]
        moment: str | None = next(row["last_used_at"] for row in rows if row["id"] == key["id"])
        return moment

    assert last_used(used) is None
    assert ask(api, "GET /api/progress/", by_key(used)).status_code == 200
    wait_for(lambda: last_used(used) is not None, 10)
    first = last_used(used)
    assert first
    assert abs(datetime.fromisoformat(first) - datetime.now(UTC)) < timedelta(minutes=1)
    # It is accurate to the minute: a second use is not stored.
    assert ask(api, "GET /api/progress/", by_key(used)).status_code == 200
    assert (last_used(used), last_used(unused)) == (first, None)


def test_a_deactivated_user_is_out_at_once(api: Api, user: User) -> None:
    key = make_key(user, "predict", "history")
    off: object = 0 if api.database_url.startswith("sqlite") else False
    sql(api, "UPDATE users SET active = $1 WHERE username = $2", off, user.username)
    assert ask(api, "GET /api/me/", user.headers).status_code == 401
    assert ask(api, "GET /api/progress/", by_key(key)).status_code == 401
    fields = {"username": user.username, "password": "a long quiet river"}
    assert api.client.post("/api/signin/", json=fields).json()["code"] == "bad_credentials"
    refreshed = api.client.post("/api/token/refresh/", json={"refresh": user.refresh})
    assert refreshed.status_code == 401


def test_a_new_role_applies_from_the_next_request(api: Api, user: User) -> None:
    for role, status in (("admin", 200), ("ml-engineer", 403)):
        sql(api, "UPDATE users SET role = $1 WHERE username = $2", role, user.username)
        assert user.get("/api/admin/audit-logs/").status_code == status


def test_nobody_can_give_themselves_a_role(api: Api) -> None:
    fields = {"username": "climber", "email": "climber@example.org", "role": "admin", "id": 1}
    body = {**fields, "password": "a long quiet river"}
    assert api.client.post("/api/signup/", json=body).status_code == 201
    climber = api.sign_in("climber")
    assert climber.get("/api/me/").json()["role"] == "user"


def _data_of(user: User) -> dict[str, Any]:
    """All data of a user, as its owner sees it."""
    history = user.get("/api/history/export/").json()
    pictures = [row["image"] for row in history["predictions"]]
    pictures += [path for row in history["similarities"] for path in row["images"].values()]
    return {
        **history,
        "pictures": [user.get(path).content for path in pictures],
        "keys": user.get("/api/api-keys/").json(),
        "sessions": user.get("/api/sessions/").json(),
        "me": user.get("/api/me/").json(),
        "totals": user.get("/api/progress/").json()["totals"],
        "jobs": [
            user.get(f"/api/jobs/{job['id']}/").json()
            for job in user.get("/api/jobs/").json()["results"]
        ],
    }


def test_nobody_reads_changes_or_deletes_the_data_of_others(api: Api, user: User) -> None:
    prediction = user.predict(5).json()["prediction_id"]
    comparison = user.compare(6).json()["comparison_id"]
    feedback = {"prediction_id": prediction, "actual_class": 5, "comments": "mine"}
    assert user.post("/api/feedback/", json=feedback).status_code == 201
    key = make_key(user, "predict")
    job = hand_in(user, digits(2))
    finished(user, job)
    before = _data_of(user)
    assert len(before["pictures"]) == 4
    ids = {"predictions": prediction, "similarities": comparison}
    ids |= {"api-keys": key["id"], "jobs": job, "sessions": session_id(user)}
    other, admin = api.sign_up(), headers_of(api, "admin")
    both = by_key(make_key(other, "history", "predict"))
    for headers in (other.headers, both, admin):
        for route in ROUTES:
            if "{id}" not in route or "/admin/" in route:
                continue
            if ACCOUNT is ROUTES[route] and "X-API-Key" in headers:
                continue
            if "{name}" in route:  # models have no owner
                continue
            method, path = route.split()
            mine = next(number for part, number in ids.items() if part in path)
            response = api.client.request(method, path.format(id=mine), headers=headers)
            assert (response.status_code, response.json()["code"]) == (404, "not_found"), route
        stolen = {"prediction_id": prediction, "actual_class": 7, "comments": "stolen"}
        response = api.client.post("/api/feedback/", json=stolen, headers=headers)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert other.get("/api/history/predictions/").json()["results"] == []
    assert other.get("/api/history/export/").json() == {"predictions": [], "similarities": []}
    assert other.get("/api/api-keys/").json()["results"][-1]["id"] != key["id"]
    assert _data_of(user) == before


def test_a_cursor_of_another_user_shows_only_ones_own_history(api: Api, user: User) -> None:
    other = api.sign_up()
    for _ in range(2):
        other.predict()
    cursor = other.get("/api/history/predictions/?limit=1").json()["next"]
    page = user.get("/api/history/predictions/", params={"cursor": cursor})
    assert page.json()["results"] == []


# PostgreSQL refuses what SQLite takes.
@pytest.mark.parametrize("route", [route for route in ROUTES if "{id}" in route])
@pytest.mark.database("postgresql")
def test_an_injection_as_an_id_finds_nothing(
    api: Api, callers: dict[str, dict[str, str]], user: User, route: str
) -> None:
    user.predict()
    user.compare()
    make_key(user, "predict")
    sql(api, "UPDATE users SET role = 'admin' WHERE username = $1", user.username)
    before = _data_of(user)
    method, path = route.split()
    found = {}
    for injection in INJECTIONS:
        who = callers["admin"] if "/admin/" in path else user.headers
        sent = {"json": {}} if method == "PUT" else {}
        asked = path.format(id=quote(injection, safe=""), name="ranjana", version="9.9")
        response = api.client.request(method, asked, headers=who, **sent)
        if response.status_code not in (404, 405):
            found[injection[:40]] = response.status_code
        assert "X-Injected" not in response.headers
    assert found == {}
    assert _data_of(user) == before


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/history/predictions/", "limit"),
        ("/api/history/predictions/", "cursor"),
        ("/api/history/predictions/", "class"),
        ("/api/history/similarities/", "limit"),
        ("/api/history/similarities/", "cursor"),
        ("/api/history/similarities/", "class"),
        ("/api/history/export/", "format"),
        ("/api/progress/", "timezone"),
        ("/api/progress/", "characters"),
        ("/api/models/ranjana/corrections/", "limit"),
        ("/api/models/ranjana/corrections/", "cursor"),
        ("/api/models/ranjana/corrections/", "state"),
        ("/api/models/ranjana/corrections/export/", "include"),
        ("/api/admin/audit-logs/", "limit"),
        ("/api/admin/audit-logs/", "cursor"),
        ("/api/admin/audit-logs/", "user_id"),
        ("/api/admin/audit-logs/", "action"),
        ("/api/admin/audit-logs/", "since"),
        ("/api/admin/audit-logs/", "until"),
        ("/api/admin/users/", "cursor"),
        ("/api/admin/jobs/", "user_id"),
        ("/api/analytics/system/", "model"),
        ("/api/analytics/me/", "days"),
    ],
)
@pytest.mark.database("postgresql")
def test_an_injection_as_a_query_parameter_is_refused_or_finds_nothing(
    api: Api, callers: dict[str, dict[str, str]], path: str, name: str
) -> None:
    found = {}
    numbers = {" 1", "+1", "1.0", "1_0", "0"}  # valid where a number is expected
    for injection in (*INJECTIONS, "Europe/../../etc/passwd", "before 1", "YmVmb3JlIC0x"):
        response = api.client.get(path, params={name: injection}, headers=callers["admin"])
        status = response.status_code
        nothing = status == 200 and response.json().get("results") == []
        if not (400 <= status < 500 or nothing or (injection in numbers and status == 200)):
            found[injection[:40]] = status
    assert found == {}


@pytest.mark.parametrize("path", ["/api/predict/", "/api/similarity/"])
@pytest.mark.parametrize(
    "name", ["model", "version", "strictness", "heatmap", "embedding", "characters"]
)
@pytest.mark.database("sqlite")
def test_an_injection_as_a_model_parameter_causes_no_server_error(
    api: Api, path: str, name: str
) -> None:
    for injection in INJECTIONS:
        response = api.client.post(path, params={name: injection}, json={})
        assert 400 <= response.status_code < 500, (injection[:40], response.text)


BODIES: dict[str, tuple[str, Callable[[object], dict[str, object]]]] = {
    "name of who signs in": (
        "/api/signin/",
        lambda text: {"username": text, "password": "a long quiet river"},
    ),
    "address of who signs in": (
        "/api/signin/",
        lambda text: {"username": f"{text}@example.org", "password": "a long quiet river"},
    ),
    "password": ("/api/signin/", lambda text: {"username": "nobody", "password": text}),
    "old password": (
        "/api/change-password/",
        lambda text: {"old_password": text, "new_password": "a long quiet river"},
    ),
    "new username": ("/api/change-username/", lambda text: {"new_username": f"{text}"[:2]}),
    "refresh token": ("/api/token/refresh/", lambda text: {"refresh": text}),
    "prediction": (
        "/api/feedback/",
        lambda text: {"prediction_id": text, "actual_class": 1},
    ),
    "scope": ("/api/api-keys/", lambda text: {"name": "x", "scopes": [text]}),
    "lifetime": ("/api/api-keys/", lambda text: {"name": "x", "expires_in_days": f"x{text}"}),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.database("postgresql")
def test_an_injection_in_a_body_is_refused(api: Api, user: User, name: str) -> None:
    path, body = BODIES[name]
    found = {}
    numbers = (-1, 0, 2**53, 2**63, 10**40, 1e300, 1.5, True, None, [], {})
    for injection in (*INJECTIONS, *numbers):
        response = user.post(path, json=body(injection))
        if not 400 <= response.status_code < 500:
            found[str(injection)[:40]] = response.status_code
    assert found == {}


@pytest.mark.parametrize("text", [b"\xed\xa0\x80", b"\xff", b"\\ud800", b"\\u0000"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "utf-32"])
def test_invalid_text_causes_no_server_error(api: Api, text: bytes, coding: str) -> None:
    body = b'{"username": "%b", "password": "%b"}' % (text, text)
    content = body.decode("latin-1").encode(coding) if coding != "utf-8" else body
    headers = {"Content-Type": "application/json"}
    for path in ("/api/signin/", "/api/signup/"):
        response = api.client.post(path, content=content, headers=headers)
        assert response.status_code in (400, 401), response.text


@pytest.mark.parametrize(
    "path",
    [
        "/docs/assets/../../../../etc/passwd",
        "/docs/assets/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/docs/assets/%2e%2e/%2e%2e/setup.py",
        "/docs/assets//etc/passwd",
        "/docs/assets/%00",
        "/docs/assets/swagger-ui.css%00.png",
        "/docs/assets/" + "x" * 5000,
        "/docs/assets",
        "/media/",
        "/data/secret_key",
        "/.env",
        "/%ff",
        "/api/%00/",
        "/api/../api/admin/audit-logs/%2e%2e/",
        "//example.org/",
    ],
)
@pytest.mark.database("sqlite")
def test_no_private_file_is_served(api: Api, path: str) -> None:
    # Without httpx2, because it would normalise the path.
    connection = HTTPConnection("127.0.0.1", api.port, timeout=60)
    connection.request("GET", path)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    assert response.status in (400, 401, 404), content
    assert b"root:" not in content
    assert response.getheader("Location") is None
