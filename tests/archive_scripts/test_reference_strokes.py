"""The strokes that the web page draws match the reference pictures."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from archive_scripts.archives.building import ROOT
from archive_scripts.letterforms.nib import Nib, draw, thicken
from archive_scripts.letterforms.part_names import NAME
from archive_scripts.letterforms.reference_forms import reference_forms
from archive_scripts.letterforms.reference_strokes import (
    STROKES,
    distances,
    ink_of,
    write_reference_strokes,
)
from archive_scripts.letterforms.strokes import load_strokes
from handlers.characters import CHARACTERS
from tests.support.pictures import REFERENCES, reference

_PIXEL = 1 / 256
FEEDBACK = ROOT / "auth_api/web/strings/ne/feedback.js"


@pytest.fixture(scope="module")
def committed() -> list[list[dict[str, Any]]]:
    content: list[list[dict[str, Any]]] = json.loads((REFERENCES / STROKES).read_text())
    return content


def test_the_committed_strokes_are_up_to_date(
    committed: list[list[dict[str, Any]]], tmp_path: Path
) -> None:
    for picture in REFERENCES.glob("class_*.png"):
        shutil.copy(picture, tmp_path)
    write_reference_strokes(tmp_path)
    made = json.loads((tmp_path / STROKES).read_text())
    assert len(committed) == len(made) == len(CHARACTERS)
    for there, here, letterforms in zip(committed, made, load_strokes(), strict=True):
        # In the order of writing, as in the letterforms.
        assert len(there) == sum(len(form.strokes) for form in letterforms[:1])
        assert [stroke["name"] for stroke in there] == [stroke["name"] for stroke in here]
        for stroke, again in zip(there, here, strict=True):
            assert stroke["width"] == pytest.approx(again["width"], abs=0.002)
            assert np.array(stroke["points"]) == pytest.approx(np.array(again["points"]), abs=0.002)
            assert stroke["nib"]["widths"] == pytest.approx(again["nib"]["widths"], abs=0.002)


def test_strokes_cover_the_reference_and_little_else(
    committed: list[list[dict[str, Any]]],
) -> None:
    for index, strokes in enumerate(committed):
        # One pixel in three says enough about the ink, and one in eight about the paper.
        ink = ink_of(255 - reference(index))[::3]
        paper = ink_of(reference(index))[::8]
        shown, beside = np.zeros(len(ink), bool), np.zeros(len(paper), bool)
        for stroke in strokes:
            path = np.array(stroke["points"])
            assert path.min() >= 0
            assert path.max() <= 1
            assert 0.05 < stroke["width"] < 0.5
            # A path runs along the middle of the ink.
            columns, rows = np.minimum(path * 256, 255).astype(int).T
            assert (reference(index)[rows, columns] < 128).all(), (index, stroke["name"])
            shown |= distances(ink, path) <= stroke["width"] / 2 + _PIXEL
            beside |= distances(paper, path) <= stroke["width"] / 2
        assert shown.mean() > 0.99, index
        assert beside.mean() < 0.4, index


def test_the_nibs_of_all_strokes_together_write_the_reference(
    committed: list[list[dict[str, Any]]],
) -> None:
    for index, strokes in enumerate(committed):
        written = np.zeros((512, 512), np.uint8)
        for stroke in strokes:
            points, nib = np.array(stroke["points"]), stroke["nib"]
            assert len(nib["widths"]) == len(points)
            alone = np.zeros_like(written)
            draw(alone, points * 512, nib["angle"], np.array(nib["widths"]), Nib(), 512)
            written |= thicken(alone, nib["edge"] * 512)
        have = cv2.resize(written, (256, 256), interpolation=cv2.INTER_AREA) >= 128
        printed = reference(index) < 128
        assert (have & printed).sum() / (have | printed).sum() > 0.85, index


def test_the_page_translates_every_word_of_the_names() -> None:
    words = re.findall(r'"part\.([a-z ]+)"', FEEDBACK.read_text(encoding="utf-8"))
    for forms in reference_forms(REFERENCES):
        for part in (part for form in forms for part in form.parts):
            assert NAME.fullmatch(part.name), part.name
            known = part.name.replace("top bar", "")
            assert set(known.split()) <= set(words), part.name
