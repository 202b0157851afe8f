"""The comparison finds planted flaws in their place, and none in a good copy."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from archive_scripts.letterforms.reference_forms import reference_forms
from handlers.alignment import align, on_canvas
from handlers.characters import CHARACTERS
from handlers.comparison import Comparison, Strictness, compare
from handlers.distance import THRESHOLD, similarity_score
from handlers.faults import find_faults
from handlers.feedback import sentences
from handlers.letterforms import Form
from handlers.lines import line_of_ink
from handlers.preprocessing import preprocess
from tests.support.flaws import Picture, Place, add, erase, shift, thick, thin
from tests.support.pictures import REFERENCES, encode, reference

CLASSES = len(CHARACTERS)


@pytest.fixture(scope="module")
def forms() -> list[list[Form]]:
    return reference_forms(REFERENCES)


def compared(
    picture: Picture, forms: list[Form], strictness: Strictness = Strictness.NORMAL
) -> Comparison:
    return compare(preprocess(encode(picture)).ink, forms, strictness)


def rotated(picture: Picture, degrees: float) -> Picture:
    matrix = cv2.getRotationMatrix2D((128, 128), degrees, 0.85)
    return np.asarray(cv2.warpAffine(picture, matrix, (256, 256), borderValue=255), dtype=np.uint8)


def small(picture: Picture) -> Picture:
    page = np.full((400, 500), 255, np.uint8)
    page[60:124, 300:364] = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA)
    return page


def said_of(comparison: Comparison, name: str) -> list[str]:
    return sentences(comparison, find_faults(comparison), name)


@pytest.mark.parametrize("plant", [erase, shift, add])
def test_a_planted_flaw_is_among_the_two_worst_regions(
    forms: list[list[Form]], plant: Callable[[Picture, np.random.Generator], tuple[Picture, Place]]
) -> None:
    rng = np.random.default_rng(7)
    found = []
    for index in range(CLASSES):
        flawed, place = plant(reference(index), rng)
        picture = rotated(flawed, 5) if index % 2 else flawed
        regions = sorted(compared(picture, forms[index]).regions, key=lambda each: each.score)
        found.append(place in [(worst.row, worst.column) for worst in regions[:2]])
    assert np.mean(found) >= 0.9


@pytest.mark.parametrize("plant", [erase, shift])
def test_a_planted_flaw_is_reported(
    forms: list[list[Form]], plant: Callable[[Picture, np.random.Generator], tuple[Picture, Place]]
) -> None:
    rng = np.random.default_rng(11)
    reported = [
        bool(find_faults(compared(plant(reference(i), rng)[0], forms[i]))) for i in range(CLASSES)
    ]
    assert np.mean(reported) >= 0.85


@pytest.mark.parametrize("write", [thin, thick])
def test_the_width_of_the_pen_is_no_fault(
    forms: list[list[Form]], write: Callable[[Picture], Picture]
) -> None:
    said = [said_of(compared(write(reference(i)), forms[i]), "it") for i in range(CLASSES)]
    missing = ["missing" in " ".join(own) or "short" in " ".join(own) for own in said]
    assert np.mean(missing) <= 0.1


def test_a_good_copy_of_any_size_position_and_tilt_is_praised(forms: list[list[Form]]) -> None:
    copies = np.copy, small, lambda picture: rotated(picture, 7)
    for index in range(CLASSES):
        write = copies[index % len(copies)]
        comparison = compared(write(reference(index)), forms[index])
        assert comparison.form.source == "nithya"
        said = said_of(comparison, "it")
        assert said[0] == "Well written: every part of it is there and in its place.", said
        assert all(found.score > 60 for found in comparison.regions)


def test_another_tradition_is_compared_with_its_own_letterform(forms: list[list[Form]]) -> None:
    for index, own in enumerate(forms):
        for form in own[1:]:
            comparison = compared(255 - form.picture, own)
            assert not find_faults(comparison), (index, form.source)


def test_sentences_name_the_part_and_the_worst_comes_first(forms: list[list[Form]]) -> None:
    ga = reference(2)
    without_bar = ga.copy()
    without_bar[:70, :100] = 255
    said = said_of(compared(without_bar, forms[2]), "ga")
    assert 2 <= len(said) <= 4
    assert said[0] == "The top bar is too short at its left end."
    without_bowl = ga.copy()
    without_bowl[95:, :145] = 255
    said = said_of(compared(without_bowl, forms[2]), "ga")
    assert "left bowl" in said[0]


def test_stricter_settings_find_more_faults(forms: list[list[Form]]) -> None:
    rng = np.random.default_rng(5)
    counts = dict.fromkeys(Strictness, 0)
    for index in range(0, CLASSES, 3):
        flawed, _ = shift(reference(index), rng)
        for strictness in Strictness:
            counts[strictness] += len(find_faults(compared(flawed, forms[index], strictness)))
    assert counts[Strictness.LENIENT] < counts[Strictness.NORMAL] < counts[Strictness.STRICT]
    with pytest.raises(ValueError, match="lenient, normal, strict"):
        Strictness.named("harsh")


def test_the_wrong_character_has_faults(forms: list[list[Form]]) -> None:
    wrong = [
        bool(find_faults(compared(reference((i + 7) % CLASSES), forms[i]))) for i in range(CLASSES)
    ]
    assert np.mean(wrong) >= 0.9


def test_alignment_undoes_a_transform_of_the_ink() -> None:
    original = on_canvas(preprocess(encode(reference(4))).ink)
    matrix = np.array([[0.62, -0.09, 20.0], [0.08, 0.8, 5.0]])
    moved = np.asarray(cv2.warpAffine(original, matrix, (128, 128)), dtype=np.uint8)
    (found,) = align(line_of_ink(moved), [line_of_ink(original)])
    points = np.array([[20.0, 20.0], [100, 30], [60, 110]])
    moved_points = points @ matrix[:, :2].T + matrix[:, 2]
    back = moved_points @ found.matrix[:, :2].T + found.matrix[:, 2]
    assert np.abs(back - points).max() < 5
    assert found.cost < 1.5


def test_an_image_without_ink_cannot_be_compared(forms: list[list[Form]]) -> None:
    with pytest.raises(ValueError, match="no ink"):
        compare(np.zeros((64, 64), np.uint8), forms[0], Strictness.NORMAL)


def test_the_score_falls_from_100_through_50_at_the_threshold_to_0() -> None:
    assert similarity_score(0) == 100
    assert similarity_score(THRESHOLD / 2) == pytest.approx(75)
    assert similarity_score(THRESHOLD) == 50
    assert similarity_score((THRESHOLD + 1.2) / 2) == pytest.approx(25)
    assert similarity_score(1.2) == similarity_score(2) == 0
    scores = [similarity_score(distance) for distance in np.linspace(0, 1.2, 401)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 401


def outline(size: tuple[int, int], centre: tuple[int, int], axes: tuple[int, int]) -> Picture:
    picture = np.full(size, 255, np.uint8)
    cv2.ellipse(picture, centre, axes, 0, 0, 360, 0, 2)
    return picture


def scribble(rng: np.random.Generator) -> Picture:
    picture = np.full((200, 260), 255, np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        ends = rng.integers(10, 190, (2, 2)).tolist()
        cv2.line(picture, ends[0], ends[1], 0, int(rng.integers(1, 4)))
    return picture


def test_any_ink_can_be_compared(forms: list[list[Form]]) -> None:
    rng = np.random.default_rng(0)
    square = np.zeros((64, 64), np.uint8)
    square[4:60, 4:60] = 255
    faint = np.zeros((64, 64), np.uint8)
    faint[10:50, 30] = 128
    dot = np.zeros((64, 64), np.uint8)
    dot[0, 63] = 255
    inks = [square, faint, dot, np.full((64, 64), 255, np.uint8)]
    pictures = [
        outline((522, 590), (261, 261), (260, 259)),
        outline((480, 360), (180, 240), (179, 239)),
        *(scribble(rng) for _ in range(12)),
    ]
    inks += [preprocess(encode(picture)).ink for picture in pictures]
    for number, ink in enumerate(inks):
        for own in (forms[number % CLASSES], forms[(7 * number + 5) % CLASSES]):
            comparison = compare(ink, own, Strictness.NORMAL)
            said = said_of(comparison, "it")
            assert 1 <= len(said) <= 4
            assert not said[0].startswith("Well written"), (number, said)
            for found in comparison.regions:
                assert 0 <= found.missing <= 1
                assert 0 <= found.extra <= 1


def test_a_blot_over_the_whole_letter_is_extra_ink(forms: list[list[Form]]) -> None:
    ink = np.zeros((64, 64), np.uint8)
    ink[4:60, 4:60] = 255
    regions = compare(ink, forms[12], Strictness.NORMAL).regions
    assert max(found.extra for found in regions) > 0.3
    assert min(found.score for found in regions) < 70
