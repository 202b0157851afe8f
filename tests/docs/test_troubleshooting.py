"""The page of refusals has the sentences of the service: each is provoked, and compared."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
import pytest

from archive_scripts.archives.building import ROOT
from tests.support.apis import Api, StartApi, User
from tests.support.bad_images import BAD_IMAGES, huge_png
from tests.support.pictures import encode, reference
from tests.support.refusals import Refusal, refusals, rows_under, says

ORIGIN = "https://app.example.org"
PREDICT = "/api/predict/"
# `tests/training/test_missing_models.py` trains a model, and compares with the page.
HELD_ELSEWHERE = {"model_training"}


def pictures(api: Api, user: User) -> Iterator[httpx2.Response]:
    """Pictures and fields that cannot be used."""

    def send(image: bytes | str, path: str = PREDICT, **fields: str) -> httpx2.Response:
        return api.client.post(path, files={"image": image}, data=fields)

    good = encode(reference(0))
    yield api.client.post(PREDICT, files={"photo": good})
    yield api.client.post(PREDICT, content=good, headers={"Content-Type": "image/png"})
    no_boundary = {"Content-Type": "multipart/form-data"}
    yield api.client.post(PREDICT, content=good, headers=no_boundary)
    yield api.client.post(PREDICT, json={"image": "no base64!"})
    yield send(BAD_IMAGES["text"][0])
    yield send(b"")
    yield send(BAD_IMAGES["truncated png"][0])
    yield send(BAD_IMAGES["blank white"][0])
    yield send(huge_png())
    yield send(bytes(11_000_000))
    yield send(good, "/api/similarity/", target_class="99")
    yield send(good, "/api/similarity/")
    yield api.client.get("/api/characters/99/reference/")
    yield send(good, "/api/similarity/", target_clas="1")
    yield send(good, model="letters")
    yield send(good, version="9.9")
    number = user.predict().json()["prediction_id"]
    path = f"/api/history/predictions/{number}/"
    yield api.sign_up().get(path)


def accounts(api: Api, user: User) -> Iterator[httpx2.Response]:
    """Callers who are not signed in, or not any more."""

    def me(authorization: str) -> httpx2.Response:
        return api.client.get("/api/me/", headers={"Authorization": authorization})

    yield api.client.get("/api/me/")
    yield me("Basic YTpi")
    yield me("Bearer nonsense")
    yield me(f"Bearer {user.refresh}")
    wrong = {"username": user.username, "password": "wrong"}
    yield api.client.post("/api/signin/", json=wrong)
    yield api.client.get("/api/me/", headers={"X-API-Key": "rnj_nonsense"})
    yield user.get("/api/admin/stats/")
    api.client.post("/api/logout/", json={"refresh": user.refresh})
    yield user.get("/api/me/")


def limits(start_api: StartApi) -> Iterator[httpx2.Response]:
    """What settings refuse."""
    api = start_api(
        {
            "ACCESS_TOKEN_SECONDS": "1",
            "CLIENT_SECONDS": "1",
            "CORS_ORIGINS": ORIGIN,
            "FAILED_SIGNINS_ACCOUNT": "1/day",
            "ML_AUTH_REQUIRED": "true",
            "RATE_LIMIT_ENABLED": "true",
            "RATE_LIMIT_OTHER": "8/day",
            "TRUSTED_HOSTS": "127.0.0.1",
        }
    )
    user = api.sign_up()
    yield api.client.post(PREDICT, files={"image": encode(reference(0))})
    wanted = {"Access-Control-Request-Method": "POST", "Origin": "https://elsewhere.example"}
    yield api.client.options(PREDICT, headers=wanted)
    yield api.client.get("/api/models/", headers={"Host": "ranjana.example.org"})
    wrong = {"username": user.username, "password": "wrong"}
    api.client.post("/api/signin/", json=wrong)
    yield api.client.post("/api/signin/", json=wrong)
    yield slowly(api)
    time.sleep(1)
    yield user.get("/api/me/")
    for _ in range(8):
        last = api.client.get("/api/models/")
    yield last


def slowly(api: Api) -> httpx2.Response:
    """The answer to a request whose body does not come."""
    head = "POST /api/signin/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", api.port), 30) as connection:
        connection.sendall(f"{head}Content-Length: 5000\r\n\r\n{{".encode())
        received = b""
        while chunk := connection.recv(4096):
            received += chunk
    first, _, body = received.partition(b"\r\n\r\n")
    return httpx2.Response(int(first.split()[1]), content=body)


def outages(start_api: StartApi) -> Iterator[httpx2.Response]:
    """What is busy or away."""
    api = start_api({"TORCHSERVE_MAX_CONCURRENCY": "1", "MAX_QUEUE_SECONDS": "0.01"})
    yield next(answer for answer in at_once(api) if answer.status_code == 503)
    api = start_api({"TORCHSERVE_INFERENCE_URL": "http://127.0.0.1:9"})
    user = api.sign_up()
    yield user.predict()
    shutil.rmtree(api.media)
    api.media.write_text("no folder")
    yield user.post("/api/jobs/predict/", files={"images": encode(reference(0))})
    with locked(api):
        yield user.post("/api/api-keys/", json={"name": "robot", "scopes": ["predict"]})


def at_once(api: Api) -> list[httpx2.Response]:
    """Answers of many callers, until one had to wait too long."""

    def ask(index: int) -> httpx2.Response:
        return api.client.post(PREDICT, files={"image": encode(reference(index % 36))})

    answers: list[httpx2.Response] = []
    with ThreadPoolExecutor(16) as pool:
        while len(answers) < 500 and not any(each.status_code == 503 for each in answers):
            answers += pool.map(ask, range(48))
    return answers


@contextmanager
def locked(api: Api) -> Iterator[None]:
    """A database that nothing can be written to."""
    connection = sqlite3.connect(api.database_url.removeprefix("sqlite:///"))
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.rollback()
    connection.close()


@pytest.mark.database("sqlite")
def test_each_refusal_of_the_page_is_what_the_service_says(
    api: Api, user: User, start_api: StartApi
) -> None:
    answers = [
        *pictures(api, user),
        *accounts(api, user),
        *limits(start_api),
        *outages(start_api),
    ]
    page = refusals()
    assert [each.text for each in answers if not any(row.fits(each) for row in page)] == []
    held = [row for row in page if any(row.fits(each) for each in answers)]
    assert {row.code for row in page if row not in held} == HELD_ELSEWHERE


@pytest.mark.database("sqlite")
def test_a_start_that_fails_says_the_sentences_of_the_page(api: Api, tmp_path: Path) -> None:
    in_use = api.command()  # serves, on the port of `api`
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv").mkdir()
    make = ["make", "PYTHON=no-python", ".venv/.python"]
    no_python = subprocess.run(make, cwd=tmp_path, capture_output=True, text=True, check=False)
    port, python = (sentence for sentence, _ in rows_under("It does not start"))
    assert (in_use.returncode, says(port, in_use.stderr.strip())) == (1, True)
    assert python in no_python.stderr


@pytest.mark.database("sqlite")
def test_each_sign_of_a_wrong_answer_is_there(api: Api) -> None:
    shown = {
        '`"also": {"class": 40`': reference(40),
        '`"others": 1` or more': np.hstack([reference(3)] * 2),
        "a `confidence` below 50": np.rot90(reference(12), 2),
        '`"preprocessed": false`': reference(12)[60:-60, 60:-60],
        '`"prediction_id": null`': reference(0),
    }
    signs = [sign for sign, _ in rows_under("The answer is not what you wrote")]
    assert signs == [*shown]
    for sign, picture in shown.items():
        image = encode(np.ascontiguousarray(picture))
        answer = api.client.post(PREDICT, files={"image": image}).json()
        part = sign.split("`")[1]
        assert part in json.dumps(answer) or (part == "confidence" and answer[part] < 50), sign


def test_another_sentence_or_code_does_not_fit() -> None:
    row = Refusal(429, "too_many_requests", "Too many requests: please wait N hours.")
    for status, code, sentence, fits in (
        (429, "too_many_requests", "Too many requests: please wait 24 hours.", True),
        (429, "too_many_requests", "Too many requests: please wait a day.", False),
        (429, "too_many", "Too many requests: please wait 24 hours.", False),
        (503, "too_many_requests", "Too many requests: please wait 24 hours.", False),
    ):
        answer = httpx2.Response(status, json={"error": sentence, "code": code})
        assert row.fits(answer) is fits
