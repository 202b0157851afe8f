"""Each fault planted into a letter of four straight strokes gets its own sentence."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import pytest

from handlers.arrays import Gray, gray
from handlers.comparison import Comparison, Strictness, compare
from handlers.drawings import Drawing
from handlers.faults import find_faults
from handlers.feedback import sentences
from handlers.letterforms import Form, Part
from handlers.position_words import direction, place_within, third

Point = tuple[int, int]
Stroke = tuple[Point, Point]

STROKES: dict[str, Stroke] = {
    "top bar": ((32, 32), (224, 32)),
    "left stem": ((60, 32), (60, 224)),
    "middle bar": ((60, 116), (210, 116)),
    "tail": ((140, 170), (190, 220)),
}
PEN = 16
PRAISE = "Well written: every part of it is there and in its place."


def drawn(strokes: Mapping[str, Stroke | None], pen: int = PEN) -> Gray:
    picture = np.zeros((256, 256), np.uint8)
    for stroke in strokes.values():
        if stroke:
            cv2.line(picture, *stroke, 255, pen)
    return picture


FORM = Form(
    "straight",
    drawn(STROKES),
    tuple(
        # The canvas has half the side of the picture.
        Part(name, np.linspace(start, end, 25) / 2)
        for name, (start, end) in STROKES.items()
    ),
)


def compared(
    picture: Gray, strictness: Strictness = Strictness.NORMAL, *, in_frame: bool = False
) -> Comparison:
    ink = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA)
    return compare(gray(ink), [FORM], strictness, Drawing(picture) if in_frame else None)


def said(picture: Gray, verdict: str | None = None, *, in_frame: bool = False) -> list[str]:
    comparison = compared(picture, in_frame=in_frame)
    return sentences(comparison, find_faults(comparison), "it", verdict)


@pytest.mark.parametrize(
    ("name", "stroke", "sentence"),
    [
        ("top bar", None, "The top bar is missing."),
        ("left stem", None, "The left stem is missing."),
        ("middle bar", None, "The middle bar is missing."),
        ("tail", None, "The tail is missing."),
        ("top bar", ((100, 32), (224, 32)), "The top bar is too short at its left end."),
        ("middle bar", ((60, 116), (150, 116)), "The middle bar is too short at its right end."),
        ("left stem", ((60, 32), (60, 180)), "The left stem is too short at its lower end."),
        ("tail", ((165, 195), (190, 220)), "The tail is too short at its upper left end."),
        ("tail", ((140, 170), (165, 195)), "The tail is too short at its lower right end."),
        ("top bar", ((62, 32), (194, 32)), "The top bar is too short at both ends."),
        ("top bar", ((2, 32), (224, 32)), "The top bar is too long at its left end."),
        ("middle bar", ((60, 116), (250, 116)), "The middle bar is too long at its right end."),
        ("left stem", ((60, 2), (60, 224)), "The left stem is too long at its upper end."),
        ("tail", ((110, 140), (190, 220)), "The tail is too long at its upper left end."),
        ("tail", ((140, 170), (220, 250)), "The tail is too long at its lower right end."),
        ("middle bar", ((60, 94), (210, 94)), "The middle bar is too far up."),
        ("tail", ((158, 152), (208, 202)), "The tail is too far up to the right."),
        ("tail", ((122, 188), (172, 238)), "The tail is too far down to the left."),
    ],
)
def test_a_changed_stroke(name: str, stroke: Stroke | None, sentence: str) -> None:
    expected = [sentence, "Everything else about your it is in its place."]
    picture = drawn({**STROKES, name: stroke})
    assert said(picture, in_frame=True) == expected
    assert said(picture) == expected


@pytest.mark.parametrize(
    ("left", "right", "sentence"),
    [
        (80, 130, "The middle bar is broken on the left."),
        (110, 150, "The middle bar is broken in the middle."),
        (145, 190, "The middle bar is broken on the right."),
    ],
)
def test_a_gap(left: int, right: int, sentence: str) -> None:
    picture = drawn(STROKES)
    picture[100:132, left:right] = 0
    assert said(picture)[0] == sentence


def test_a_gap_across_a_stroke() -> None:
    picture = drawn(STROKES)
    picture[50:90, 40:80] = 0
    assert said(picture)[0] == "The left stem is broken at the top."


@pytest.mark.parametrize(
    ("centre", "place"),
    [
        ((20, 74), "at the upper left"),
        ((128, 74), "at the top"),
        ((230, 74), "at the upper right"),
        ((20, 110), "on the left"),
        ((230, 150), "on the right"),
        ((20, 200), "at the lower left"),
        ((90, 200), "at the bottom"),
        ((236, 200), "at the lower right"),
    ],
)
def test_an_extra_stroke(centre: Point, place: str) -> None:
    x, y = centre
    flawed = drawn({**STROKES, "extra": ((x - 10, y - 18), (x + 10, y + 18))})
    assert said(flawed)[0] == f"There is an extra stroke {place}."


@pytest.mark.parametrize(
    ("centre", "axes", "sentence"),
    [
        ((44, 170), (16, 24), "The left stem is too thick at the bottom."),
        ((76, 170), (16, 24), "The left stem is too thick at the bottom."),
        ((150, 20), (30, 14), "The top bar is too thick in the middle."),
        ((150, 44), (30, 14), "The top bar is too thick in the middle."),
    ],
)
def test_a_bulge(centre: Point, axes: Point, sentence: str) -> None:
    flawed = cv2.ellipse(drawn(STROKES), centre, axes, 0, 0, 360, 255, -1)
    assert said(gray(flawed))[0] == sentence


def test_the_first_letterform_is_left_only_for_one_that_fits_clearly_better() -> None:
    ink = gray(cv2.resize(drawn(STROKES), (64, 64), interpolation=cv2.INTER_AREA))
    low_bar = drawn({**STROKES, "middle bar": ((60, 150), (210, 150)), "tail": None})
    other, alike = Form("other", low_bar, FORM.parts), Form("alike", drawn(STROKES, 12), FORM.parts)
    chosen = [compare(ink, forms, Strictness.NORMAL) for forms in ([other, FORM], [FORM, alike])]
    assert [each.form.source for each in chosen] == ["straight", "straight"]


@pytest.mark.parametrize("pen", [5, 8, 16, 30])
def test_any_pen_is_praised(pen: int) -> None:
    assert said(drawn(STROKES, pen)) == [PRAISE]


@pytest.mark.parametrize(
    ("width", "height", "first"),
    [
        (0.7, 1, "Your it is too narrow."),
        (1, 0.7, "Your it is too wide."),
        (0.9, 1, PRAISE),
        (1, 0.9, PRAISE),
    ],
)
def test_other_proportions_are_named(width: float, height: float, first: str) -> None:
    matrix = np.array([[width, 0, 128 * (1 - width)], [0, height, 128 * (1 - height)]])
    picture = gray(cv2.warpAffine(drawn(STROKES), matrix, (256, 256)))
    assert said(picture)[0] == first


def test_a_faultless_letter_is_praised_only_if_it_is_that_character() -> None:
    verdict = "This looks more like that."
    assert said(drawn(STROKES), verdict) == [
        verdict,
        "Compare it with the reference part by part.",
    ]


def test_a_verdict_comes_before_at_most_three_faults() -> None:
    picture = drawn({"left stem": STROKES["left stem"], "extra": ((236, 182), (236, 218))})
    faults = said(picture)
    assert len(faults) == 4
    assert said(picture, "No.") == ["No.", *faults[:3]]


@pytest.mark.parametrize(
    ("vector", "words"),
    [
        ((3, 0), "right"),
        ((-3, 0), "left"),
        ((0, 3), "down"),
        ((0, -3), "up"),
        ((3, 2), "down right"),
        ((-3, 2), "down left"),
        ((3, -2), "up right"),
        ((-3, -2), "up left"),
        ((5, 2), "right"),
        ((-2, -5), "up"),
    ],
)
def test_eight_directions(vector: Point, words: str) -> None:
    assert direction(np.array(vector, float)) == words


@pytest.mark.parametrize(
    ("size", "point", "words"),
    [
        ((60, 20), (5, 19), "left"),
        ((60, 20), (30, 0), "middle"),
        ((20, 60), (19, 5), "upper"),
        ((20, 60), (0, 55), "lower"),
        ((40, 20), (35, 5), "upper right"),
        ((20, 40), (5, 35), "lower left"),
        ((0, 0), (0, 0), "upper left"),
    ],
)
def test_a_place_in_a_long_narrow_part_is_along_it(size: Point, point: Point, words: str) -> None:
    corner = np.array((17.0, 90.0))
    assert place_within(corner + point, np.array([corner, corner + size])) == words


def test_the_picture_is_named_in_thirds() -> None:
    assert [third(share) for share in (0.33, 0.34, 0.66, 0.67, -0.1, 1.0)] == [0, 1, 1, 2, 0, 2]


@pytest.mark.parametrize(("others", "characters"), [(1, 2), (3, 4)])
@pytest.mark.parametrize("verdict", [None, "This looks like another."])
def test_a_learner_hears_that_other_characters_were_not_judged(
    others: int, characters: int, verdict: str | None
) -> None:
    faulty = compared(drawn({**STROKES, "top bar": None, "tail": None}))
    faults = find_faults(faulty)
    *rest, last = sentences(faulty, faults, "it", verdict, others)
    assert last == f"Only the largest character near the middle was judged, of {characters}."
    assert rest == sentences(faulty, faults, "it", verdict)[:3]
