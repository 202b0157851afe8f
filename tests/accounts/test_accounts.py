"""Signing up, changing and deleting an account."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.support.apis import PASSWORD, Api, User


def sign_up(api: Api, **fields: object) -> tuple[int, dict[str, object]]:
    body = {"username": "newcomer", "email": "new@example.org", "password": PASSWORD, **fields}
    response = api.client.post("/api/signup/", json=body)
    return response.status_code, response.json()


def test_a_new_user_signs_in_by_username_or_email(api: Api) -> None:
    assert sign_up(api, username="Asha", email="Asha@Example.org", password2=PASSWORD) == (
        201,
        {"message": "User created successfully."},
    )
    for name in ("asha", "ASHA", "asha@example.org"):
        user = api.sign_in(name)
        me = user.get("/api/me/").json()
        assert (me["username"], me["email"], me["role"]) == ("Asha", "Asha@example.org", "user")


def test_the_email_address_of_a_sign_in_may_be_named_so(api: Api, user: User) -> None:
    by_email = {"email": user.email, "password": PASSWORD}
    for path in ("/api/signin/", "/api/login/"):
        for fields in (by_email, {**by_email, "username": ""}, {**by_email, "username": None}):
            assert set(api.client.post(path, json=fields).json()) == {"refresh", "access"}
    page = httpx2.post(f"{api.client.base_url}/api/web-session/", json=by_email)
    assert page.status_code == 200
    # A username counts more: apps send the one form for both.
    other = {**by_email, "username": api.sign_up().username, "password": "a wrong one"}
    assert api.client.post("/api/signin/", json=other).json()["code"] == "bad_credentials"
    for nobody in ({"password": PASSWORD}, {"email": None, "password": PASSWORD}):
        refused = api.client.post("/api/signin/", json=nobody)
        assert (refused.status_code, [*refused.json()["details"]["fields"]]) == (400, ["username"])


@pytest.mark.database("sqlite")
def test_blanks_around_names_do_not_matter_but_belong_to_passwords(api: Api) -> None:
    password = f"  {PASSWORD}\u3000"
    name, email = "  Blanka\u3000", "\tblanka@example.org \n"
    assert sign_up(api, username=name, email=email, password=password)[0] == 201
    for spelling in (name, email, "blanka", "\xa0blanka@example.org"):
        me = api.sign_in(spelling, password).get("/api/me/").json()
        assert (me["username"], me["email"]) == ("Blanka", "blanka@example.org")
    wrong = {"username": "blanka", "password": password.strip()}
    assert api.client.post("/api/signin/", json=wrong).status_code == 401
    web = {"username": name, "password": password}
    assert httpx2.post(f"{api.client.base_url}/api/web-session/", json=web).status_code == 200
    blanka = api.sign_in("blanka", password)
    changed = blanka.post("/api/change-username/", json={"new_username": " Blanka.2 "})
    assert changed.status_code == 200
    assert blanka.get("/api/me/").json()["username"] == "Blanka.2"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"username": "ab"}, "username"),
        ({"username": "a" * 31}, "username"),
        ({"username": "two words"}, "username"),
        ({"username": "nul\x00byte"}, "username"),
        ({"username": "\u0430dmin"}, "username"),  # a Cyrillic a
        ({"username": "ad\u200bmin"}, "username"),
        ({"username": "latin\u0930\u093e\u092e"}, "username"),
        ({"username": "../../etc/passwd"}, "username"),
        ({"username": "'; DROP TABLE users; --"}, "username"),
        ({"username": 5}, "username"),
        ({"username": None}, "username"),
        ({"username": "Ranjana_5upport"}, "username"),
        ({"email": "not an address"}, "email"),
        ({"email": "nul\x00@example.org"}, "email"),
        ({"email": "a@b@example.org"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"password": "x" * 60_000}, "password"),
        ({"password": "iloveyou1"}, "password"),
        ({"password": "aaaaaaaaaaaa"}, "password"),
        ({"password": "NewComer"}, "password"),
        ({"username": "longname", "password": "LONGNAME"}, "password"),
        ({"password": "new@example.org"}, "password"),
        ({"password2": "something else"}, "password2"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
    ],
)
@pytest.mark.database("sqlite")
def test_an_invalid_field_is_named_in_the_error(
    api: Api, fields: dict[str, object], field: str
) -> None:
    status, body = sign_up(api, **fields)
    assert status == 400, body
    assert body["code"] == "validation_failed"
    assert field in body["details"]["fields"]  # type: ignore[index]


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "null", '{"username": "\\ud800"}', "[" * 9999])
@pytest.mark.database("sqlite")
def test_a_body_that_is_not_a_json_object_is_refused(api: Api, text: str) -> None:
    response = api.client.post(
        "/api/signup/", content=text, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert response.json()["code"] == "malformed_json"


@pytest.mark.database("sqlite")
def test_a_form_is_refused_where_json_is_required(api: Api) -> None:
    assert api.client.post("/api/signup/", data={"username": "x"}).status_code == 415


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Kamala", "kAMALA"),
        ("fullwidth", "\uff46\uff55\uff4c\uff4c\uff57\uff49\uff44\uff54\uff48"),
        ("\u0930\u093e\u092e\u0967", "\u0930\u093e\u092e1"),  # a Devanagari and a Latin one
        ("\u095b\u092e\u0940\u0928", "\u091c\u093c\u092e\u0940\u0928"),  # za, composed or not
    ],
)
def test_look_alike_usernames_are_the_same_username(api: Api, first: str, second: str) -> None:
    assert sign_up(api, username=first, email=f"{hash(first)}@example.org")[0] == 201
    status, body = sign_up(api, username=second, email=f"{hash(second)}2@example.org")
    assert (status, body["code"]) == (409, "username_taken")


def test_an_email_address_has_one_account(api: Api, user: User) -> None:
    status, body = sign_up(api, username="someone.else", email=user.email.upper())
    assert (status, body["code"]) == (409, "email_taken")


def test_one_of_sixteen_concurrent_sign_ups_gets_the_username(api: Api) -> None:
    with ThreadPoolExecutor(16) as callers:
        results = list(
            callers.map(
                lambda n: sign_up(api, username="wanted", email=f"wanted{n}@example.org")[0],
                range(16),
            )
        )
    assert sorted(results) == [201] + 15 * [409]


def test_a_username_can_be_changed_to_an_available_one(api: Api, user: User) -> None:
    other = api.sign_up()
    new = f"{user.username}.new"
    changed = user.post("/api/change-username/", json={"new_username": new})
    assert changed.json() == {"message": "Username updated successfully."}
    assert user.get("/api/me/").json()["username"] == new
    assert api.sign_in(new)
    taken = user.post("/api/change-username/", json={"new_username": other.username.upper()})
    assert (taken.status_code, taken.json()["code"]) == (409, "username_taken")
    for refused, reason in (("x", "must have 3 to 30 characters"), ("R00T", "is reserved")):
        bad = user.post("/api/change-username/", json={"new_username": refused})
        assert (bad.status_code, bad.json()["code"]) == (400, "validation_failed")
        assert bad.json()["error"].startswith(f"new_username: {reason}")
    # The old username is available again.
    assert sign_up(api, username=user.username, email="heir@example.org")[0] == 201


def test_a_new_password_ends_all_other_sessions_at_once(api: Api, user: User) -> None:
    elsewhere = api.sign_in(user.username)
    new = "another quiet river"
    body = {"old_password": PASSWORD, "new_password": new}
    changed = user.post("/api/change-password/", json=body)
    assert changed.json() == {"message": "Password updated successfully."}
    assert user.get("/api/me/").status_code == 200
    assert elsewhere.get("/api/me/").status_code == 401
    refreshed = api.client.post("/api/token/refresh/", json={"refresh": elsewhere.refresh})
    assert refreshed.status_code == 401
    assert api.client.post("/api/token/refresh/", json={"refresh": user.refresh}).status_code == 200
    old = {"username": user.username, "password": PASSWORD}
    assert api.client.post("/api/signin/", json=old).status_code == 401
    assert api.sign_in(user.username, new)


def test_a_wrong_old_or_an_invalid_new_password_changes_nothing(api: Api, user: User) -> None:
    wrong = user.post(
        "/api/change-password/", json={"old_password": "wrong", "new_password": "long enough one"}
    )
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    bad = user.post(
        "/api/change-password/", json={"old_password": PASSWORD, "new_password": "password1"}
    )
    assert (bad.status_code, bad.json()["code"]) == (400, "validation_failed")
    assert api.sign_in(user.username)


def test_the_time_zone_can_be_changed(user: User) -> None:
    changed = user.request("PATCH", "/api/me/", json={"timezone": "Asia/Kathmandu"})
    assert changed.json()["timezone"] == "Asia/Kathmandu"
    assert user.get("/api/progress/").json()["streak"]["timezone"] == "Asia/Kathmandu"
    assert user.request("PATCH", "/api/me/", json={"timezone": "x"}).status_code == 400
    assert user.request("PATCH", "/api/me/", json={"role": "admin"}).status_code == 400


def test_a_deleted_account_leaves_nothing(api: Api, user: User) -> None:
    before = set(api.media.rglob("*.*"))
    user.predict(3)
    user.compare(4)
    user.post("/api/feedback/", json={"prediction_id": 1, "actual_class": 3})
    user.post("/api/api-keys/", json={"name": "robot"})
    assert len(set(api.media.rglob("*.*")) - before) == 4
    assert user.delete("/api/me/").status_code == 200
    assert user.get("/api/me/").status_code == 401
    assert api.client.post("/api/token/refresh/", json={"refresh": user.refresh}).status_code == 401
    fields = {"username": user.username, "password": PASSWORD}
    assert api.client.post("/api/signin/", json=fields).status_code == 401
    assert set(api.media.rglob("*.*")) <= before
    assert sign_up(api, username=user.username, email=user.email)[0] == 201
    # The next owner of the username sees nothing either.
    assert api.sign_in(user.username).get("/api/history/predictions/").json()["results"] == []


@pytest.mark.database("sqlite")
def test_a_refused_sign_up_names_everything_that_is_wrong(api: Api, user: User) -> None:
    def fields(**given: object) -> object:
        status, body = sign_up(api, **given)
        assert (status, body["code"]) == (400, "validation_failed")
        details = body["details"]
        assert isinstance(details, dict)
        return details["fields"]

    short = "must have 8 to 128 characters"
    assert fields(username="ab", email="nobody", password="short", timezone="Moon/Sea") == {
        "username": "must have 3 to 30 characters",
        "email": "value is not a valid email address: An email address must have an @-sign.",
        "password": short,
        "timezone": "must be the name of a time zone, such as Asia/Kathmandu",
    }
    assert fields(username="admin", password="password", password2="other") == {
        "username": "is reserved: please choose another",
        "password": "is one of the most common passwords",
        "password2": "is not the same as the password",
    }
    assert fields(email="x", password="x") == {
        "email": "value is not a valid email address: An email address must have an @-sign.",
        "password": short,
    }
    missing = api.client.post("/api/signup/", json={"username": "a"}).json()["details"]["fields"]
    assert missing == {
        "username": "must have 3 to 30 characters",
        "email": "Field required",
        "password": "Field required",
    }
    assert fields(username=user.username.upper(), email=user.email, password="short") == {
        "username": "is taken", "email": "has an account", "password": short,
    }  # fmt: skip
    status, body = sign_up(api, username=user.username, email=user.email)
    assert (status, body["code"]) == (409, "username_taken")
    assert body["details"] == {"fields": {"username": "is taken", "email": "has an account"}}
