"""The character is found among specks, shadows, ruled lines and its neighbours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from handlers.arrays import Mask, mask
from handlers.errors import NoCharacterFound
from handlers.isolation import isolate
from handlers.ruled_lines import remove_ruled_lines

SIDE = 200

Box = tuple[int, int, int, int]
"""Top, bottom, left and right."""


def written(*boxes: Box) -> Mask:
    picture = np.zeros((SIDE, SIDE), bool)
    for top, bottom, left, right in boxes:
        picture[top:bottom, left:right] = True
    return picture


STEM, BAR = (60, 140, 80, 95), (60, 72, 70, 130)
CHARACTER = written(STEM, BAR)


def isolated(picture: Mask) -> Mask:
    """The isolated character at its place in the picture."""
    found = isolate(picture)
    assert found is not None
    height, width = found.mask.shape
    # Cropped to the character.
    assert found.mask.any(axis=0)[[0, -1]].all()
    assert found.mask.any(axis=1)[[0, -1]].all()
    whole = np.zeros_like(picture)
    whole[found.top : found.top + height, found.left : found.left + width] = found.mask
    return whole


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((100, 102, 110, 113), id="a speck inside its box"),
        pytest.param((144, 147, 100, 103), id="a speck below it"),
        pytest.param((53, 56, 90, 96), id="a speck above it"),
        pytest.param((33, 42, 100, 109), id="a small dot far above it"),
        pytest.param((157, 176, 100, 119), id="a large blot far below it"),
        pytest.param((175, 182, 100, 107), id="a blot far below"),
        pytest.param((90, 97, 143, 150), id="a blot to the right"),
        pytest.param((50, 150, 170, 200), id="a neighbour that is cut off"),
        pytest.param((20, 180, 160, 199), id="a larger neighbour"),
        pytest.param((0, 200, 170, 200), id="a shadow on the right"),
        pytest.param((0, 200, 0, 30), id="a shadow on the left"),
        pytest.param((170, 200, 0, 200), id="a shadow below"),
        pytest.param((0, 30, 0, 200), id="a shadow above"),
    ],
)
def test_what_does_not_belong_to_the_character_goes(other: Box) -> None:
    assert np.array_equal(isolated(written(STEM, BAR, other)), CHARACTER)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param((100, 106, 110, 116), id="inside its box"),
        pytest.param((146, 153, 100, 107), id="below"),
        pytest.param((47, 54, 100, 107), id="above"),
        pytest.param((24, 43, 100, 119), id="large, far above"),
        pytest.param((36, 55, 33, 52), id="large, above on the left"),
        pytest.param((100, 107, 136, 143), id="on the right"),
        pytest.param((100, 107, 57, 64), id="on the left"),
    ],
)
def test_a_dot_of_the_character_stays(part: Box) -> None:
    assert np.array_equal(isolated(written(STEM, BAR, part)), written(STEM, BAR, part))


@pytest.mark.parametrize(
    ("others", "count"),
    [
        pytest.param([(60, 140, 150, 165)], 1, id="a stem as high"),
        pytest.param(
            [(64, 132, 10, 20), (64, 74, 10, 50), (60, 140, 180, 190), (60, 70, 150, 190)],
            2,
            id="one on each side",
        ),
        pytest.param([(60, 140, 138, 148), (60, 70, 138, 168)], 1, id="one that is very near"),
        pytest.param([(156, 196, 20, 30), (156, 164, 20, 55)], 1, id="one of half the size"),
        pytest.param([(150, 156, 30, 40), (30, 33, 20, 24)], 0, id="stray marks"),
        pytest.param([(170, 178, 40, 160)], 0, id="an underline"),
        pytest.param([(50, 130, 170, 200)], 0, id="a finger at the edge"),
        pytest.param([(0, 200, 180, 200)], 0, id="a shadow"),
        pytest.param([(0, 20, 0, 200), (0, 200, 0, 20)], 0, id="the edges of a table"),
        pytest.param([(30, 150, 145, 195)], 0, id="a solid thing"),
        pytest.param([(146, 153, 100, 107), (47, 54, 100, 107)], 0, id="its own dots"),
    ],
)
def test_other_characters_are_counted_and_other_things_are_not(
    others: list[Box], count: int
) -> None:
    found = isolate(written(STEM, BAR, *others))
    assert found is not None
    assert len(found.others) == count


def test_characters_of_a_picture_that_is_cropped_to_its_ink_count() -> None:
    cropped = written(STEM, BAR, (60, 140, 150, 165))[60:140, 70:165]
    found = isolate(cropped)
    assert found is not None
    assert len(found.others) == 1


def test_a_chain_of_parts_stays() -> None:
    """The second part is near enough only to the first."""
    chain = written(STEM, BAR, (100, 110, 136, 146), (100, 110, 154, 164))
    assert np.array_equal(isolated(chain), chain)


@pytest.mark.parametrize("upright", [False, True])
def test_the_gap_to_a_part_is_measured_by_the_longer_side(upright: bool) -> None:
    long, near, far = (100, 120, 20, 140), (100, 115, 155, 170), (100, 115, 160, 175)
    with_part, with_neighbour = written(long, near), written(long, far)
    if upright:
        with_part, with_neighbour = with_part.T.copy(), with_neighbour.T.copy()
    assert isolated(with_part).sum() == 20 * 120 + 15 * 15
    assert isolated(with_neighbour).sum() == 20 * 120


def test_a_character_that_reaches_all_four_edges_cannot_be_isolated() -> None:
    cross = written((1, 199, 90, 110), (90, 110, 1, 199))
    assert isolate(cross) is None
    for top, bottom, left, right in ((2, 199, 1, 199), (1, 198, 1, 199), (1, 199, 2, 199)):
        almost = written((top, bottom, 90, 110), (90, 110, left, right))
        assert np.array_equal(isolated(almost), almost)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(written(), id="nothing"),
        pytest.param(~written(), id="ink everywhere"),
        pytest.param(written((100, 102, 100, 102)), id="a speck"),
        pytest.param(
            written(
                *((10 * y, 10 * y + 3, 10 * x, 10 * x + 3) for y in range(9) for x in range(9))
            ),
            id="many specks",
        ),
        pytest.param(np.random.default_rng(0).random((SIDE, SIDE)) > 0.5, id="noise"),
    ],
)
def test_a_picture_without_a_character_is_refused(picture: Mask) -> None:
    with pytest.raises(NoCharacterFound, match="No character found"):
        isolate(picture)


def ruled(*lines: tuple[tuple[int, int], tuple[int, int]], thickness: int = 2) -> Mask:
    """The character on ruled paper."""
    picture = CHARACTER.astype(np.uint8)
    for start, end in lines:
        cv2.line(picture, start, end, 1, thickness)
    return mask(picture)


@pytest.mark.parametrize("thickness", [1, 2, 3])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param((0, 160), (199, 165), id="below the character"),
        pytest.param((0, 110), (199, 110), id="across its stem"),
        pytest.param((0, 66), (199, 66), id="along its bar"),
        pytest.param((0, 60), (199, 140), id="sloping"),
        pytest.param((150, 0), (140, 199), id="beside it"),
        pytest.param((110, 0), (105, 199), id="across its bar"),
    ],
)
def test_a_single_ruled_line_goes(
    start: tuple[int, int], end: tuple[int, int], thickness: int
) -> None:
    cleaned = remove_ruled_lines(ruled((start, end), thickness=thickness))
    assert not (CHARACTER & ~cleaned).any()
    around = cv2.dilate(CHARACTER.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert not (cleaned & ~around).any()
    assert cleaned.dtype == bool


def test_a_thin_stroke_across_a_line_is_not_cut() -> None:
    picture = written((40, 160, 98, 102), (40, 44, 80, 120))
    lined = picture | written(*((y, y + 2, 0, 200) for y in (70, 100, 130)))
    cleaned = remove_ruled_lines(lined)
    assert not (picture & ~cleaned).any()
    assert (cleaned & ~picture).sum() <= 24


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(((30, 160), (170, 160)), id="paper at both ends"),
        pytest.param(((0, 20), (199, 190)), id="too steep"),
    ],
)
def test_other_straight_lines_stay(line: tuple[tuple[int, int], tuple[int, int]]) -> None:
    assert np.array_equal(remove_ruled_lines(ruled(line)), ruled(line))


def test_a_thick_stripe_is_no_ruled_line() -> None:
    stripe = written(STEM, (60, 70, 0, 200))
    assert np.array_equal(remove_ruled_lines(stripe), stripe)


@pytest.mark.parametrize("thickness", [2, 3])
@pytest.mark.parametrize("upright", [False, True])
def test_thin_strokes_of_a_character_that_fills_the_picture_stay(
    upright: bool, thickness: int
) -> None:
    filling = written((20, 20 + thickness, 0, 200), (20, 190, 60, 80), (100, 110, 2, 198))
    if upright:
        filling = filling.T.copy()
    assert np.array_equal(remove_ruled_lines(filling), filling)


def test_a_bar_and_a_stem_are_no_ruled_lines() -> None:
    bar, stem = (20, 23, 0, 200), (0, 200, 180, 183)
    filling = written(bar, stem, (20, 198, 60, 80), (100, 110, 2, 198))
    assert np.array_equal(remove_ruled_lines(filling), filling)


@pytest.mark.parametrize("margin", [0, 2, 5, 10, 30])
@pytest.mark.parametrize("gap", [5, 10, 16])
@pytest.mark.parametrize("upright", [False, True])
def test_two_thin_strokes_that_end_before_the_edge_are_no_ruled_lines(
    upright: bool, gap: int, margin: int
) -> None:
    """As a split nib leaves them, in a tight crop or with a `margin` of paper, both in percent."""
    end = SIDE - SIDE * gap // 100
    filling = written((10, 190, 60, 76), (10, 30, 0, 140)).astype(np.uint8)
    for below in (0, 22):
        cv2.line(filling, (0, 110 + below), (end, 165 + below), 1, 3)
    framed = mask(np.pad(filling, SIDE * margin // 100))
    if upright:
        framed = framed.T.copy()
    assert np.array_equal(remove_ruled_lines(framed), framed)


def test_two_ruled_lines_go_even_if_the_character_fills_the_picture() -> None:
    filling = written((20, 190, 60, 80), (100, 110, 2, 198))
    lined = filling | written((50, 52, 0, 200), (150, 152, 0, 200))
    assert np.array_equal(remove_ruled_lines(lined)[:, 90:], filling[:, 90:])
