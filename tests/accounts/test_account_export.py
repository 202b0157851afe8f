"""Everything of an account in one zip."""

from __future__ import annotations

import io
import json
import random
import zipfile
from typing import Any

import httpx2
import pytest

from tests.authorisation.test_access import by_key, make_key, sql, user_id
from tests.support.apis import Api, User
from tests.support.jobs import digits, finished, hand_in, job_of
from tests.support.pictures import encode, reference

pytestmark = pytest.mark.thorough("postgresql")

EXPORT = "/api/me/export/"
BY_SESSION = {"profile.json", "sessions.json", "api-keys.json"}
BY_HISTORY = {"history.json", "feedback.json", "progress.json", "attempts.json"}


def unpacked(response: httpx2.Response) -> dict[str, bytes]:
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/zip"
    assert "ranjana-account-" in response.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_everything_of_an_account_is_in_one_archive(api: Api, user: User) -> None:
    other = api.sign_up()
    other.predict(1)
    hand_in(other, digits(1))
    prediction = user.predict(5).json()["prediction_id"]
    comparison = user.compare(6).json()["comparison_id"]
    said = {"prediction_id": prediction, "actual_class": 7, "rating": 2, "comments": "हो, ७"}
    assert user.post("/api/feedback/", json=said).status_code == 201
    keys = {scope: make_key(user, *scope.split()) for scope in ("history", "history predict")}
    number = hand_in(user, [*digits(3), ("images", ("नाम.png", b"no picture"))])
    finished(user, number)
    training = "INSERT INTO jobs (user_id, kind, state, created_at, parameters, progress, total, "
    training += "succeeded, failed, cancelling, attempts) VALUES ($1, 'train', 'failed', "
    sql(api, training + "CURRENT_TIMESTAMP, '{}', 0, 0, 0, 0, FALSE, 0)", user_id(user))

    files = unpacked(user.get(EXPORT))
    pictures = {
        f"pictures/predictions/{prediction}-image.png",
        *(f"pictures/similarities/{comparison}-{kind}.png" for kind in ("user", "reference")),
        f"pictures/similarities/{comparison}-overlay.png",
    }
    assert set(files) == {*BY_SESSION, *BY_HISTORY, "jobs.json", *pictures}
    shown: dict[str, Any] = {
        name.removesuffix(".json"): json.loads(content)
        for name, content in files.items()
        if name.endswith(".json")
    }
    assert shown["profile"] == user.get("/api/me/").json()
    assert shown["sessions"] == user.get("/api/sessions/").json()["results"]
    assert shown["api-keys"] == user.get("/api/api-keys/").json()["results"]
    assert shown["history"] == user.get("/api/history/export/").json()
    assert {**said, "id": shown["feedback"][0]["id"]}.items() <= shown["feedback"][0].items()
    assert shown["progress"]["totals"] == user.get("/api/progress/?characters=all").json()["totals"]
    assert [row["comparison_id"] for row in shown["attempts"]] == [comparison]
    trained, read = shown["jobs"]
    assert (trained["kind"], trained["results"]) == ("train", [])
    assert read == job_of(user, number, results=True)
    assert len(read["results"]) == 4
    image = files[f"pictures/predictions/{prediction}-image.png"]
    assert image == encode(reference(5))
    whole = b"".join(files.values())
    for secret in (user.refresh, user.access, *(key["key"] for key in keys.values())):
        assert secret.encode() not in whole
    ((stored,),) = sql(api, "SELECT password_hash FROM users WHERE id = $1", user_id(user))
    assert stored.encode() not in whole

    # A key gets what its scopes give, and never the account itself.
    for scope, more in (("history", set()), ("history predict", {"jobs.json"})):
        found = unpacked(api.client.get(EXPORT, headers=by_key(keys[scope])))
        assert set(found) == {*BY_HISTORY, *more, *pictures}
    assert [job["kind"] for job in json.loads(found["jobs.json"])] == ["predict"]

    log = "SELECT count(*) FROM audit_log WHERE user_id = $1 AND action = 'account_exported'"
    assert sql(api, log, user_id(user)) == [(3,)]


@pytest.mark.database("sqlite")
def test_an_export_is_never_held_in_memory_or_on_disk(api: Api, user: User) -> None:
    """The archive has 80 MB; the process needs less than 40 MB of it, and makes no file."""
    import psutil

    owner = user_id(user)
    prediction = user.predict().json()["prediction_id"]
    ((media,),) = sql(api, "SELECT media FROM predictions WHERE id = $1", prediction)
    folder = api.media / media.partition("-")[0]
    picture = random.Random(1).randbytes(2_000_000)
    columns = "created_at, model, version, predicted_class, confidence, top, preprocessed"
    for number in range(40):
        name = f"{media}{number:03}"
        (folder / f"{name}.image").write_bytes(picture)
        copy = f"INSERT INTO predictions (user_id, media, {columns}) SELECT $1, $2, {columns} "
        sql(api, f"{copy} FROM predictions WHERE id = $3", owner, name, prediction)
    process = psutil.Process(api.process.pid)
    idle = process.memory_info().rss
    peak, length, written = idle, 0, process.io_counters().write_bytes
    with api.client.stream("GET", EXPORT, headers=user.headers) as response:
        for part in response.iter_bytes():
            length += len(part)
            peak = max(peak, process.memory_info().rss)
    assert length > 40 * len(picture)
    assert peak - idle < 40_000_000
    assert process.io_counters().write_bytes - written < 10_000_000
