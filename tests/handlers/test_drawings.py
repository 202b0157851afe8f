"""Drawings are judged as drawn, stroke by stroke, for every character."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from archive_scripts.letterforms.reference_forms import reference_forms
from handlers.arrays import gray
from handlers.characters import CHARACTERS
from handlers.comparison import Comparison, Strictness, compare
from handlers.drawings import (
    MAX_POINTS,
    MAX_STROKES,
    PENS,
    Drawing,
    Pen,
    drawing_of_image,
    drawing_of_strokes,
)
from handlers.errors import InvalidOption, NoCharacterFound
from handlers.faults import Fault, find_faults
from handlers.feedback import sentences
from handlers.letterforms import Form
from handlers.lines import SIDE
from handlers.preprocessing import character_image, preprocess_drawing
from handlers.score import score
from tests.support.pictures import REFERENCES, encode, transparent

Strokes = list[npt.NDArray[np.float64]]
"""In shares of the pad."""

CLASSES = range(len(CHARACTERS))


@pytest.fixture(scope="module")
def forms() -> list[list[Form]]:
    return reference_forms(REFERENCES)


def strokes_of(form: Form) -> Strokes:
    return [part.points / SIDE for part in form.parts]


def sent(strokes: Sequence[npt.NDArray[np.float64]]) -> bytes:
    return json.dumps([stroke.round(4).tolist() for stroke in strokes]).encode()


def compared(
    strokes: Strokes,
    forms: list[Form],
    pen: str = "round",
    strictness: Strictness = Strictness.NORMAL,
    *,
    ink_alone: bool = False,
) -> Comparison:
    drawing = drawing_of_strokes(sent(strokes), Pen(pen))
    if ink_alone:
        drawing = Drawing(drawing.pad)
    return compare(preprocess_drawing(drawing, character_image).ink, forms, strictness, drawing)


def named(faults: Sequence[Fault], name: str) -> set[int | None]:
    """The strokes with a fault of this name."""
    return {fault.stroke for fault in faults if fault.fault == name}


@pytest.mark.parametrize("pen", PENS)
def test_an_exact_copy_has_no_fault_and_a_mark_of_90(forms: list[list[Form]], pen: str) -> None:
    for index, own in enumerate(forms):
        ink_alone = (index % 2 == 0) == (pen == "nib")
        comparison = compared(strokes_of(own[0]), own, pen, ink_alone=ink_alone)
        faults = find_faults(comparison)
        assert not faults, (own[0].parts, faults)
        assert score(comparison) >= 90
        assert comparison.form is own[0]


@pytest.mark.parametrize("ink_alone", [False, True])
def test_a_stroke_that_is_left_out_is_named_and_no_other(
    forms: list[list[Form]], ink_alone: bool
) -> None:
    """Every other stroke by the ink alone, and the others by the strokes too."""
    for number, own in enumerate(forms):
        strokes = strokes_of(own[0])
        for omitted in range(len(strokes) if len(strokes) > 1 else 0):
            if (number + omitted) % 2 == ink_alone:
                continue
            rest = [stroke for index, stroke in enumerate(strokes) if index != omitted]
            comparison = compared(rest, own, ink_alone=ink_alone)
            assert named(find_faults(comparison), "missing") == {omitted}, own[0].parts[omitted]
            assert score(comparison) <= 75
            if comparison.matching:
                assert comparison.matching.missing == [omitted]


def test_an_unfinished_letter_misses_only_what_is_not_drawn_yet(forms: list[list[Form]]) -> None:
    for number, own in enumerate(forms):
        strokes = strokes_of(own[0])
        for drawn in range(1 + number % 2, len(strokes), 2):
            found = find_faults(compared(strokes[:drawn], own))
            assert named(found, "missing") == {*range(drawn, len(strokes))}


def test_order_and_direction_are_told_last_and_cost_at_most_10(forms: list[list[Form]]) -> None:
    for own in forms:
        strokes = strokes_of(own[0])
        backwards = compared([stroke[::-1] for stroke in strokes], own)
        found = find_faults(backwards)
        long = {index for index, part in enumerate(own[0].parts) if len(part.points) > 8}
        assert named(found, "reversed") >= long
        assert 90 <= score(backwards) < 100
        if len(strokes) > 1:
            turned = compared(strokes[::-1], own)
            assert turned.matching
            assert turned.matching.early
            assert {fault.fault for fault in find_faults(turned)} == {"order"}
            flawed = find_faults(compared([stroke[::-1] for stroke in strokes[1:]], own))
            assert flawed[0].fault == "missing"


def test_two_strokes_in_one_and_one_in_two(forms: list[list[Form]]) -> None:
    ga = forms[2]
    strokes = strokes_of(ga[0])
    joined = [np.concatenate(strokes[:2]), *strokes[2:]]
    comparison = compared(joined, ga)
    assert comparison.matching
    assert (comparison.matching.missing, comparison.matching.joined) == ([], [1])
    assert "joined" in {fault.fault for fault in find_faults(comparison)}
    middle = len(strokes[1]) // 2
    halves = [strokes[0], strokes[1][: middle + 1], strokes[1][middle:], *strokes[2:]]
    comparison = compared(halves, ga)
    assert comparison.matching
    assert (comparison.matching.missing, comparison.matching.extra) == ([], [])
    assert not find_faults(comparison)


def test_a_stem_moved_by_8_percent_is_well_written_only_if_judged_leniently(
    forms: list[list[Form]],
) -> None:
    for index in CLASSES:
        own = forms[index]
        stems = [n for n, part in enumerate(own[0].parts) if part.name == "right stem"]
        if not stems or len(own[0].parts) < 3:
            continue
        strokes = strokes_of(own[0])
        strokes[stems[0]] = strokes[stems[0]] + (0.08, 0)
        told = {
            strictness: named(find_faults(compared(strokes, own, strictness=strictness)), "shifted")
            for strictness in Strictness
        }
        assert not told[Strictness.LENIENT], index
        assert told[Strictness.NORMAL] == told[Strictness.STRICT] == {stems[0]}, index


@pytest.mark.parametrize(
    ("scale", "offset", "sentence"),
    [
        (1.0, (0.15, 0.0), "Your it is too far to the right in its frame."),
        (1.0, (0.0, -0.15), "Your it is too far up in its frame."),
        (0.6, (0.2, 0.2), "Your it is too small for its frame."),
    ],
)
def test_place_and_size_in_the_frame_count(
    forms: list[list[Form]], scale: float, offset: tuple[float, float], sentence: str
) -> None:
    for index in (0, 2, 12, 24, 40):
        own = forms[index]
        moved = [stroke * scale + offset for stroke in strokes_of(own[0])]
        comparison = compared(moved, own)
        faults = find_faults(comparison)
        assert sentence in sentences(comparison, faults, "it"), index
        assert not named(faults, "missing"), index
        assert score(comparison) < 90


def test_the_mark_falls_with_every_flaw(forms: list[list[Form]]) -> None:
    for index in range(0, len(forms), 5):
        own = forms[index]
        strokes = strokes_of(own[0])
        longest = max(range(len(strokes)), key=lambda n: len(strokes[n]))
        shorter, moved = [], []
        for step in range(6):
            cut = list(strokes)
            cut[longest] = strokes[longest][: len(strokes[longest]) * (10 - step) // 10]
            shorter.append(score(compared(cut, own)))
            away = list(strokes)
            away[longest] = strokes[longest] + 0.03 * step
            moved.append(score(compared(away, own)))
        assert shorter == sorted(shorter, reverse=True), index
        assert shorter[0] > shorter[-1] + 10, index
        assert moved[0] > moved[-1] + 10, index


def test_a_dot_and_a_scribble_get_nothing(forms: list[list[Form]]) -> None:
    rng = np.random.default_rng(0)
    pictures = []
    for index, own in enumerate(forms):
        dot = [rng.uniform(0.1, 0.9, 2) + np.array([[0, 0], [0.01, 0]])]
        scribble = [rng.uniform(0.1, 0.9, (40, 2))]
        assert score(compared(dot, own, ink_alone=index % 2 == 0)) <= 10
        assert score(compared(scribble, own)) <= 10
        pictures.append(score(compared(scribble, own, ink_alone=True)))
    # One that fills a broad letter may look much like it.
    assert sum(mark > 10 for mark in pictures) <= 1


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"{}", b"[]", b"[[]]", b"[[[0.1]]]", b"[[[0.1, 0.2, 0.3, 0.4]]]",
        b"[[[1, null]]]", b'[[[0.1, "0.2"]]]', b"[[[true, 0.2]]]", b"[[[NaN, 0.2]]]",
        b"[[[1e400, 0.2]]]", b"[[[9, 0]]]", b"[[[0.1, 0.2, 2]]]", b"[" * 5000, b"[[0.1, 0.2]]",
        json.dumps([[[0, 0]]] * (MAX_STROKES + 1)).encode(),
        json.dumps([[[0, 0]] * (MAX_POINTS + 1)]).encode(),
    ],
)  # fmt: skip
def test_what_is_no_strokes_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidOption, match=r"[Ss]troke"):
        drawing_of_strokes(data, Pen("round"))


def test_strokes_outside_the_pad_are_no_character() -> None:
    with pytest.raises(NoCharacterFound):
        drawing_of_strokes(b"[[[1.5, 1.5], [1.9, 1.9]]]", Pen("nib"))


@pytest.mark.parametrize("pen", PENS)
def test_as_many_points_as_there_may_be_are_drawn_and_compared(
    forms: list[list[Form]], pen: str
) -> None:
    rng = np.random.default_rng(0)
    strokes = [rng.uniform(0, 1, (MAX_POINTS, 3)) for _ in range(MAX_STROKES)]
    assert score(compared(strokes, forms[3], pen)) <= 10


def test_pressure_makes_strokes_broader() -> None:
    for pen in PENS:
        lines = [b"[[[0.2, 0.5, %b], [0.8, 0.5, %b]]]" % (p, p) for p in (b"0", b"0.5", b"1")]
        inked = [np.count_nonzero(drawing_of_strokes(line, Pen(pen)).pad) for line in lines]
        assert inked[0] < inked[1] < inked[2]


def test_a_wider_pen_inks_more_and_the_angle_of_a_nib_decides_where() -> None:
    def inked(line: bytes, *pen: Any) -> int:
        return int(np.count_nonzero(drawing_of_strokes(line, Pen(*pen)).pad))

    across, down = b"[[[0.2, 0.5], [0.8, 0.5]]]", b"[[[0.5, 0.2], [0.5, 0.8]]]"
    for pen in PENS:
        assert inked(down, pen, 0.03) < inked(down, pen, 0.06) < inked(down, pen, 0.2)
    assert inked(down, "nib", None) == inked(down, "nib", 0.12, 34)
    assert inked(down, "round", None) == inked(down, "round", 0.036, 90)
    flat, upright = ("nib", 0.1, 0), ("nib", 0.1, 90)
    assert inked(across, *flat) < inked(down, *flat) / 3
    assert inked(down, *upright) < inked(across, *upright) / 3


@pytest.mark.parametrize(("width", "angle"), [(0.06, 20.0), (0.12, 34.0), (0.16, 60.0)])
def test_an_exact_copy_is_praised_with_the_nib_it_was_written_with(
    forms: list[list[Form]], width: float, angle: float
) -> None:
    for index in range(0, len(CLASSES), 6):
        own = forms[index]
        drawing = drawing_of_strokes(sent(strokes_of(own[0])), Pen("nib", width, angle))
        ink = preprocess_drawing(drawing, character_image).ink
        assert score(compare(ink, own, Strictness.NORMAL, drawing)) >= 90, index


def test_all_ink_of_a_drawn_picture_is_meant() -> None:
    ink = np.zeros((200, 300), np.uint8)
    cv2.line(ink, (60, 20), (60, 180), 255, 9)
    cv2.circle(ink, (280, 15), 4, 255, -1)
    pads = [
        drawing_of_image(encode(picture)).pad
        for picture in (gray(255 - ink), ink, transparent(ink), transparent(ink, (200, 30, 30)))
    ]
    for pad in pads:
        assert np.array_equal(pad, pads[0])
        # Centred on a square: 50 rows of paper above and below.
        assert pad[:42].sum() == 0
        assert pad[int(65 / 300 * 256), int(280 / 300 * 256)] == 255
