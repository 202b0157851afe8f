"""All characters of a picture are found, in reading order, each where it is."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from archive_scripts.synthesis.photographs import photograph
from handlers.arrays import Field
from handlers.boxes import Box, picture_box
from handlers.errors import TooManyCharacters
from handlers.preprocessing import preprocess
from handlers.reading_order import reading_order
from handlers.several import preprocess_several
from tests.support.pictures import Page, encode, page
from tests.support.tables import FLAT, RIM, STEEP, Rng, even, gingham, lay, planks

ALL = list(range(36))
VARIED = (60, 90, 45, 80)


def overlap(one: Box, other: Box) -> float:
    """Intersection by union."""
    corners = [(x, y, x + width, y + height) for x, y, width, height in (one, other)]
    left, top = np.max(corners, axis=0)[:2]
    right, bottom = np.min(corners, axis=0)[2:]
    shared = max(0.0, right - left) * max(0.0, bottom - top)
    return float(shared / (one[2] * one[3] + other[2] * other[3] - shared))


def require_found(made: Page, data: bytes) -> None:
    found = preprocess_several(data)
    height, width = made.picture.shape
    boxes = [(x / width, y / height, w / width, h / height) for x, y, w, h in made.boxes]
    assert len(found.characters) == len(boxes)
    assert found.others == len(boxes) - 1
    for character, box in zip(found.characters, boxes, strict=True):
        assert overlap(character.box, box) > 0.75
    assert any(np.array_equal(found.ink, character.ink) for character in found.characters)
    # At the lower resolution of an answer about one character.
    assert preprocess(data).others == len(boxes) - 1


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(page([12], 1), id="one"),
        pytest.param(page([2, 5], 2), id="two"),
        pytest.param(page([5, 2, 12], 3, gap=0.1), id="close together"),
        pytest.param(page(ALL[:6], 3), id="six"),
        pytest.param(page(ALL[:7], 3), id="a row that is not full"),
        pytest.param(page(ALL[:24], 4, sizes=(90,)), id="24"),
        pytest.param(page(ALL, 6), id="36"),
        pytest.param(page(ALL, 6, gap=0.25, slope=0.04), id="36 in sloping rows"),
        pytest.param(page(ALL, 6, sizes=VARIED), id="36 of different sizes"),
        pytest.param(page(ALL[::-1] + ALL + ALL[:28], 10, sizes=(60,)), id="100"),
    ],
)
@pytest.mark.parametrize("lined", [False, True])
def test_every_character_of_a_page_is_found(made: Page, lined: bool) -> None:
    picture = made.picture.astype(np.float32)
    light = np.linspace(0, 60, picture.shape[1])
    picture = picture * 0.8 + 30 - light + np.random.default_rng(1).normal(0, 3, picture.shape)
    if lined:
        for y in range(18, picture.shape[0], 37):
            picture[y : y + 1] -= 70
    require_found(made, encode(picture.clip(0, 255).astype(np.uint8), "JPEG"))


def test_characters_that_hang_from_one_top_bar_are_told_apart() -> None:
    made = page([2, 12, 23, 15, 28], 5, sizes=(120,), gap=0.15)
    (first, top, *_), (last, _, width, _) = made.boxes[0], made.boxes[-1]
    made.picture[top : top + 12, first : last + width] = 0
    require_found(made, encode(made.picture))


def test_specks_and_a_shadow_beside_them_are_no_characters() -> None:
    made = page([2, 12, 20, 3], 2)
    rng = np.random.default_rng(2)
    for _ in range(60):
        x, y = (
            rng.integers(4, made.picture.shape[1] - 4),
            rng.integers(4, made.picture.shape[0] - 4),
        )
        made.picture[y : y + 2, x : x + 2] = 40
    made.picture[:, :14] = 60
    require_found(made, encode(made.picture))


def test_a_photograph_of_one_character_shows_no_others() -> None:
    for index in range(0, 36, 5):
        ink = 255 - page([index], 1, sizes=(200,)).picture
        rng = np.random.default_rng(index)
        picture = photograph(ink, rng, rules=index % 2 == 0, chalk=False)
        data = encode(picture[..., ::-1].copy(), "JPEG")
        assert preprocess(data).others == 0
        assert len(preprocess_several(data).characters) == 1


def test_boxes_are_those_of_the_upright_picture() -> None:
    made = page([2, 12, 20], 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees to the right
    turned = Image.fromarray(made.picture).transpose(Image.Transpose.ROTATE_90)
    require_found(made, encode(turned, "JPEG", exif=exif, quality=95))


def test_a_box_in_a_picture_that_was_taken_upright_is_mapped_back() -> None:
    corners = np.array([(100, 50), (500, 90), (520, 390), (80, 350)], np.float32)
    upright = np.array([(0, 0), (400, 0), (400, 300), (0, 300)], np.float32)
    matrix = cv2.getPerspectiveTransform(upright, corners).astype(np.float64)
    assert picture_box((0, 0, 400, 300), (600, 400), matrix) == pytest.approx(
        (80 / 600, 50 / 400, 440 / 600, 340 / 400), abs=1e-4
    )
    assert picture_box((-10, 20, 700, 100), (600, 400)) == (0, 0.05, 1, 0.25)


@pytest.mark.parametrize(
    ("table", "corners"),
    [
        pytest.param(planks, FLAT, id="on planks"),
        pytest.param(even(205), RIM, id="with a thin rim"),
        pytest.param(gingham, STEEP, id="at an angle"),
    ],
)
def test_boxes_on_a_sheet_are_those_of_the_picture_with_its_table(
    table: Callable[[int, int, Rng], Field], corners: tuple[tuple[float, float], ...]
) -> None:
    made = page([2, 12, 20, 3], 2)
    sheet = cv2.resize(made.picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    found = preprocess_several(encode(lay(sheet, table, corners), "JPEG"))
    size = (sheet.shape[1], sheet.shape[0])
    scale = np.array(size, np.float32)
    whole = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
    matrix = cv2.getPerspectiveTransform(whole * scale, np.array(corners, np.float32) * scale)
    assert len(found.characters) == len(made.boxes)
    for character, (x, y, width, height) in zip(found.characters, made.boxes, strict=True):
        wanted = picture_box((2 * x, 2 * y, 2 * width, 2 * height), size, matrix)
        assert overlap(character.box, wanted) > 0.75


def test_a_crowd_is_refused() -> None:
    with pytest.raises(TooManyCharacters, match="more than 100"):
        preprocess_several(encode(page(ALL[30:31] * 110, 11, sizes=(40,)).picture))


@pytest.mark.parametrize("slope", [-0.2, 0.0, 0.2])
def test_rows_are_read_from_the_top_even_if_they_slope(slope: float) -> None:
    rng = np.random.default_rng(3)
    boxes: npt.NDArray[np.float64] = np.array(
        [
            (100 * column, 90 * row + slope * 100 * column + rng.uniform(-12, 12), 50, 60)
            for row in range(5)
            for column in range(6)
        ]
    )
    shuffled = rng.permutation(len(boxes))
    assert [shuffled[index] for index in reading_order(boxes[shuffled])] == list(range(len(boxes)))
