"""Jobs that recognise many images: in order, each once, even if processes die."""

from __future__ import annotations

import csv
import io
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx2
import pytest

from tests.authorisation.test_access import sql
from tests.support.apis import Api, StartApi, User
from tests.support.bad_images import BAD_IMAGES
from tests.support.jobs import (
    DIGITS,
    HAND_IN,
    characters,
    digits,
    events,
    finished,
    hand_in,
    inputs,
    is_under_way,
    job_of,
    on,
    require_all_right,
    wait_until,
    zipped,
)
from tests.support.pictures import encode, reference
from tests.support.running import wait_for

pytestmark = pytest.mark.thorough("postgresql")

SECRET = {"SECRET_KEY": "Zc0sW2uQe5r9TgYh7Jk1Lm4Np6Bv8XdF"}
SLOW = {**SECRET, "JOB_CONCURRENCY": "1"}
# Slow enough on any machine for a test to see the job running.
STEADY = {**SECRET, "JOB_CONCURRENCY": "2"}
IDLE = {**SECRET, "JOB_CONCURRENCY": "0"}


@pytest.mark.database("sqlite")
def test_a_failed_image_is_a_failed_row_and_not_a_failed_job(api: Api, user: User) -> None:
    bad = list(BAD_IMAGES.items())
    parts = [part for each in zip(characters(len(bad)), _named(bad), strict=True) for part in each]
    number = hand_in(user, parts, HAND_IN)
    job = finished(user, number)
    assert job["state"] == "succeeded"
    assert job["kind"] == "predict"
    assert job["model"] == "ranjana"
    assert job["counts"] == {
        "total": 2 * len(bad),
        "succeeded": len(bad),
        "failed": len(bad),
        "pending": 0,
    }
    good, failed = job["results"][::2], job["results"][1::2]
    assert [row["predicted_class"] for row in good] == [index % 36 for index in range(len(bad))]
    assert set(good[0]) == {
        "file",
        "success",
        "predicted_class",
        "character",
        "name",
        "confidence",
        "top",
        "also",
        "others",
    }
    assert [row["code"] for row in failed] == [code for _, (_, _, code) in bad]
    assert [row["file"] for row in failed] == [f"{name}.png" for name, _ in bad]
    assert inputs(api) == []
    assert user.get("/api/history/predictions/").json()["results"] == []


def _named(bad: list[tuple[str, tuple[bytes, int, str]]]) -> list[Any]:
    return [("images", (f"{name}.png", data)) for name, (data, _, _) in bad]


def test_results_as_csv(user: User) -> None:
    parts = [*digits(3), ("images", ("=HYPERLINK(1).png", b"x")), ("images", ("डॉ.png", b""))]
    number = hand_in(user, parts)
    finished(user, number)
    for path in (f"/api/jobs/{number}/results.csv", f"/api/jobs/{number}/results.csv/"):
        response = user.get(path)
        assert response.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff"))))
        assert [row["predicted_class"] for row in rows] == ["0", "1", "2", "", ""]
        assert [row["file"] for row in rows[2:]] == ["0002.png", "'=HYPERLINK(1).png", "डॉ.png"]
        assert [row["code"] for row in rows[2:]] == ["", "unreadable_image", "empty_image"]


@pytest.mark.database("sqlite")
def test_vowels_and_digits_of_the_script_are_read_where_a_job_asks_for_them(user: User) -> None:
    images = [(index, encode(reference(index))) for index in (36, 45, 61, 7)]
    parts = [("images", (f"{index}.png", image)) for index, image in images]
    in_query, neither = f"{HAND_IN}?characters=all", hand_in(user, parts, HAND_IN)
    in_form = user.post(HAND_IN, files=parts, data={"characters": "all"}).json()["job_id"]
    for number in (hand_in(user, parts, in_query), in_form):
        rows = finished(user, number)["results"]
        assert [row["predicted_class"] for row in rows] == [36, 45, 61, 7]
        assert [row["also"] for row in rows] == [None] * 4
    rows = finished(user, neither)["results"]
    assert all(row["predicted_class"] < 36 for row in rows)
    also = [row["also"] and row["also"]["class"] for row in rows]
    assert also == [36, 45, 61, None]
    table = user.get(f"/api/jobs/{neither}/results.csv").text
    assert [row["also"] for row in csv.DictReader(io.StringIO(table))] == ["36", "45", "61", ""]
    wrong = user.post(HAND_IN, files=parts, data={"characters": "vowels"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "validation_failed")


def test_of_drawings_in_a_job_all_ink_is_meant(user: User) -> None:
    """A speck that is left out of a photograph is a part of a drawing."""
    picture = reference(4).copy()
    picture[2:10, 2:10] = 0
    image = encode(picture)
    confidences = []
    for query in ("", "?source=drawing"):
        answer = user.post(f"/api/predict/{query}", files={"image": image}).json()
        number = hand_in(user, [("images", ("a.png", image))], f"{HAND_IN}{query}")
        finished(user, number)
        (result,) = job_of(user, number, results=True)["results"]
        assert result["confidence"] == answer["confidence"]
        confidences.append(result["confidence"])
    assert confidences[0] != confidences[1]


def test_a_zip_may_have_folders_and_files_that_desktops_add(user: User) -> None:
    image = encode(reference(4))
    content = {
        "class/": b"",
        "class/डॉ 1.png": image,
        "class/deeper/2.PNG": image,
        "notes.txt": b"no picture",
        "__MACOSX/class/._1.png": b"junk",
        "class/.DS_Store": b"junk",
        "Thumbs.db": b"junk",
    }
    job = finished(user, hand_in(user, [("zip", ("class.zip", zipped(content)))], HAND_IN))
    rows = {row["file"]: row.get("predicted_class", row.get("code")) for row in job["results"]}
    assert rows == {
        "class/डॉ 1.png": 4,
        "class/deeper/2.PNG": 4,
        "notes.txt": "unreadable_image",
    }


def test_jobs_are_listed_newest_first(user: User) -> None:
    numbers = [hand_in(user, digits(1)) for _ in range(5)]
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = user.get("/api/jobs/", params=query).json()
        seen += [job["id"] for job in page["results"]]
        assert all("results" not in job for job in page["results"])
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == numbers[::-1]


def test_progress_streams_until_the_job_is_finished(user: User) -> None:
    number = hand_in(user, characters(150), HAND_IN)
    with user.api.client.stream(
        "GET", f"/api/jobs/{number}/events/", headers=user.headers
    ) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        seen = list(events(response))
    assert {name for name, _ in seen[:-1]} <= {"progress"}
    progress = [state["progress"] for _, state in seen]
    assert progress == sorted(progress)
    name, last = seen[-1]
    assert (name, last["state"], last["progress"]) == ("done", "succeeded", 1)
    assert last["counts"] == {"total": 150, "succeeded": 150, "failed": 0, "pending": 0}
    # The stream of a finished job ends at once.
    with user.api.client.stream(
        "GET", f"/api/jobs/{number}/events", headers=user.headers
    ) as response:
        assert [name for name, _ in events(response)] == ["done"]


@pytest.mark.database("sqlite")
def test_a_client_that_leaves_a_stream_does_not_stop_the_job(start_api: StartApi) -> None:
    api = start_api(SLOW)
    user = api.sign_up()
    number = hand_in(user, digits(150))
    for _ in range(3):
        with api.client.stream(
            "GET", f"/api/jobs/{number}/events/", headers=user.headers
        ) as response:
            next(iter(events(response)))
    require_all_right(finished(user, number), 150)
    assert "Unexpected error" not in api.log.read_text()
    assert "Traceback" not in api.log.read_text()


@pytest.mark.database("sqlite")
def test_an_open_stream_does_not_delay_a_stopping_process(start_api: StartApi) -> None:
    api = start_api(IDLE)
    user = api.sign_up()
    number = hand_in(user, digits(1))
    with api.client.stream("GET", f"/api/jobs/{number}/events/", headers=user.headers) as response:
        stream = iter(events(response))
        assert next(stream)[1]["state"] == "queued"
        api.process.send_signal(signal.SIGTERM)
        with suppress(httpx2.RemoteProtocolError):  # the process may cut it off
            assert list(stream) == []
    assert api.process.wait(8) in {0, -signal.SIGTERM}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_job_survives_the_end_of_its_process(start_api: StartApi, number: signal.Signals) -> None:
    api = start_api(STEADY)
    user = api.sign_up()
    job = hand_in(user, digits(300))
    wait_until(user, job, is_under_way)
    api.process.send_signal(number)
    api.process.wait(30)
    again = start_api(SECRET, beside=api)
    returned = on(again, user)
    done = job_of(returned, job)["counts"]["succeeded"]
    require_all_right(finished(returned, job), 300)
    assert done
    assert inputs(again) == []


@pytest.mark.database("postgresql")
def test_two_processes_share_the_jobs_and_one_may_die(start_api: StartApi) -> None:
    first = start_api(SLOW)
    second = start_api(SLOW, beside=first)
    users = [first.sign_up() for _ in range(4)]
    jobs = [hand_in(user, digits(120)) for user in users]
    for user, job in zip(users, jobs, strict=True):
        wait_until(user, job, lambda job: bool(job["counts"]["succeeded"]))
    second.process.send_signal(signal.SIGKILL)
    second.process.wait(30)
    for user, job in zip(users, jobs, strict=True):
        require_all_right(finished(user, job), 120)
    assert inputs(first) == []


def test_a_short_job_does_not_wait_for_the_end_of_a_long_one(start_api: StartApi) -> None:
    api = start_api(STEADY)
    first, second = api.sign_up(), api.sign_up()
    long = [hand_in(first, characters(200), HAND_IN), hand_in(first, characters(20), HAND_IN)]
    wait_until(first, long[0], is_under_way)
    require_all_right(finished(second, hand_in(second, digits(10))), 10)
    assert job_of(first, long[0])["state"] == "running"
    assert job_of(first, long[1])["state"] == "queued"
    assert finished(first, long[1])["counts"]["succeeded"] == 20


def test_a_running_job_can_be_cancelled(start_api: StartApi) -> None:
    api = start_api(SLOW)
    user = api.sign_up()
    number = hand_in(user, digits(400))
    wait_until(user, number, is_under_way)
    response = user.delete(f"/api/jobs/{number}/")
    assert response.status_code == 200
    job = finished(user, number)
    assert job["state"] == "cancelled"
    assert 0 < len(job["results"]) == job["counts"]["succeeded"] < 400
    assert user.delete(f"/api/jobs/{number}/").json()["state"] == "cancelled"
    assert job_of(user, number)["counts"] == job["counts"]
    wait_for(lambda: inputs(api) == [], 10)


@pytest.mark.database("sqlite")
def test_a_running_job_of_a_deactivated_user_stops(start_api: StartApi) -> None:
    api = start_api(SLOW)
    user = api.sign_up()
    number = hand_in(user, digits(400))
    wait_until(user, number, is_under_way)
    sql(api, "UPDATE users SET active = 0")

    def row() -> tuple[Any, ...]:
        return sql(api, "SELECT state, error, succeeded FROM jobs WHERE id = $1", number)[0]

    wait_for(lambda: row()[0] == "failed", 30)
    assert row()[1] == "The account is not active any more."
    assert 0 < row()[2] < 400
    wait_for(lambda: inputs(api) == [], 10)


def test_a_queued_job_can_be_cancelled_and_a_finished_one_cannot(start_api: StartApi) -> None:
    api = start_api(IDLE)
    user = api.sign_up()
    number = hand_in(user, digits(20))
    assert job_of(user, number)["state"] == "queued"
    assert len(inputs(api)) == 1
    assert user.delete(f"/api/jobs/{number}/").json()["state"] == "cancelled"
    assert inputs(api) == []
    working = start_api(SECRET, beside=api) if "sqlite" not in api.database_url else None
    if working is None:
        api.stop()
        working = start_api(SECRET, beside=api)
    returned = on(working, user)
    number = hand_in(returned, digits(5))
    require_all_right(finished(returned, number), 5)
    response = returned.delete(f"/api/jobs/{number}/")
    assert (response.status_code, response.json()["code"]) == (409, "job_finished")


@pytest.mark.database("sqlite")
def test_a_job_waits_while_torchserve_is_unreachable(start_api: StartApi) -> None:
    unreachable = start_api({**SECRET, "TORCHSERVE_INFERENCE_URL": "http://127.0.0.1:9"})
    user = unreachable.sign_up()
    number = hand_in(user, digits(30))
    wait_until(user, number, lambda job: job["state"] == "running")
    time.sleep(1)
    assert job_of(user, number)["counts"]["pending"] == 30
    unreachable.stop(signal.SIGTERM)
    back = start_api(SECRET, beside=unreachable)
    require_all_right(finished(on(back, user), number), 30)


def test_an_unknown_version_fails_the_job_with_a_sentence(user: User) -> None:
    job = finished(user, hand_in(user, digits(3), f"{DIGITS}&version=9.9"))
    assert job["state"] == "failed"
    assert job["error"] == "There is no version 9.9 of digits."
    assert job["results"] == []


def test_users_cannot_see_or_cancel_jobs_of_others(api: Api, user: User) -> None:
    number = hand_in(user, digits(2))
    finished(user, number)
    other = api.sign_up()
    for path in ("", "events/", "results.csv"):
        assert other.get(f"/api/jobs/{number}/{path}").status_code == 404
    assert other.delete(f"/api/jobs/{number}/").status_code == 404
    assert other.get("/api/jobs/").json()["results"] == []


def test_unfinished_jobs_of_a_user_are_limited(start_api: StartApi) -> None:
    api = start_api({**IDLE, "JOBS_PER_USER": "3"})
    user, other = api.sign_up(), api.sign_up()

    def submit(_: int) -> int:
        response = user.post(DIGITS, files=digits(2))
        assert response.status_code == 202 or response.json()["code"] == "too_many_jobs"
        assert response.status_code == 202 or response.headers["Retry-After"]
        return response.status_code

    with ThreadPoolExecutor(8) as callers:
        statuses = list(callers.map(submit, range(8)))
    assert sorted(statuses) == [202] * 3 + [429] * 5
    assert len(inputs(api)) == 3
    assert hand_in(other, digits(1))
    newest = user.get("/api/jobs/").json()["results"][0]["id"]
    assert user.delete(f"/api/jobs/{newest}/").status_code == 200
    assert hand_in(user, digits(1))


def test_deleting_an_account_deletes_its_jobs_and_their_images(start_api: StartApi) -> None:
    api = start_api(SLOW)
    user, other = api.sign_up(), api.sign_up()
    hand_in(user, digits(500))
    kept = hand_in(other, digits(20))
    wait_until(user, 1, is_under_way)
    assert user.delete("/api/me/").status_code == 200
    wait_for(lambda: len(inputs(api)) <= 1, 10)
    require_all_right(finished(other, kept), 20)
    wait_for(lambda: inputs(api) == [], 10)
    assert "Unexpected" not in api.log.read_text()


@pytest.mark.database("sqlite")
def test_a_large_upload_needs_little_memory(start_api: StartApi) -> None:
    """One request has 90 MB; the process holds less than 40 MB of it at any time."""
    import psutil

    api = start_api(IDLE)
    user = api.sign_up()
    hand_in(user, digits(1))
    process = psutil.Process(api.process.pid)
    idle = process.memory_info().rss
    peak, stop = idle, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not stop.wait(0.01):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    image = encode(reference(0)) + bytes(3_000_000)
    hand_in(user, [("images", (f"{index}.png", image)) for index in range(30)], HAND_IN)
    stop.set()
    watcher.join()
    assert peak - idle < 40_000_000
