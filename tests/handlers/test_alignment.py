"""The alignment undoes a turn and a stretch, but neither without limit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from handlers.alignment import Alignment, align, on_canvas
from handlers.arrays import Gray, gray
from handlers.lines import SIDE, line_of_ink
from tests.handlers.test_feedback import FORM

Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def moved(ink: Gray, matrix: Matrix) -> Gray:
    return gray(cv2.warpAffine(ink, matrix, (SIDE, SIDE)))


def turned(degrees: float) -> Gray:
    """The letter turned anticlockwise, at 0.7 of its size."""
    return moved(FORM.ink, np.asarray(cv2.getRotationMatrix2D((64, 64), degrees, 0.7)))


def stretched(width: float, height: float) -> Gray:
    matrix = np.array([[width, 0, 64 * (1 - width)], [0, height, 64 * (1 - height)]])
    return moved(FORM.ink, matrix)


def found(ink: Gray) -> Alignment:
    (alignment,) = align(line_of_ink(ink), [FORM.middle])
    return alignment


def turn(alignment: Alignment) -> float:
    """Degrees clockwise."""
    return float(np.rad2deg(np.arctan2(alignment.matrix[1, 0], alignment.matrix[0, 0])))


@pytest.mark.parametrize("degrees", [-22, -16, -8, 0, 8, 16, 22])
def test_a_turn_is_undone(degrees: float) -> None:
    alignment = found(turned(degrees))
    assert turn(alignment) == pytest.approx(degrees, abs=2)
    assert alignment.aspect == pytest.approx(1, abs=0.06)
    # Larger turns cost more, so that the smaller one wins between equal fits.
    assert alignment.cost == pytest.approx(0.35 + 0.5 * np.deg2rad(abs(degrees)), abs=0.7)


@pytest.mark.parametrize("degrees", [-30, 30])
def test_ink_is_turned_by_at_most_25_degrees(degrees: float) -> None:
    assert 15 < abs(turn(found(turned(degrees)))) < 25.1


@pytest.mark.parametrize(
    ("width", "height"), [(0.8, 0.8), (0.6, 0.9), (0.9, 0.6), (0.46, 0.95), (0.95, 0.46)]
)
def test_a_stretch_is_undone(width: float, height: float) -> None:
    alignment = found(stretched(width, height))
    assert alignment.aspect == pytest.approx(height / width, rel=0.08)
    assert turn(alignment) == pytest.approx(0, abs=2)
    corners = np.array([[10.0, 10.0], [118, 10], [118, 118]])
    back = 64 + (corners - 64) * (width, height)
    again = back @ alignment.matrix[:, :2].T + alignment.matrix[:, 2]
    assert np.abs(again - corners).max() < 5


@pytest.mark.parametrize(("width", "height"), [(0.36, 0.9), (0.9, 0.36)])
def test_ink_is_stretched_by_at_most_2_2(width: float, height: float) -> None:
    aspect = found(stretched(width, height)).aspect
    assert 1.8 < max(aspect, 1 / aspect) <= 2.2


def test_the_letter_itself_stays_where_it_is() -> None:
    ink = on_canvas(FORM.ink)
    alignment = found(FORM.ink)
    assert alignment.cost == pytest.approx(0)
    assert np.array_equal(alignment.apply(ink), ink)


def test_ink_that_would_leave_the_canvas_is_not_moved() -> None:
    away = Alignment(np.array([[1.0, 0, 500], [0, 1, 0]]), 0, 1)
    assert np.array_equal(away.apply(FORM.ink), FORM.ink)


def test_faint_ink_counts_if_there_is_no_other() -> None:
    faint = np.zeros((64, 64), np.uint8)
    faint[20:40, 30] = 60
    assert np.count_nonzero(on_canvas(faint)) >= 40
    faint[20:40, 10] = 255
    assert not on_canvas(faint)[:, 55:66].any()
