"""A character is read on the sheet, card or board that a picture shows, wherever that lies."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest

from archive_scripts.synthesis.photographs import photograph
from archive_scripts.synthesis.tables import KINDS, lay_on_table
from handlers.arrays import Gray, gray
from handlers.errors import NoCharacterFound
from handlers.framing import frame_ink
from handlers.preprocessing import find_ink, preprocess, preprocess_digit
from handlers.sheet import upright_sheet
from tests.handlers.test_preprocessing import agreement, ink_of
from tests.support import tables
from tests.support.pictures import encode, reference

CHARACTERS = (1, 4, 10, 19, 27, 34)


@cache
def written(index: int, *, chalk: bool = False, rules: bool = False) -> Gray:
    """A photograph of a sheet or board that fills the picture."""
    rng = np.random.default_rng(index)
    picture = photograph(255 - reference(index), rng, size=(560, 448), rules=rules, chalk=chalk)
    return gray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))


def on_table(
    table: Callable[..., np.ndarray],
    corners: tuple[tuple[float, float], ...] = tables.FLAT,
    *,
    chalk: bool = False,
    rules: bool = False,
    **beside: bool,
) -> Callable[[int], Gray]:
    def picture(index: int) -> Gray:
        sheet = written(index, chalk=chalk, rules=rules)
        return tables.lay(sheet, table, corners, seed=index, **beside)

    return picture


ON_TABLES = {
    "on planks": on_table(tables.planks),
    "ruled paper on planks": on_table(tables.planks, rules=True),
    "on a cloth": on_table(tables.gingham),
    "on cork": on_table(tables.cork),
    "on something darker": on_table(tables.even(30)),
    "small": on_table(tables.planks, tables.SMALL),
    "seen at an angle": on_table(tables.cork, tables.STEEP),
    "cut by two edges": on_table(tables.even(60), tables.CUT),
    "with the black border of a scanner": on_table(tables.even(0), tables.RIM),
    "with the white border of a scanner": on_table(tables.even(255), tables.RIM),
    "on a dark mat on something bright": on_table(tables.lid),
    "with things beside it": on_table(tables.cluttered),
    "held by a thumb": on_table(tables.even(50), thumb=True),
    "half in shadow": on_table(tables.even(70), shadow=True),
    "a board on a bright wall": on_table(tables.even(215), chalk=True),
    "a board that fills the picture up to its frame": on_table(
        tables.even(170), tables.RIM, chalk=True
    ),
}


@pytest.mark.parametrize("kind", ON_TABLES)
def test_a_character_on_a_sheet_on_a_table_is_read(kind: str) -> None:
    found = [preprocess(encode(ON_TABLES[kind](index), "JPEG")).ink for index in CHARACTERS]
    shares = [agreement(ink, ink_of(index)) for ink, index in zip(found, CHARACTERS, strict=True)]
    assert min(shares) > 0.5, shares
    assert np.median(shares) > 0.7, shares


@pytest.mark.parametrize("kind", KINDS)
def test_tables_of_training_show_the_character(kind: str) -> None:
    rng = np.random.default_rng(4)
    sheet = photograph(255 - reference(12), rng, size=(560, 448), rules=False, chalk=False)
    picture = lay_on_table(sheet, np.random.default_rng(2), kind)
    assert picture.shape == sheet.shape
    assert agreement(preprocess(encode(picture[..., ::-1].copy(), "JPEG")).ink, ink_of(12)) > 0.6


def test_a_digit_on_a_sheet_on_a_table_is_read() -> None:
    page = np.full((400, 480), 225, np.uint8)
    cv2.putText(page, "5", (170, 280), cv2.FONT_HERSHEY_SIMPLEX, 7, 50, 16, cv2.LINE_AA)
    plain = preprocess_digit(encode(page)).ink
    found = preprocess_digit(encode(tables.lay(page, tables.planks))).ink
    assert agreement(found, plain) > 0.8


def test_a_scan_with_a_black_border_is_read_also_when_it_is_binarised() -> None:
    page = cv2.copyMakeBorder(reference(12), 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=255)
    for side in (page[:6], page[-6:], page[:, :6], page[:, -6:]):
        side[:] = 0
    assert agreement(preprocess(encode(page)).ink, ink_of(12)) > 0.9


def ring(thickness: int) -> Gray:
    page = np.full((400, 480), 230, np.uint8)
    cv2.circle(page, (240, 200), 120, 40, thickness)
    return page


def boxed(index: int) -> Gray:
    page = written(index).copy()
    cv2.rectangle(page, (20, 20), (540, 428), 60, 5)
    return page


def blinds(index: int) -> Gray:
    page = written(index)
    return gray(page * tables.stripes(*page.shape))


def bold() -> Gray:
    ink = cv2.dilate(255 - reference(2), np.ones((21, 21), np.uint8))
    return gray(255 - 0.8 * cv2.GaussianBlur(ink, (0, 0), 2))


def beside_a_shadow() -> Gray:
    page = written(4).astype(np.float32)
    light = 1 / (1 + np.exp(-(np.arange(560) - 180) / 12))
    return gray(page * (0.5 + 0.5 * light))


@pytest.mark.parametrize(
    "picture",
    [
        *(pytest.param(written(index, rules=index % 2 == 0), id=f"paper {index}")
          for index in range(0, 36, 4)),
        pytest.param(written(3, chalk=True), id="a board"),
        pytest.param(boxed(5), id="a drawn box"),
        pytest.param(blinds(7), id="stripes of shadow"),
        pytest.param(beside_a_shadow(), id="a soft shadow"),
        pytest.param(bold(), id="a bold character"),
        pytest.param(ring(12), id="a ring"),
        pytest.param(ring(-1), id="a disc"),
        pytest.param(reference(9), id="a drawing"),
    ],
)  # fmt: skip
def test_paper_without_a_table_is_read_as_it_is(picture: Gray) -> None:
    assert upright_sheet(picture) is None


def test_a_character_on_a_button_is_read() -> None:
    page = np.full((400, 480), 235, np.uint8)
    page[60:340, 90:390] = 120
    button = 255 - cv2.resize(255 - reference(12), (200, 200), interpolation=cv2.INTER_AREA)
    page[100:300, 140:340] = np.minimum(120, button)
    found = preprocess(encode(cv2.GaussianBlur(page, (0, 0), 1), "JPEG")).ink
    assert agreement(found, ink_of(12)) > 0.8


def test_a_blank_sheet_on_a_table_is_refused() -> None:
    blank = gray(np.full((400, 480), 228))
    for corners in (tables.FLAT, tables.SMALL, tables.STEEP):
        with pytest.raises(NoCharacterFound):
            preprocess(encode(tables.lay(blank, tables.even(50), corners), "JPEG"))


def test_a_bold_stroke_is_no_blank_sheet() -> None:
    stroke = gray(np.full((300, 200), 220))
    stroke[40:260, 65:135] = 30
    found = find_ink(cv2.GaussianBlur(stroke, (0, 0), 1.5))
    assert found.isolated
    assert agreement(frame_ink(gray(found.mask) * 255), frame_ink(255 - stroke)) > 0.9
