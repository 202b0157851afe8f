"""A folder with a specification becomes a version of a model, also after interruptions."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from archive_scripts.__main__ import main
from archive_scripts.archives.building import ROOT
from archive_scripts.improvement.events import Events
from archive_scripts.improvement.specification import read_specification
from archive_scripts.improvement.split import divide
from archive_scripts.improvement.trainer import Trainer
from archive_scripts.improvement.validation import Validator
from archive_scripts.training.labelled import LabelledInkImages
from archive_scripts.training.networks import describe_weights, load_network
from handlers.preprocessing import preprocess_digit
from tests.support.digits import held_out
from tests.support.pictures import encode, reference

Event = dict[str, Any]


def specify(folder: Path, **fields: Any) -> Path:
    """Writes the specification of a tiny training."""
    folder.mkdir(exist_ok=True)
    tiny = {"epochs": 2, "images_per_epoch": 64, "batch_size": 32, "start": None, "job": 12}
    content = {**tiny, "version": "1.1", "model_store": str(folder / "store"), **fields}
    (folder / "spec.json").write_text(json.dumps(content))
    return folder


def label_digits(folder: Path, each: int = 8) -> None:
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
        for number in range(each):
            (folder / str(digit) / f"{number}.png").write_bytes(encode(held_out(digit, number)))


def emitted(folder: Path, event: str) -> list[Event]:
    lines = (folder / "events.jsonl").read_text().splitlines()
    return [each for each in map(json.loads, lines) if each["event"] == event]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"model": "ranjana", "synthesis": False}, "nothing to learn from"),
        ({"model": "digits", "synthesis": True, "labelled": "l"}, "no described letterforms"),
        ({"model": "ranjana", "version": "../1"}, "version"),
        ({"model": "ranjana", "labelled": "../elsewhere"}, "beside spec.json"),
        ({"model": "ranjana", "images_per_epoch": 10}, "no batch of 32"),
        ({"model": "ranjana", "augmentation": 2.5}, "augmentation"),
        ({"model": "ranjana", "epoch": 3}, "epoch"),
        ({"model": "ranjana", "mode": "tune", "search": {"learning_rate": [1, 0.1]}}, "down to"),
        ({"model": "letters"}, "model"),
    ],
)
def test_an_invalid_specification_is_refused_with_the_reason(
    fields: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=reason):
        read_specification(specify(tmp_path, **fields))


def test_the_same_fifth_of_the_pictures_is_held_out_every_time(tmp_path: Path) -> None:
    label_digits(tmp_path, 20)
    pictures = [(path, int(path.parent.name)) for path in sorted(tmp_path.rglob("*.png"))]
    training, out = divide(pictures)
    assert len(training) + len(out) == 200
    assert 20 <= len(out) <= 60
    # The order, the names and the other pictures do not matter.
    (tmp_path / "copy.png").write_bytes(out[0][0].read_bytes())
    again = divide([(tmp_path / "copy.png", out[0][1]), *reversed(pictures[:150])])[1]
    assert tmp_path / "copy.png" in {path for path, _ in again}
    assert {path for path, _ in again} - {tmp_path / "copy.png"} <= {path for path, _ in out}
    alone = divide([out[0]])
    assert alone == ([out[0]], [])


def test_an_incomplete_last_event_is_removed(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text('{"event": "epoch", "epoch": 1}\n{"event": "epo')
    events = Events(tmp_path)
    events.emit("epoch", epoch=2)
    assert [event["epoch"] for event in emitted(tmp_path, "epoch")] == [1, 2]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished training on labelled pictures and a correction."""
    folder = specify(
        tmp_path_factory.mktemp("trained"),
        model="ranjana",
        network="small",
        labelled="labelled",
        corrections="corrections",
        workers=2,
    )
    (folder / "labelled").mkdir()
    for index in range(36):
        picture = encode(255 - reference(index))
        (folder / "labelled" / f"class_{index}.png").write_bytes(picture)
    (folder / "corrections" / "3").mkdir(parents=True)
    (folder / "corrections" / "3" / "a.png").write_bytes(encode(reference(3)))
    assert main(["improve", str(folder)]) == 0
    return folder


def test_a_training_writes_an_archive_that_describes_itself(trained: Path) -> None:
    (done,) = emitted(trained, "done")
    assert done["archive"] == "ranjana-1.1.mar"
    assert done["before"] is None
    assert done["parameters"]["learning_rate"] == 5e-4
    store = trained / "store"
    subprocess.run(["sha256sum", "--check", "ranjana-1.1.mar.sha256"], cwd=store, check=True)
    assert (store / "ranjana-1.1.mar.sha256").read_text().startswith(done["sha256"])
    with zipfile.ZipFile(store / "ranjana-1.1.mar") as members:
        manifest = json.loads(members.read("MAR-INF/MANIFEST.json"))["model"]
        figures = json.loads(members.read("evaluation.json"))
        card = members.read("card.md").decode()
    assert (manifest["modelName"], manifest["modelVersion"]) == ("ranjana", "1.1")
    assert (figures["version"], figures["top1"]) == ("1.1", done["after"]["top1"])
    assert "never saw" in figures["data"]
    assert "36 labelled pictures" in card
    assert "1 correction by users" in card
    assert describe_weights(store / "ranjana-1.1.safetensors").network == "small"


def test_every_epoch_is_emitted(trained: Path) -> None:
    epochs = emitted(trained, "epoch")
    assert [(each["epoch"], each["epochs"], each["progress"]) for each in epochs] == [
        (1, 2, 0.5),
        (2, 2, 1.0),
    ]
    assert all(each["loss"] > 0 and each["validation_loss"] > 0 for each in epochs)
    assert all(0 <= each["accuracy"] <= 1 for each in epochs)


def test_a_finished_training_prints_its_result_again(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (trained / "events.jsonl").read_text()
    assert main(["improve", str(trained)]) == 0
    assert json.loads(capsys.readouterr().out) == emitted(trained, "done")[0]
    assert (trained / "events.jsonl").read_text() == before


def test_a_training_stopped_after_the_weights_publishes_them_later(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "again"
    shutil.copytree(trained, folder)
    specification = json.loads((folder / "spec.json").read_text())
    specification["model_store"] = str(folder / "store")
    (folder / "spec.json").write_text(json.dumps(specification))
    (done,) = emitted(folder, "done")
    lines = (folder / "events.jsonl").read_text().splitlines(keepends=True)
    (folder / "events.jsonl").write_text("".join(lines[:-1]))
    # The archive exists already and stays unchanged.
    assert main(["improve", str(folder)]) == 0
    assert emitted(folder, "done") == [done]
    (folder / "events.jsonl").write_text("".join(lines[:-1]))
    for path in (folder / "store").iterdir():
        path.unlink()

    copyfile = shutil.copyfile

    def copy_and_stop(source: str | Path, target: str | Path, **options: Any) -> None:
        copyfile(source, target, **options)
        if str(target).endswith(".safetensors.partial"):
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", copy_and_stop)
        with pytest.raises(SystemExit) as ended:
            main(["improve", str(folder)])
    assert ended.value.code == 128 + signal.SIGTERM
    left = {path.name for path in (folder / "store").iterdir()}
    assert left == {"ranjana-1.1.mar", "ranjana-1.1.mar.sha256"}
    assert main(["improve", str(folder)]) == 0
    (other,) = emitted(folder, "done")
    assert other | {"sha256": ""} == done | {"sha256": ""}
    assert len(emitted(folder, "epoch")) == 2


def test_a_version_that_exists_is_not_overwritten(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = specify(tmp_path / "other", model="ranjana", model_store=str(trained / "store"))
    assert main(["improve", str(folder)]) == 1
    (error,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert error["event"] == "error"
    assert error["message"].endswith("choose another version.")


@pytest.mark.thorough
def test_the_initial_weights_are_measured_too(trained: Path, tmp_path: Path) -> None:
    start = trained / "store" / "ranjana-1.1.safetensors"
    folder = specify(tmp_path / "next", model="ranjana", version="1.2", start=str(start), epochs=1)
    assert main(["improve", str(folder)]) == 0
    (done,) = emitted(folder, "done")
    assert done["before"].keys() == done["after"].keys()
    assert "ranjana 1.1 (SHA-256" in (folder / "weights.md").read_text()


@pytest.mark.thorough
def test_similarity_is_measured_by_pairs(tmp_path: Path) -> None:
    folder = specify(tmp_path, model="similarity", network="small", epochs=1)
    assert main(["improve", str(folder)]) == 0
    (done,) = emitted(folder, "done")
    assert {"accuracy", "same", "different"} < done["after"].keys()
    with zipfile.ZipFile(folder / "store" / "similarity-1.1.mar") as members:
        figures = json.loads(members.read("evaluation.json"))
    assert figures["kind"] == "verification"


def test_calibration_needs_enough_pictures_and_a_mistake() -> None:
    digits = ROOT / "weights" / "digits.safetensors"
    network, weights = load_network(digits), describe_weights(digits)
    inks = [preprocess_digit(encode(held_out(digit, 5))).ink for digit in range(10)] * 4
    right = LabelledInkImages(inks, np.arange(40) % 10)
    none = LabelledInkImages([], np.zeros(0, np.int64))
    same, how = Validator("digits", right, none).calibrated(network, weights)
    assert same == weights
    assert "kept" in how
    wrong = LabelledInkImages(inks, np.where(np.arange(40) == 7, 1, right.labels))
    other, how = Validator("digits", wrong, none).calibrated(network, weights)
    assert other.temperature > weights.temperature
    assert "held-out pictures" in how
    few = LabelledInkImages(inks[:20], right.labels[:20])
    assert "all of these" in Validator("digits", few, wrong).calibrated(network, weights)[1]


def test_a_class_without_pictures_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = specify(tmp_path, model="ranjana", synthesis=False, labelled="labelled")
    (folder / "labelled" / "0").mkdir(parents=True)
    (folder / "labelled" / "0" / "a.png").write_bytes(encode(reference(0)))
    assert main(["improve", str(folder)]) == 1
    assert "Nothing shows class 1 (kha)" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["improve", str(tmp_path / "nowhere")])
    assert ended.value.code == 2


@pytest.mark.thorough
def test_a_killed_training_resumes(tmp_path: Path) -> None:
    fields = {"labelled": "labelled", "synthesis": False, "epochs": 3, "images_per_epoch": 128}
    folder = specify(tmp_path, model="digits", **fields)
    label_digits(folder / "labelled")
    command = [sys.executable, "-m", "archive_scripts", "improve", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as running:
        assert running.stdout is not None
        first = next(line for line in running.stdout if '"epoch"' in line)
        running.send_signal(signal.SIGKILL)
    assert main(["improve", str(folder)]) == 0
    epochs = emitted(folder, "epoch")
    assert epochs[0] == json.loads(first)
    assert [each["epoch"] for each in epochs] == [1, 2, 3]
    assert len(emitted(folder, "done")) == 1


def test_a_tuning_survives_diverging_trials_and_fails_if_all_diverge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fields: dict[str, Any] = {"mode": "tune", "labelled": "labelled", "synthesis": False}
    fields |= {"trials": 2, "epochs": 1, "search": {"batch_size": [32]}}
    folder = specify(tmp_path / "some", model="digits", **fields)
    label_digits(folder / "labelled")
    none = specify(tmp_path / "none", model="digits", **fields)
    (none / "labelled").symlink_to(folder / "labelled")
    train, trials = Trainer.train, []

    def diverging(trainer: Trainer, parameters: Any, checkpoint: Path, callback: Any) -> Any:
        trials.append(parameters)
        if len(trials) != 2:
            callback.on_step(1, 2, float("nan"))
        return train(trainer, parameters, checkpoint, callback)

    monkeypatch.setattr(Trainer, "train", diverging)
    assert main(["improve", str(folder)]) == 0
    assert [each["state"] for each in emitted(folder, "trial")] == ["pruned", "complete"]
    assert main(["improve", str(none)]) == 1
    assert "No trial learned anything" in capsys.readouterr().out


@pytest.mark.thorough
def test_an_interrupted_tuning_runs_the_remaining_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = {"learning_rate": [1e-4, 1e-2], "batch_size": [16, 32]}
    folder = specify(
        tmp_path,
        model="digits",
        mode="tune",
        labelled="labelled",
        synthesis=False,
        trials=3,
        search=search,
    )
    label_digits(folder / "labelled")
    train, trials = Trainer.train, []

    def interrupted(trainer: Trainer, *arguments: Any) -> Any:
        trials.append(arguments[0])
        if len(trials) == 2:
            raise KeyboardInterrupt
        return train(trainer, *arguments)

    monkeypatch.setattr(Trainer, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        main(["improve", str(folder)])
    assert [each["trial"] for each in emitted(folder, "trial")] == [0]
    assert main(["improve", str(folder)]) == 0
    finished = emitted(folder, "trial")
    assert [(each["trial"], each["trials"]) for each in finished] == [(0, 3), (1, 3), (2, 3)]
    assert finished[0]["parameters"] != finished[1]["parameters"]
    assert all(1e-4 <= each["parameters"]["learning_rate"] <= 1e-2 for each in finished)
    study = optuna.load_study(study_name="digits", storage=f"sqlite:///{folder / 'study.db'}")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL", *["COMPLETE"] * 2]
    (done,) = emitted(folder, "done")
    assert done["parameters"].items() >= study.best_params.items()
    assert "best of 3 trials" in (folder / "weights.md").read_text()
