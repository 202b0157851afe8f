"""Trainings over HTTP: requested, followed, cancelled, resumed after a restart."""

from __future__ import annotations

import hashlib
import json
import signal
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from archive_scripts.archives.building import ROOT
from tests.authorisation.test_access import by_key, make_key, sql
from tests.jobs.test_jobs import SECRET
from tests.jobs.test_uploads import BAD_ZIPS
from tests.jobs.test_zip_files import CRC, RECORD, changed
from tests.support.apis import Api, StartApi, User
from tests.support.commands import command
from tests.support.digits import held_out
from tests.support.jobs import (
    digits,
    events,
    finished,
    hand_in,
    inputs,
    job_of,
    on,
    wait_until,
    zipped,
)
from tests.support.pictures import encode, reference
from tests.support.running import wait_for
from tests.support.standing import give_standing

pytestmark = pytest.mark.thorough("postgresql")

TRAIN, TUNE = "/api/models/ranjana/train/", "/api/models/ranjana/tune/"
TRAIN_DIGITS = "/api/models/digits/train/"
# Long, because a training has the lowest priority on the machine.
SECONDS = 300
# Asking for the state takes time from the training.
PAUSE = 0.2
# The smallest training that is possible.
SMALL = {"start": "scratch", "network": "small", "images_per_epoch": 64, "batch_size": 16}
DIGITS = {"start": "scratch", "images_per_epoch": 128, "batch_size": 16}


def as_data_scientist(api: Api) -> User:
    user = api.sign_up()
    change = "UPDATE users SET role = 'data-scientist' WHERE username = $1"
    sql(api, change, user.username)
    return user


def labelled_digits() -> bytes:
    """A zip of sixty real digits, and of other files."""
    folders = {1: "class_1", 2: "two", 4: "deeper/4"}
    pictures = {
        f"{folders.get(digit, digit)}/{number}.png": encode(held_out(digit, number))
        for digit in range(10)
        for number in range(6)
    }
    return zipped({**pictures, "notes/read me.png": b"no class", "1/notes.txt": b"no picture"})


def train_digits(user: User, fields: dict[str, Any], kind: str = "train") -> int:
    path, files = f"/api/models/digits/{kind}/", {"labelled": ("digits.zip", labelled_digits())}
    response = user.post(path, data={**DIGITS, **fields}, files=files)
    assert response.status_code == 202, response.text
    number: int = response.json()["job_id"]
    return number


def trainings(api: Api) -> list[str]:
    """Names of the work folders, which only unfinished trainings have."""
    folder = api.folder / "data" / "training"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def process_of(api: Api) -> list[psutil.Process]:
    """The training processes of a service."""
    children = psutil.Process(api.process.pid).children()
    return [child for child in children if "improve" in child.cmdline()]


def correct(api: Api, digit: int, right: int) -> None:
    """Three users correct the prediction of the same picture from `digit` to `right`."""
    for _ in range(3):
        user = api.sign_up()
        give_standing(api, user)
        user.request("PATCH", "/api/me/", json={"training_consent": True})
        image = {"image": encode(held_out(digit, 9))}
        predicted = user.post("/api/predict/?model=digits", files=image).json()
        given = {"prediction_id": predicted["prediction_id"], "actual_class": right}
        assert user.post("/api/feedback/", json=given).status_code == 201


def request_training(user: User, fields: dict[str, Any], path: str = TRAIN) -> dict[str, Any]:
    response = user.post(path, json=fields)
    assert response.status_code == 202, response.text
    answer: dict[str, Any] = response.json()
    assert response.headers["Location"] == answer["url"] == f"/api/jobs/{answer['job_id']}/"
    return answer


@pytest.mark.database("sqlite")
def test_an_api_key_sees_and_cancels_prediction_jobs_only(api: Api) -> None:
    user = as_data_scientist(api)
    training = request_training(user, {})["job_id"]
    prediction = hand_in(user, digits(2))
    finished(user, prediction)
    for scopes in (["predict"], ["predict", "history"]):
        key = by_key(make_key(user, *scopes))
        listed = api.client.get("/api/jobs/", headers=key).json()["results"]
        assert [job["id"] for job in listed] == [prediction]
        for path in ("", "results.csv/", "events/"):
            address = f"/api/jobs/{training}/{path}"
            assert api.client.get(address, headers=key).status_code == 404
            own = api.client.get(f"/api/jobs/{prediction}/{path}", headers=key)
            assert own.status_code == 200
        assert api.client.delete(f"/api/jobs/{training}/", headers=key).status_code == 404
    assert job_of(user, training)["state"] == "queued"
    assert {job["id"] for job in user.get("/api/jobs/").json()["results"]} == {
        training,
        prediction,
    }
    assert user.delete(f"/api/jobs/{training}/").json()["state"] == "cancelled"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A model store with the built-in versions only."""
    folder = tmp_path / "store"
    folder.mkdir()
    for name in ("ranjana.mar", "digits.mar"):
        (folder / name).symlink_to(ROOT / "model_store" / name)
    return folder


@pytest.fixture
def training(store: Path) -> dict[str, str]:
    """Environment of a service that runs trainings."""
    ours = {"TRAINING_CONCURRENCY": "1", "TRAINING_NICENESS": "1"}
    return {**SECRET, "MODEL_STORE": str(store), **ours}


@pytest.mark.database("sqlite")
def test_a_training_on_labelled_pictures_makes_a_new_version(
    start_api: StartApi, training: dict[str, str], store: Path
) -> None:
    api = start_api({**training, "SECRET_KEY": "never-to-be-seen-by-trainings-0123"})
    user = as_data_scientist(api)
    correct(api, 7, 9)
    fields = {"epochs": "2", "images_per_epoch": "64", "batch_size": "16", "corrections": "true"}
    files = {"labelled": ("pictures.zip", labelled_digits())}
    # Digits, because the other models are measured on synthetic handwriting, which takes longer.
    accepted = user.post(TRAIN_DIGITS, data=fields, files=files)
    assert accepted.status_code == 202, accepted.text
    assert accepted.json()["version"] == "1.1"
    number = accepted.json()["job_id"]
    # Prediction jobs of the same user run meanwhile.
    wait_until(user, number, lambda job: job["state"] == "running")
    assert finished(user, hand_in(user, digits(5)))["state"] == "succeeded"
    wait_for(lambda: bool(process_of(api)), 60)
    (process,) = process_of(api)
    assert process.nice() == min(19, psutil.Process(api.process.pid).nice() + 1)
    assert "never" not in str(process.environ())
    assert not {"SECRET_KEY", "DATABASE_URL", "DATA_DIR"} & set(process.environ())
    with api.client.stream("GET", f"/api/jobs/{number}/events/", headers=user.headers) as stream:
        seen = list(events(stream))
    # Events come at most every second, and an epoch may be shorter.
    epochs = [len(state["outcome"]["epochs"]) for _, state in seen if state["outcome"]]
    assert epochs == sorted(epochs)
    assert {0, 2} <= {*epochs} <= {0, 1, 2}
    progress = [state["progress"] for _, state in seen]
    assert progress == sorted(progress)
    name, last = seen[-1]
    assert (name, last["state"], last["error"]) == ("done", "succeeded", None)
    outcome = last["outcome"]
    assert [epoch["epoch"] for epoch in outcome["epochs"]] == [1, 2]
    assert all(epoch["loss"] > 0 and 0 <= epoch["accuracy"] <= 1 for epoch in outcome["epochs"])
    assert (outcome["version"], outcome["archive"]) == ("1.1", "digits-1.1.mar")
    assert outcome["before"]
    assert outcome["after"]
    assert outcome["registered"] is False  # the TorchServe of the tests has another store
    assert "does not find it in its own model store" in outcome["not_registered"]
    archive = store / "digits-1.1.mar"
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == outcome["sha256"]
    with zipfile.ZipFile(archive) as members:
        assert {"card.md", "evaluation.json", "model.pt"} <= set(members.namelist())
        card = members.read("card.md").decode()
    assert card.startswith("# Model card: digits 1.1")
    assert "* letters, signs and scribbles, which are no digits" in card
    assert "* 60 labelled pictures\n* 1 correction by users" in card
    wait_for(lambda: trainings(api) == inputs(api) == [], 10)
    entry = user.get("/api/jobs/").json()["results"][-1]
    assert (entry["kind"], entry["model"], entry["outcome"]) == ("train", "digits", outcome)
    # The next training may start from this version, and makes the next one.
    following = {"start": "1.1", "corrections": True}
    assert request_training(user, following, TRAIN_DIGITS)["version"] == "1.2"
    # Deleting the account stops its trainings.
    wait_for(lambda: bool(process_of(api)), 10)
    (process,) = process_of(api)
    assert user.delete("/api/me/").status_code == 200
    wait_for(lambda: trainings(api) == [] and not process.is_running(), 10)


@pytest.mark.database("postgresql")
@pytest.mark.thorough
def test_a_training_resumes_after_a_crash_and_stops_when_cancelled(
    start_api: StartApi, training: dict[str, str], store: Path
) -> None:
    api = start_api(training)
    user = as_data_scientist(api)
    number = train_digits(user, {"epochs": 4})
    waiting = train_digits(user, {"epochs": 100})
    wait_until(user, number, lambda job: bool((job["outcome"] or {}).get("epochs")), SECONDS)
    before = job_of(user, number)
    (process,) = process_of(api)
    assert job_of(user, waiting)["state"] == "queued"  # one at a time
    assert user.delete(f"/api/jobs/{waiting}/").json()["state"] == "cancelled"
    api.process.send_signal(signal.SIGKILL)
    api.process.wait(30)
    wait_for(lambda: not process.is_running(), 10)
    assert str(number) in trainings(api)
    again = start_api(training, beside=api)
    returned = on(again, user)
    job = finished(returned, number, SECONDS, PAUSE)
    assert (job["state"], job["error"]) == ("succeeded", None)
    done = job["outcome"]["epochs"]
    assert [epoch["epoch"] for epoch in done] == [1, 2, 3, 4]
    assert done[0] == before["outcome"]["epochs"][0]
    assert (store / "digits-1.1.mar").exists()
    waiting = train_digits(returned, {"epochs": 100})
    wait_until(returned, waiting, lambda job: job["progress"] > 0, SECONDS)
    wait_for(lambda: bool(process_of(again)), 30)
    (process,) = process_of(again)
    # As if the training was just writing to the store.
    (again.folder / "data" / "training" / str(waiting) / "weights.safetensors").touch()
    for name in ("digits-1.2.mar", "digits-1.2.safetensors.partial"):
        (store / name).touch()
    assert returned.delete(f"/api/jobs/{waiting}/").status_code == 200
    assert finished(returned, waiting)["state"] == "cancelled"
    wait_for(lambda: trainings(again) == [] and not process.is_running(), 10)
    assert not list(store.glob("digits-1.2*"))


@pytest.mark.database("sqlite")
@pytest.mark.thorough
def test_tuning_finds_parameters_and_makes_a_version(
    start_api: StartApi, training: dict[str, str], store: Path
) -> None:
    user = as_data_scientist(start_api(training))
    search = json.dumps({"learning_rate": [1e-4, 1e-3], "batch_size": [8, 16]})
    fields = {"epochs": 1, "images_per_epoch": 64, "trials": 2, "search": search}
    number = train_digits(user, {**fields, "version": "3.0"}, "tune")
    job = finished(user, number, SECONDS, PAUSE)
    assert (job["kind"], job["state"], job["error"]) == ("tune", "succeeded", None)
    trials = job["outcome"]["trials"]
    assert [trial["trial"] for trial in trials] == [0, 1]
    assert all(trial["parameters"]["batch_size"] in (8, 16) for trial in trials)
    assert (store / "digits-3.0.mar").exists()


@pytest.mark.database("sqlite")
def test_a_training_of_a_demoted_user_stops_and_registers_nothing(
    start_api: StartApi, training: dict[str, str], store: Path
) -> None:
    api = start_api(training)
    user = as_data_scientist(api)
    number, waiting = (train_digits(user, {"epochs": 100}) for _ in range(2))
    wait_for(lambda: bool(process_of(api)), 60)
    (process,) = process_of(api)
    # As if the training was just writing to the store.
    (api.folder / "data" / "training" / str(number) / "weights.safetensors").touch()
    (store / "digits-1.1.mar").touch()
    sql(api, "UPDATE users SET role = 'analyst' WHERE username = $1", user.username)
    for job in (finished(user, number, SECONDS, PAUSE), finished(user, waiting, SECONDS, PAUSE)):
        assert job["state"] == "failed"
        assert job["error"] == "Its owner does not have the role 'data-scientist' any more."
    wait_for(lambda: trainings(api) == [] and not process.is_running(), 10)
    assert not list(store.glob("digits-1.*"))
    assert user.post(TRAIN_DIGITS, json={"corrections": True}).status_code == 403


@pytest.mark.database("sqlite")
def test_a_training_that_needs_too_much_memory_is_stopped(
    start_api: StartApi, training: dict[str, str]
) -> None:
    api = start_api({**training, "TRAINING_MEMORY_MB": "256"})
    user = as_data_scientist(api)
    job = finished(
        user,
        request_training(user, {**SMALL, "images_per_epoch": 512, "batch_size": 512})["job_id"],
        SECONDS,
    )
    assert job["state"] == "failed"
    assert job["error"].startswith("The training took more than 256 MB of memory")
    wait_for(lambda: trainings(api) == process_of(api) == [], 10)


BAD_FIELDS: dict[str, tuple[dict[str, Any], int, str]] = {
    "too many epochs": ({"epochs": 101}, 400, "validation_failed"),
    "too few images": ({"images_per_epoch": 1}, 400, "validation_failed"),
    "text as learning rate": ({"learning_rate": "fast"}, 400, "validation_failed"),
    "not a number": ({"augmentation": "nan"}, 400, "validation_failed"),
    "unknown field": ({"epoch": 5}, 400, "validation_failed"),
    "path as version": ({"version": "../1"}, 400, "validation_failed"),
    "version in Devanagari digits": ({"version": "१.१"}, 400, "validation_failed"),
    "existing version": ({"version": "1.0"}, 409, "version_taken"),
    "start of unknown version": ({"start": "7.7"}, 400, "validation_failed"),
    "start that is no version number": ({"start": "/etc/passwd"}, 400, "validation_failed"),
    "network without start from scratch": ({"network": "small"}, 400, "validation_failed"),
    "batch larger than the epoch": (
        {"images_per_epoch": 64, "batch_size": 65},
        400,
        "validation_failed",
    ),
    "nothing to train on": ({"synthesis": False}, 400, "no_training_data"),
    "no corrections": ({"corrections": True}, 400, "no_corrections"),
}


@pytest.mark.database("sqlite")
def test_an_impossible_training_is_refused_at_once(start_api: StartApi) -> None:
    api = start_api()  # nobody has sent it corrections
    user = as_data_scientist(api)
    labelled = zipped({"class_0/0.png": encode(reference(0))})

    def refusal(response: httpx2.Response) -> tuple[int, str]:
        return response.status_code, response.json()["code"]

    for name, (fields, status, code) in BAD_FIELDS.items():
        assert refusal(user.post(TRAIN, json=fields)) == (status, code), name
        form = {key: str(value) for key, value in fields.items()}
        files = {} if "synthesis" in fields else {"labelled": ("a.zip", labelled)}
        if files:
            assert refusal(user.post(TRAIN, data=form, files=files)) == (status, code), name
    assert refusal(user.post(TUNE, json={"images_per_epoch": 64}))[0] == 400
    bad_search = {"search": {"learning_rate": [0.01, 0.001]}}
    assert refusal(user.post(TUNE, json=bad_search)) == (400, "validation_failed")
    assert refusal(user.post(TUNE, data={"search": "{"}, files={"x": b"y"}))[0] == 400
    assert refusal(user.post("/api/models/nobody/train/", json={})) == (404, "model_not_found")
    digits_alone = user.post("/api/models/digits/train/", json={"start": "default"})
    assert refusal(digits_alone) == (400, "no_training_data")
    assert refusal(user.post(TRAIN, content=b"x", headers={"Content-Type": "text/plain"}))[0] == 415
    for name, (make, code) in BAD_ZIPS.items():
        if name in {"too many", "empty", "nothing but folders"}:
            continue
        content = {"labelled": ("a.zip", make())}
        response = user.post(TRAIN, files=content)
        assert refusal(response)[0] in {400, 413}, name
        assert refusal(response)[1] == code, name
    damaged = {"labelled": ("a.zip", changed(labelled, RECORD, CRC, bytes(4)))}
    assert refusal(user.post(TRAIN, files=damaged)) == (400, "damaged_zip")
    unlabelled = {"labelled": ("a.zip", zipped({"nowhere/a.png": b"x"}))}
    for path, last in ((TRAIN, 61), (TRAIN_DIGITS, 9)):
        refused = user.post(path, files=unlabelled)
        assert refusal(refused) == (400, "no_labelled_pictures")
        assert f"0-{last}." in refused.json()["error"]
    assert refusal(user.post(TRAIN, files={"labelled": b"no zip"})) == (400, "not_a_zip")
    large = b'{"start": "' + b" " * 11_000_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    assert refusal(user.post(TRAIN, content=large, headers=headers)) == (413, "body_too_large")
    assert inputs(api) == []
    assert user.get("/api/jobs/").json()["results"] == []


def test_concurrent_requests_get_different_versions(api: Api) -> None:
    users = [as_data_scientist(api) for _ in range(2)]

    def submit(index: int) -> str:
        return str(request_training(users[index % 2], {})["version"])

    with ThreadPoolExecutor(8) as callers:
        versions = list(callers.map(submit, range(8)))
    assert len(set(versions)) == 8
    assert users[0].post(TRAIN, json={"version": versions[3]}).status_code == 409
    for user in users:
        for job in user.get("/api/jobs/").json()["results"]:
            assert user.delete(f"/api/jobs/{job['id']}/").json()["state"] == "cancelled"
    # The version of a cancelled training is free again.
    again = request_training(users[0], {"version": versions[3]})
    assert again["version"] == versions[3]
    # The clean-up deletes work folders of ended trainings that a crashed process has left.
    for number in (again["job_id"], again["job_id"] - 1):
        (api.folder / "data" / "training" / str(number)).mkdir(parents=True)
    assert command(api, "clean-up", "--orphans-after", "0").code == 0
    assert trainings(api) == [str(again["job_id"])]
    assert users[0].delete(f"/api/jobs/{again['job_id']}/").status_code == 200
    assert trainings(api) == []
