"""Characters that are small in a large picture, and letters drawn as outlines."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest

from handlers.arrays import Gray, gray
from handlers.outlines import is_outlined
from handlers.preprocessing import preprocess
from handlers.several import preprocess_several
from tests.handlers.test_preprocessing import agreement, ink_of
from tests.support.pictures import encode, reference

SOME = range(0, 36, 5)


def on_paper(ink: Gray, size: int, side: int, place: tuple[float, float] = (0.3, 0.5)) -> Gray:
    """Ink that is `size` pixels large on a sheet of `side` pixels; `place` in shares of it."""
    x, y, width, height = cv2.boundingRect(gray(ink >= 128))
    scale = size / max(width, height)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    letter = cv2.resize(
        ink[y : y + height, x : x + width], None, fx=scale, fy=scale, interpolation=method
    )
    paper = np.random.default_rng(1).normal(232, 2, (side, side))
    left, top = round(place[0] * side), round(place[1] * side)
    paper[top : top + letter.shape[0], left : left + letter.shape[1]] -= letter * 0.75
    return gray(paper.clip(0, 255))


@cache
def large_ink(index: int) -> Gray:
    """The ink image of a reference that is large in its picture."""
    return preprocess(encode(on_paper(255 - reference(index), 200, 480))).ink


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("size", [24, 40])
@pytest.mark.parametrize("index", SOME)
def test_a_small_character_is_looked_at_nearer(index: int, size: int, kind: str) -> None:
    large = large_ink(index)
    options = {"quality": 92} if kind == "JPEG" else {}
    small = encode(on_paper(255 - reference(index), size, 1200), kind, **options)
    found = preprocess(small)
    assert agreement(found.ink, large) > 0.9
    several = preprocess_several(small)
    assert agreement(several.ink, large) > 0.9
    left, top, width, height = several.characters[0].box
    assert (left, top) == pytest.approx((0.3, 0.5), abs=0.003)
    assert max(width, height) == pytest.approx(size / 1200, abs=0.004)


def test_a_file_that_shows_no_more_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded_again(*_: object) -> Gray:
        raise AssertionError("decoded again")

    monkeypatch.setattr("handlers.preprocessing.close_up", decoded_again)
    assert preprocess(encode(on_paper(255 - reference(2), 30, 400))).isolated
    assert preprocess(encode(on_paper(255 - reference(2), 300, 1200))).isolated


def outlined(index: int) -> Gray:
    """A reference whose strokes are drawn as outlines."""
    ink = cv2.resize(255 - reference(index), (640, 640), interpolation=cv2.INTER_CUBIC)
    ink = cv2.copyMakeBorder(ink, 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=0)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    return gray(cv2.morphologyEx(gray(ink >= 128) * 255, cv2.MORPH_GRADIENT, kernel))


@pytest.mark.parametrize("index", range(36))
def test_outlines_are_filled(index: int) -> None:
    found = preprocess(encode(on_paper(outlined(index), 300, 480, (0.15, 0.15)))).ink
    assert agreement(found, ink_of(index)) > 0.75


@pytest.mark.parametrize("index", range(36))
def test_the_counters_of_a_letter_are_not_filled(index: int) -> None:
    x, y, width, height = cv2.boundingRect(gray(reference(index) < 128))
    assert not is_outlined(reference(index)[y : y + height, x : x + width] < 128)
