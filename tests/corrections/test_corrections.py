"""Corrections become labelled data once users agree, and only with their consent."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from auth_api.corrections.data_set import CorrectionDataSet
from auth_api.corrections.standing import MIN_AGE, MIN_DAYS
from auth_api.database.database import Database
from auth_api.history.picture_folder import PictureFolder
from auth_api.settings import Settings
from tests.authorisation.test_access import sql
from tests.support.apis import PASSWORD, Api, StartApi, User
from tests.support.digits import held_out
from tests.support.pictures import encode, reference
from tests.support.standing import give_standing

pytestmark = pytest.mark.thorough("postgresql")

CORRECTIONS = "/api/models/ranjana/corrections/"
EXPORT = f"{CORRECTIONS}export/"


def new_user(api: Api, *, consent: bool = True, role: str = "user") -> User:
    user = api.sign_up()
    changed = user.request("PATCH", "/api/me/", json={"training_consent": consent})
    assert changed.json()["training_consent"] is consent
    sql(api, "UPDATE users SET role = $1 WHERE username = $2", role, user.username)
    return user


def give_feedback(user: User, picture: bytes, actual: int, model: str = "ranjana") -> int:
    """Has a picture recognised and sends feedback on it; returns the id of the feedback."""
    read = user.post(f"/api/predict/?model={model}", files={"image": picture})
    fields = {"prediction_id": read.json()["prediction_id"], "actual_class": actual}
    feedback = user.post("/api/feedback/", json=fields)
    assert feedback.status_code == 201, feedback.text
    return int(feedback.json()["id"])


def listed(user: User, **query: object) -> dict[int, dict[str, Any]]:
    """All corrections of a query by id, read in pages of two."""
    found: dict[int, dict[str, Any]] = {}
    cursor: dict[str, str] = {}
    while True:
        page = user.get(CORRECTIONS, params={"limit": 2, **query, **cursor})
        assert page.status_code == 200, page.text
        found |= {row["id"]: row for row in page.json()["results"]}
        if page.json()["next"] is None:
            return found
        cursor = {"cursor": page.json()["next"]}


def state(user: User, number: int) -> str:
    return str(listed(user)[number]["state"])


def exported(user: User, path: str = EXPORT) -> tuple[dict[str, bytes], list[dict[str, str]]]:
    """The pictures of a data set by name, and the rows of its table."""
    response = user.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/zip"
    assert ".zip" in response.headers["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    files = {name: archive.read(name) for name in archive.namelist()}
    table = files.pop("labels.csv").decode("utf-8-sig")
    return files, [*csv.DictReader(io.StringIO(table))]


def name_of(picture: bytes, label: int, ending: str = "png") -> str:
    return f"{label}/{hashlib.sha256(picture).hexdigest()}.{ending}"


def actions(admin: User, action: str) -> list[dict[str, Any]]:
    found = admin.get("/api/admin/audit-logs/", params={"action": action}).json()
    results: list[dict[str, Any]] = found["results"]
    return results


def test_three_users_of_standing_who_agree_make_a_correction_count(start_api: StartApi) -> None:
    api = start_api()
    first, second, third, other = (new_user(api) for _ in range(4))
    unwilling, scientist = new_user(api, consent=False), new_user(api, role="data-scientist")
    admin = new_user(api, role="admin")
    drawn, photo = encode(reference(8)), encode(reference(12), "JPEG")
    assert exported(scientist) == ({}, [])

    number = give_feedback(first, drawn, 9)
    give_feedback(other, drawn, 9)
    # The same user again, or a user without consent, is no third vote.
    again, without = give_feedback(first, drawn, 9), give_feedback(unwilling, drawn, 9)
    shown = listed(scientist)
    assert {shown[n]["state"] for n in (number, again, without)} == {"pending"}
    assert (shown[number]["predicted_class"], shown[number]["actual_class"]) == (8, 9)
    assert [shown[n]["agreeing"] for n in (number, without)] == [2, 2]
    assert [shown[n]["consent"] for n in (number, without)] == [True, False]
    assert shown[without]["image"] is None
    assert scientist.get(f"{CORRECTIONS}{without}/image/").status_code == 404
    picture = scientist.get(shown[number]["image"])
    assert (picture.content, picture.headers["Content-Type"]) == (drawn, "image/png")
    assert exported(scientist) == ({}, [])

    give_feedback(second, drawn, 9)
    for user in (second, other, third):
        give_feedback(user, photo, 13)
    # Three fresh accounts may be one person; so may old ones that nobody used.
    for standing in ({"age": MIN_AGE / 2}, {"days": 1, "slots_a_day": 9}, {"days": MIN_DAYS - 1}):
        give_standing(api, first, second, third, other, **standing)
        assert state(scientist, number) == "pending"
        assert exported(scientist, f"{EXPORT}?include=confirmed") == ({}, [])
    give_standing(api, first, second, third, other)
    sql(api, "UPDATE practice_slots SET late = $1", True)  # anybody can claim an earlier day
    assert state(scientist, number) == "pending"
    give_standing(api, first, second, third, other)
    assert state(scientist, number) == "agreed"
    files, lines = exported(scientist)
    assert files == {name_of(drawn, 9): drawn, name_of(photo, 13, "jpeg"): photo}
    assert [line["file"] for line in lines] == sorted(files, key=lambda n: n.partition("/")[2])
    (line,) = (line for line in lines if line["class"] == "9")
    assert (line["predicted_class"], line["users"], line["kind"]) == ("8", "3", "agreed")
    assert set(line) == {
        *("file", "class", "character", "name", "predicted_class", "users", "kind")
    }
    # Equal corrections make equal files.
    assert scientist.get(EXPORT).content == scientist.get(EXPORT).content
    (entry, *_) = actions(admin, "corrections_exported")
    assert entry["details"] == {"model": "ranjana", "confirmed": False}

    # A tie with users who confirm the prediction leaves it undecided; a majority decides.
    fourth, fifth, sixth = (new_user(api) for _ in range(3))
    give_standing(api, fourth, fifth, sixth)
    for user in (third, fourth, sixth):
        give_feedback(user, drawn, 8)
    assert state(scientist, number) == "conflicting"
    assert set(exported(scientist)[0]) == {name_of(photo, 13, "jpeg")}
    assert set(listed(scientist, state="conflicting")) >= {number, again}
    give_feedback(fifth, drawn, 8)
    assert set(exported(scientist)[0]) == {name_of(photo, 13, "jpeg")}
    files, lines = exported(scientist, f"{EXPORT}?include=confirmed")
    assert set(files) == {name_of(drawn, 8), name_of(photo, 13, "jpeg")}
    assert {line["kind"] for line in lines} == {"agreed", "confirmed"}

    # An administrator decides alone, until the user changes the class.
    for verdict in ("accept", "reject"):
        path = f"{CORRECTIONS}{number}/{verdict}/"
        refused = admin.post(f"{path}?actual_class=10")  # the administrator saw another class
        assert (refused.status_code, refused.json()["code"]) == (409, "correction_changed")
        assert admin.post(f"{path}?actual_class=nine").status_code == 400
    accepted = admin.post(f"{CORRECTIONS}{number}/accept/?actual_class=9")
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    assert admin.post(f"{CORRECTIONS}{number}/accept/").json() == accepted.json()
    assert len(actions(admin, "correction_accepted")) == 1
    assert set(exported(scientist)[0]) == {name_of(drawn, 9), name_of(photo, 13, "jpeg")}
    assert set(listed(scientist, state="accepted")) == {number, again, without} | {
        n for n, row in listed(scientist).items() if row["actual_class"] == 9
    }
    predictions = first.get("/api/history/predictions/").json()["results"]
    changed = {"prediction_id": predictions[-1]["id"], "actual_class": 10}
    assert first.post("/api/feedback/", json=changed).json()["id"] == number
    assert listed(scientist)[number]["judged_at"] is None
    assert name_of(drawn, 9) not in exported(scientist)[0]
    assert name_of(drawn, 10) not in exported(scientist)[0]

    # Rejected feedback has no vote.
    by_third = max(n for n, row in listed(scientist).items() if row["actual_class"] == 13)
    rejected = admin.post(f"{CORRECTIONS}{by_third}/reject/")
    assert (rejected.status_code, rejected.json()["state"]) == (200, "rejected")
    assert set(listed(scientist, state="rejected")) == {by_third}
    assert exported(scientist)[0] == {}
    # Nor when its user repeats it, directly or after another class.
    give_feedback(third, photo, 13)
    assert exported(scientist)[0] == {}
    predictions = third.get("/api/history/predictions/").json()["results"]
    for actual in (14, 13):
        changed = {"prediction_id": predictions[-1]["id"], "actual_class": actual}
        assert third.post("/api/feedback/", json=changed).status_code == 200
        assert state(scientist, by_third) == "rejected"
        assert exported(scientist)[0] == {}
    assert admin.post(f"{CORRECTIONS}{by_third}/accept/").json()["state"] == "accepted"
    assert set(exported(scientist)[0]) == {name_of(photo, 13, "jpeg")}
    refused = admin.post(f"{CORRECTIONS}{without}/accept/")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_consent")
    assert admin.post(f"{CORRECTIONS}{without}/reject/").json()["state"] == "rejected"

    # Training jobs get the same pictures.
    folder = api.folder / "export"
    summary, counts = asyncio.run(with_data(api, lambda data: collect(data, folder)))
    assert summary == {"model": "ranjana", "pictures": 1, "classes": {"13": 1}}
    assert counts == {"pictures": 1, "agreed": 0, "accepted": 1, "confirmed": 1, "undecided": 0}
    assert (folder / name_of(photo, 13, "jpeg")).read_bytes() == photo
    assert sorted(path.name for path in folder.iterdir()) == ["13", "labels.csv"]

    # Withdrawn consent counts at once, also for a training that is resumed.
    assert asyncio.run(with_data(api, lambda data: data.prune("ranjana", folder))) is False
    third.request("PATCH", "/api/me/", json={"training_consent": False})
    assert exported(scientist, f"{EXPORT}?include=confirmed")[0] == {name_of(drawn, 8): drawn}
    assert scientist.get(f"{CORRECTIONS}{by_third}/image/").status_code == 404
    for emptied in (True, False):
        pruned = with_data(api, lambda data: data.prune("ranjana", folder))
        assert asyncio.run(pruned) is emptied
        assert [path for path in folder.rglob("*.*") if path.name != "labels.csv"] == []
        assert (folder / "labels.csv").read_bytes().count(b"\n") == 1
    # So does a deactivated or deleted account.
    off: object = 0 if api.database_url.startswith("sqlite") else False
    sql(api, "UPDATE users SET active = $1 WHERE username = $2", off, fourth.username)
    assert set(exported(scientist, f"{EXPORT}?include=confirmed")[0]) == set()
    assert second.delete("/api/me/").status_code == 200
    assert exported(scientist, f"{EXPORT}?include=confirmed") == ({}, [])


async def with_data(api: Api, work: Callable[[CorrectionDataSet], Awaitable[Any]]) -> Any:
    database = Database(Settings(database_url=api.database_url))
    try:
        return await work(CorrectionDataSet(database, PictureFolder(api.media)))
    finally:
        await database.aclose()


async def collect(data: CorrectionDataSet, folder: Path) -> tuple[dict[str, Any], dict[str, int]]:
    summary = await data.export_to("ranjana", folder)
    with pytest.raises(OSError, match="not empty"):
        await data.export_to("ranjana", folder)
    return summary, await data.counts("ranjana")


def test_consent_can_be_given_changed_and_withdrawn(api: Api) -> None:
    admin = new_user(api, role="admin")
    fields = {"username": "generous", "email": "generous@example.org", "password": PASSWORD}
    signed = api.client.post("/api/signup/", json={**fields, "training_consent": True})
    assert signed.status_code == 201
    user = api.sign_in("generous")
    me = user.get("/api/me/").json()
    assert me["training_consent"] is True
    assert api.sign_up().get("/api/me/").json()["training_consent"] is False
    both = {"training_consent": False, "timezone": "Asia/Kathmandu"}
    for body in ({"training_consent": True}, both, {"training_consent": False}):
        changed = user.request("PATCH", "/api/me/", json=body)
        assert {name: changed.json()[name] for name in body} == body
    for body in ({}, {"training_consent": "yes"}, {"training_consent": None}):
        refused = user.request("PATCH", "/api/me/", json=body)
        assert (refused.status_code, refused.json()["code"]) == (400, "validation_failed")
    log = admin.get("/api/admin/audit-logs/", params={"user_id": me["id"]}).json()["results"]
    assert [entry["action"] for entry in reversed(log)] == [
        *("signed_up", "consent_given", "signed_in", "profile_changed", "consent_withdrawn")
    ]


def test_each_model_has_its_own_corrections_and_comparisons_have_none(api: Api) -> None:
    scientist = new_user(api, role="data-scientist")
    picture = encode(held_out(4, 7))
    for _ in range(3):
        user = new_user(api)
        give_standing(api, user)
        give_feedback(user, picture, 9, "digits")
    path = "/api/models/digits/corrections/"
    (first, second, *_) = scientist.get(path).json()["results"]
    assert {row["state"] for row in (first, second)} == {"agreed"}
    assert (first["predicted_class"], first["character"]) == (4, "9")
    assert name_of(picture, 9) in exported(scientist, f"{path}export/")[0]
    assert first["id"] not in listed(scientist)
    assert scientist.get(f"{CORRECTIONS}{first['id']}/image/").status_code == 404
    for model in ("similarity", "nobody", "%00"):
        missing = scientist.get(f"/api/models/{model}/corrections/")
        assert (missing.status_code, missing.json()["code"]) == (404, "model_not_found")
    assert scientist.get(CORRECTIONS, params={"state": "wrong"}).status_code == 400
    assert scientist.get(EXPORT, params={"include": "all"}).status_code == 400


def test_feedback_on_a_missing_picture_is_kept_but_is_no_data(api: Api) -> None:
    user, admin = new_user(api), new_user(api, role="admin")
    before = set(api.media.rglob("*.image"))
    prediction = user.predict(20).json()["prediction_id"]
    (file,) = set(api.media.rglob("*.image")) - before
    file.unlink()
    said = {"prediction_id": prediction, "actual_class": 21}
    number = user.post("/api/feedback/", json=said).json()["id"]
    assert state(admin, number) == "pending"
    assert admin.get(f"{CORRECTIONS}{number}/image/").status_code == 404
    refused = admin.post(f"{CORRECTIONS}{number}/accept/")
    assert (refused.status_code, refused.json()["code"]) == (409, "picture_gone")
    assert admin.post(f"{CORRECTIONS}{number}/reject/").json()["state"] == "rejected"
    # Once its user confirms the prediction, it is no correction any more.
    assert user.post("/api/feedback/", json={**said, "actual_class": 20}).status_code == 200
    assert admin.post(f"{CORRECTIONS}{number}/reject/").status_code == 404
