"""Uploads under way take a place and room on the disk, and give them back whatever happens."""

from __future__ import annotations

import json
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.jobs import UploadReservation
from tests.jobs.test_jobs import IDLE
from tests.jobs.test_queue import on as in_database
from tests.support.apis import Api, StartApi, User
from tests.support.jobs import DIGITS, digits, hand_in, inputs, on, zipped
from tests.support.pictures import encode, reference
from tests.support.running import wait_for

_HEAD = b'--b\r\nContent-Disposition: form-data; name="images"; filename="a.png"\r\n\r\n'
_REST = encode(reference(1)) + b"\r\n--b--\r\n"


@contextmanager
def upload(user: User, length: int = len(_HEAD + _REST)) -> Iterator[socket.socket]:
    """An upload under way: its file exists, and the rest of it is still to come."""
    before = len(inputs(user.api))
    with closing(socket.create_connection(("127.0.0.1", user.api.port), timeout=30)) as client:
        client.sendall(
            f"POST {DIGITS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Authorization: Bearer {user.access}\r\nContent-Length: {length}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
            + _HEAD
        )
        wait_for(lambda: len(inputs(user.api)) > before, 30)
        yield client


def finish(client: socket.socket) -> int:
    """Sends the rest of an upload; returns the status of the answer."""
    client.sendall(_REST)
    answer = b"".join(iter(lambda: client.recv(65536), b""))
    return int(answer.split()[1])


def refusal(user: User, **options: Any) -> tuple[int, str]:
    response = user.post(DIGITS, **(options or {"files": digits(1)}))
    assert response.status_code in {400, 413, 415} or response.headers["Retry-After"]
    return response.status_code, response.json()["code"]


FULL = 429, "too_many_jobs"


def test_uploads_under_way_count_as_jobs_in_all_processes(start_api: StartApi) -> None:
    api = start_api({**IDLE, "JOBS_PER_USER": "3"})
    other = start_api({**IDLE, "JOBS_PER_USER": "3"}, beside=api)
    user = api.sign_up()
    with upload(user) as first, upload(user) as second:
        with upload(on(other, user)):
            assert refusal(user) == FULL
            assert refusal(on(other, user)) == FULL
            assert hand_in(api.sign_up(), digits(1))
        # A client that went away gives its place back.
        wait_for(lambda: in_database(api, _reservations) == 2, 30)
        hand_in(user, digits(1))
        assert refusal(user) == FULL
        assert [finish(first), finish(second)] == [202, 202]
    assert refusal(user) == FULL
    assert len(user.get("/api/jobs/").json()["results"]) == 3


@pytest.mark.database("sqlite")
def test_refused_uploads_give_their_place_back(start_api: StartApi) -> None:
    api = start_api({**IDLE, "JOBS_PER_USER": "1", "MAX_JOB_BYTES": "100000"})
    user = api.sign_up()
    large = [("images", ("a.png", bytes(200_000)))]
    refused = [
        refusal(user, files=[("zip", ("a.zip", zipped({"../a.png": b"x"})))]),
        refusal(user, files=[("other", ("a.png", b"x"))]),
        refusal(user, files=large),
        refusal(user, content=iter([b"x" * 200_000]), headers={"Content-Type": _FORM}),
        refusal(user, content=b"{}", headers={"Content-Type": "application/json"}),
        refusal(user, content=b"--b", headers={"Content-Type": _FORM}),
    ]
    codes = [code for _, code in refused]
    assert codes == [
        *("unsafe_path", "image_missing", "body_too_large", "body_too_large"),
        *("unsupported_media_type", "malformed_multipart"),
    ]
    assert hand_in(user, digits(1))
    assert inputs(api)
    assert in_database(api, _reservations) == 0


_FORM = "multipart/form-data; boundary=b"


async def _reservations(database: Database) -> int:
    query = select(func.count(col(UploadReservation.id)))
    return await database.read(lambda session: session.scalar(query) or 0)


async def _expire(database: Database) -> None:
    past = update(UploadReservation).values(held_until=now() - timedelta(seconds=1))
    await database.write(lambda transaction: transaction.execute(past))


@pytest.mark.database("sqlite")
def test_the_place_of_an_upload_is_free_some_time_after_a_crash(start_api: StartApi) -> None:
    settings = {**IDLE, "JOBS_PER_USER": "1"}
    crashed = start_api(settings)
    user = crashed.sign_up()
    with upload(user):
        crashed.stop(signal.SIGKILL)
    api = start_api(settings, beside=crashed)
    assert refusal(on(api, user)) == FULL
    in_database(api, _expire)
    assert hand_in(on(api, user), digits(1))
    assert in_database(api, _reservations) == 1
    assert api.command("clean-up").returncode == 0
    assert in_database(api, _reservations) == 0


@pytest.mark.database("sqlite")
def test_room_on_the_disk_is_reserved_before_an_upload_is_received(
    start_api: StartApi, tmp_path: Path
) -> None:
    # Two uploads of this size do not fit onto the disk, whatever other tests write meanwhile.
    size = shutil.disk_usage(tmp_path).free * 6 // 10
    api = start_api({**IDLE, "MAX_JOB_BYTES": str(10**15), "MIN_FREE_DISK_BYTES": "1"})
    user, other = api.sign_up(), api.sign_up()
    with upload(user, size):
        assert _answer_to_head(other, size) == (503, "storage_unavailable")
        assert hand_in(other, digits(1))  # a small one fits
    wait_for(lambda: in_database(api, _reservations) == 0, 30)
    with upload(other, size):
        pass


def _answer_to_head(user: User, length: int) -> tuple[int, str]:
    """The answer to an upload whose body never comes."""
    with closing(socket.create_connection(("127.0.0.1", user.api.port), timeout=30)) as client:
        client.sendall(
            f"POST {DIGITS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Authorization: Bearer {user.access}\r\nContent-Length: {length}\r\n"
            f"Content-Type: {_FORM}\r\n\r\n".encode()
        )
        head, _, body = b"".join(iter(lambda: client.recv(65536), b"")).partition(b"\r\n\r\n")
    assert b"retry-after" in head.lower()
    return int(head.split()[1]), json.loads(body)["code"]


@pytest.mark.database("sqlite")
def test_a_disk_that_is_nearly_full_takes_no_uploads_but_all_else(start_api: StartApi) -> None:
    api: Api = start_api({**IDLE, "MIN_FREE_DISK_BYTES": str(10**15)})
    user = api.sign_up()
    assert refusal(user) == (503, "storage_unavailable")
    assert _answer_to_head(user, 10**6) == (503, "storage_unavailable")
    anonymous = api.client.post("/api/predict/", files={"image": encode(reference(0))})
    assert anonymous.status_code == 200
    assert user.predict().json()["prediction_id"]
    assert inputs(api) == []
