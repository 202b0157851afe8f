"""Operators' commands, with output for people and for programs."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import stat
import zipfile

import pytest

from auth_api.commands.parser import build_parser
from launcher.ports import free_port
from tests.authorisation.test_access import sql, user_id
from tests.corrections.test_corrections import give_feedback, name_of, new_user
from tests.support.apis import PASSWORD, Api, StartApi, User
from tests.support.commands import answer, command, refusal, table
from tests.support.jobs import digits, finished, hand_in, inputs
from tests.support.pictures import encode, reference

pytestmark = pytest.mark.thorough("postgresql")

NEW_PASSWORD = "another quiet river"


def test_accounts_are_listed_and_changed(start_api: StartApi) -> None:
    api = start_api()
    asha = api.sign_up("asha")
    arguments = ("--username", "chief", "--email", "chief@example.org")
    chief = answer(api, "create-admin", *arguments, stdin=f"{PASSWORD}\n")
    assert (chief["username"], chief["role"], chief["active"]) == ("chief", "admin", True)
    assert "password" not in json.dumps(chief)

    number = user_id(asha)
    names = ("ASHA", "asha@example.org", str(number))
    found = [answer(api, "users", "show", who) for who in names]
    everybody = answer(api, "users", "list")
    admins = answer(api, "users", "list", "--role", "admin")
    kept_out = answer(api, "users", "list", "--no-active")
    assert [user["id"] for user in found] == 3 * [number]
    assert [row["username"] for row in everybody["results"]] == ["chief", "asha"]
    assert (admins["results"], kept_out["results"]) == ([chief], [])
    heading, _, *lines = table(api, "users", "list")
    assert ("username" in heading, "training consent" in heading) == (True, True)
    assert [line.split()[:2] for line in lines] == [[str(chief["id"]), "chief"], ["1", "asha"]]

    assert answer(api, "users", "set-role", "asha", "analyst")["role"] == "analyst"
    assert asha.get("/api/me/").json()["role"] == "analyst"
    last = "This is the last administrator: make another one first.\n"
    weak = "password: is one of the most common passwords.\n"
    changes = {
        "set-role chief user": (1, last),
        "deactivate chief": (1, last),
        "reset-password asha": (2, weak),
    }
    for change, expected in changes.items():
        refused = refusal(api, "users", *change.split(), stdin="password1\n")
        assert refused == expected, change
    latin = refusal(api, "users", "reset-password", "asha", stdin="a qui\udce9t river\n")
    assert latin == (2, "The password is not UTF-8 text.\n")
    assert asha.get("/api/me/").status_code == 200
    answer(api, "users", "reset-password", "asha", stdin=f"{NEW_PASSWORD}\n")
    assert asha.get("/api/me/").status_code == 401
    asha = api.sign_in("asha", NEW_PASSWORD)
    assert answer(api, "users", "deactivate", "asha")["active"] is False
    assert asha.get("/api/me/").status_code == 401
    fields = {"username": "asha", "password": NEW_PASSWORD}
    assert api.client.post("/api/signin/", json=fields).status_code == 401
    assert table(api, "users", "activate", "asha") == ["asha may sign in."]
    assert asha.get("/api/me/").status_code == 401  # the old session stays ended
    assert api.sign_in("asha", NEW_PASSWORD)
    assert table(api, "users", "unlock", "ASHA") == ["asha may try to sign in again."]
    assert refusal(api, "users", "unlock", "nobody") == (3, "There is no user nobody.\n")
    root = ("--username", " Root", "--email", "root@example.org ")
    assert answer(api, "create-admin", *root, stdin=f"{PASSWORD}\n")["username"] == "Root"

    # The audit log has all changes.
    log = answer(api, "audit", "list", "--action", "user_changed")["results"]
    whole = answer(api, "audit", "list", "--limit", "1000")["results"]
    newest = answer(api, "audit", "list", "--limit", "2")["results"]
    assert [entry["details"] for entry in reversed(log)] == [
        {"id": number, "fields": ["role"], "role": "analyst"},
        {"id": number, "fields": ["password"]},
        {"id": number, "fields": ["active"], "active": True},
    ]
    assert newest == whole[:2]
    file = api.folder / "log.csv"
    assert answer(api, "audit", "export", str(file))["entries"] == len(whole) + 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = [*csv.DictReader(io.StringIO(file.read_text("utf-8-sig")))]
    assert [line["action"] for line in lines] == [
        "audit_log_exported",
        *(entry["action"] for entry in whole),
    ]
    created = [line["subject"] for line in lines if line["action"] == "admin_created"]
    assert created == ["Root", "chief"]
    assert PASSWORD not in file.read_text()
    since = ("--since", whole[0]["at"])
    later = answer(api, "audit", "list", *since)["results"]
    (noted,) = (entry for entry in later if entry["action"] == "audit_log_exported")
    assert (noted["user_id"], noted["details"]) == (None, {"asked": {}})
    assert whole[1] not in later
    part = ("--action", "user_changed", "--until", whole[0]["at"])
    assert answer(api, "audit", "export", str(file), *part)["entries"] == len(log)
    removed = answer(api, "clean-up")
    assert (removed["entries"], removed["sessions"]) == (0, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("users", "set-role", "999999", "analyst"), 3, "There is no user 999999."),
        (("jobs", "show", "999999"), 3, "There is no such job."),
        (("jobs", "cancel", "999999"), 3, "There is no such job."),
        (("jobs", "watch", "999999"), 3, "There is no such job."),
        (("models", "show", "nothing"), 3, "choose ranjana or similarity or digits."),
        (("models", "metrics", "ranjana", "--version", "7.0"), 3, "There is no version 7.0"),
        (("models", "export", "digits", "/nowhere/at/all.mar"), 1, "/nowhere/at/all.mar"),
        (("models", "register", "ranjana", "ranjana-8.0.mar"), 3, "There is no ranjana-8.0.mar"),
        (("models", "register", "ranjana", "ranjana.mar"), 1, "There is a version 1.0"),
        (("models", "register", "ranjana", "ranjana.mar", "--sha256", "x"), 2, "sha256: "),
        (("models", "remove", "ranjana", "1.0"), 1, "Version 1.0 of ranjana is in use"),
        (("models", "remove", "ranjana", "7.0"), 3, "There is no version 7.0"),
        (("models", "default", "ranjana", "7.0"), 3, "There is no version 7.0"),
        (("models", "traffic", "ranjana", "1.0=90", "7.0=10"), 3, "There is no version 7.0"),
        (("models", "traffic", "ranjana", "1.0=90"), 2, "does not sum to 100"),
        (("models", "traffic", "ranjana", "1.0=nan"), 2, "not between 0 and 100"),
        (("models", "scale", "ranjana", "7.0", "2"), 3, "There is no version 7.0"),
        (("models", "scale", "ranjana", "1.0", "0"), 2, "workers: "),
        (("models", "train", "nothing", "--user", "1"), 3, "There is no model nothing."),
        (("models", "train", "ranjana", "--user", "nobody.at.all"), 3, "There is no user"),
        (("models", "tune", "ranjana", "--user", "1", "--trials", "0"), 2, "trials: "),
        (("corrections", "accept", "999999"), 3, "There is no such correction."),
        (("corrections", "list", "--model", "similarity"), 3, "There is no model similarity"),
        (("corrections", "export", "/nowhere/at/all.zip"), 1, "/nowhere/at/all.zip"),
        (("audit", "export", "/nowhere/at/all.csv"), 1, "No such file or directory."),
    ],
)
@pytest.mark.database("sqlite")
def test_a_failed_command_has_an_exit_code_and_a_sentence(
    api: Api, arguments: tuple[str, ...], code: int, words: str
) -> None:
    found, stdout, message = command(api, *arguments, "--json")
    assert (found, message.count("\n")) == (code, 1)
    assert words in message
    document = json.loads(stdout)
    assert (document["success"], f"{document['error']}\n") == (False, message)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("audit", "list", "--since", "yesterday"), "such as 2026-11-01T00:00Z"),
        (("models", "traffic", "ranjana", "1.0"), "must be of the form 1.0=90"),
        (("models", "train", "ranjana"), "--user"),
    ],
)
def test_invalid_arguments_are_explained(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser("").parse_args(arguments)
    assert (ended.value.code, words in capsys.readouterr().err) == (2, True)


@pytest.mark.database("sqlite")
def test_the_shell_gets_the_exit_codes(api: Api, user: User) -> None:
    for arguments, code, words in (
        (("users", "show", "nobody.at.all"), 3, "There is no user nobody.at.all.\n"),
        (("jobs", "show", "9" * 30), 2, "invalid number value"),
        (("users",), 2, "usage:"),
    ):
        ended = api.command(*arguments)
        assert (ended.returncode, ended.stdout) == (code, "")
        assert words in ended.stderr
    ended = api.command("users", "show", user.username, "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["email"] == user.email


def test_jobs_of_all_users_are_listed_and_cancelled(start_api: StartApi) -> None:
    api = start_api({"JOB_CONCURRENCY": "0"})  # so that jobs wait
    done, waiting = api.sign_up(), api.sign_up()
    first, second = hand_in(done, digits(2)), hand_in(waiting, digits(3))
    sql(api, "UPDATE jobs SET state = 'succeeded' WHERE id = $1", first)
    everything = answer(api, "jobs", "list")
    succeeded = answer(api, "jobs", "list", "--state", "succeeded")
    one = answer(api, "jobs", "show", str(second))
    assert [(row["id"], row["user_id"]) for row in everything["results"]] == [
        (second, user_id(waiting)),
        (first, user_id(done)),
    ]
    assert [row["id"] for row in succeeded["results"]] == [first]
    assert one == everything["results"][0]
    heading, _, line = table(api, "jobs", "list", "--limit", "1")
    assert heading.split()[:3] == ["id", "user", "id"]
    assert line.split()[0] == str(second)
    assert refusal(api, "jobs", "cancel", str(first)) == (1, "The job is finished already.\n")
    assert len(inputs(api)) == 2
    assert answer(api, "jobs", "cancel", str(second))["state"] == "cancelled"
    assert answer(api, "jobs", "cancel", str(second))["state"] == "cancelled"
    assert finished(waiting, second)["state"] == "cancelled"
    assert len(inputs(api)) == 1
    (entry,) = answer(api, "audit", "list", "--action", "job_cancelled")["results"]
    assert entry["details"] == {"id": second, "owner": user_id(waiting)}
    assert (entry["user_id"], entry["subject"]) == (None, waiting.username)


def test_corrections_are_judged_and_exported(api: Api) -> None:
    picture = encode(reference(30), "WEBP", lossless=True)
    number = give_feedback(new_user(api), picture, 31)
    without = give_feedback(new_user(api, consent=False), picture, 31)
    (shown, *_) = (
        row for row in answer(api, "corrections", "list")["results"] if row["id"] == number
    )
    assert (shown["state"], shown["actual_class"]) == ("pending", 31)
    assert any(str(number) in line for line in table(api, "corrections", "list"))
    accepted = answer(api, "corrections", "accept", str(number))
    assert accepted["state"] == "accepted"
    file = api.folder / "data.zip"
    exported = answer(api, "corrections", "export", str(file))
    with zipfile.ZipFile(file) as archive:
        assert archive.read(name_of(picture, 31, "webp")) == picture
        assert exported["pictures"] == len(archive.namelist()) - 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.glob("data.zip?*")) == []
    code, sentence = refusal(api, "corrections", "export", str(api.folder))
    assert (code, sentence) == (1, f"{api.folder} is a folder: name a file.\n")
    assert answer(api, "corrections", "reject", str(number))["state"] == "rejected"
    found = answer(api, "corrections", "list", "--state", "rejected")["results"]
    assert number in {row["id"] for row in found}
    code, sentence = refusal(api, "corrections", "accept", str(without))
    assert (code, sentence) == (1, "Its user does not consent to its use as data.\n")


def test_models_are_shown_and_exported(
    start_api: StartApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = start_api()
    shown = api.client.get("/api/models/").json()["models"]
    listed = answer(api, "models", "list")["results"]
    assert [row["name"] for row in listed] == [row["name"] for row in shown]
    assert listed[0]["card"] == shown[0]["card"]
    heading, _, *lines = table(api, "models", "list")
    assert "default" in heading
    assert [line.split()[:3] for line in lines] == [[row["name"], "ready", "1.0"] for row in shown]
    one = answer(api, "models", "show", "digits")
    assert (one["default"], one["traffic"]) == ("1.0", {"1.0": 100})
    assert any("digits.mar" in line for line in table(api, "models", "show", "digits"))

    figures = answer(api, "models", "metrics", "digits", "--version", "1.0")
    assert (figures["version"], len(figures["per_class"])) == ("1.0", 10)
    assert any(
        line.startswith("9 ") and "nine" in line
        for line in table(api, "models", "metrics", "digits")
    )
    report = answer(api, "models", "report", "ranjana")
    assert [arm["version"] for arm in report["arms"]] == ["1.0"]
    assert any("error rate" in line for line in table(api, "models", "report", "ranjana"))
    file = api.folder / "taken.mar"
    taken = answer(api, "models", "export", "digits", str(file))
    assert hashlib.sha256(file.read_bytes()).hexdigest() == taken["sha256"]
    (entry,) = answer(api, "audit", "list", "--action", "model_exported")["results"]
    assert (entry["user_id"], entry["details"]) == (None, {"model": "digits", "version": "1.0"})

    # Commands that only need the database work without TorchServe; the others say what is missing.
    url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setitem(api.environment, "TORCHSERVE_MANAGEMENT_URL", url)
    unreachable = "The model server is not running at the moment."
    assert answer(api, "models", "show", "ranjana")["state"] == unreachable
    assert refusal(api, "models", "default", "ranjana", "1.0") == (1, f"{unreachable}\n")


def test_trainings_are_queued_for_a_user_and_jobs_are_watched(api: Api, user: User) -> None:
    small = ("--start", "scratch", "--network", "small", "--images-per-epoch", "64")
    arguments = ("ranjana", "--user", user.email, *small, "--batch-size", "16")
    made = answer(api, "models", "train", *arguments)
    number = made["id"]
    assert (made["kind"], made["state"], made["user_id"]) == ("train", "queued", user_id(user))
    assert user.get(f"/api/jobs/{number}/").json()["kind"] == "train"
    log = answer(api, "audit", "list", "--action", "job_created")["results"]
    assert [entry["user_id"] for entry in log if entry["details"]["id"] == number] == [None]
    assert user.delete(f"/api/jobs/{number}/").json()["state"] == "cancelled"
    ended = command(api, "jobs", "watch", str(number), "--json")
    assert (ended.code, ended.stderr) == (1, f"Job {number} is cancelled.\n")
    assert json.loads(ended.stdout)["state"] == "cancelled"
    reading = hand_in(user, digits(3))
    assert answer(api, "jobs", "watch", str(reading))["counts"]["succeeded"] == 3
