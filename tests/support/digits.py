"""Digits to send: real ones that no model was trained on, and drawn ones; drawn marks that are no
digits.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from PIL import Image

from archive_scripts.improvement.fixed_set import DIGITS_SHEET
from handlers.arrays import Gray, gray

_SIDE = 28

# One digit per line: strokes as points, xy, on a grid of 10x10.
_STROKES = (
    "53 43 34 36 47 57 66 64 53 43",
    "43 52 53 54 55 56 57 58",
    "33 42 52 62 64 55 46 37 38 48 58 68",
    "33 42 52 63 64 55 45 55 65 66 67 58 48 37",
    "42 43 44 35 36 46 56 66 76|63 64 65 66 67 68",
    "62 52 42 32 33 34 35 45 55 66 67 58 48 37",
    "62 52 43 34 35 36 37 48 58 67 66 55 45 36",
    "32 42 52 62 63 54 55 46 47 48",
    "54 43 42 52 62 63 54 45 36 37 48 58 67 66 54",
    "64 53 43 34 35 46 56 65 64 63 64 65 66 57 48",
)

NO_DIGITS = {
    "A": "38 52 68|46 66",
    "E": "62 42 48 68|45 65",
    "F": "62 42 48|45 65",
    "H": "32 38|62 68|35 65",
    "K": "42 48|62 45 68",
    "M": "38 32 55 72 78",
    "N": "38 32 68 62",
    "P": "48 42 52 63 64 55 45",
    "R": "48 42 52 63 64 55 45|54 68",
    "T": "32 72|52 58",
    "V": "32 58 72",
    "W": "22 38 54 68 82",
    "X": "32 68|62 38",
    "Y": "32 55 72|55 58",
    "a": "64 54 45 47 58 67|64 66 68",
    "d": "65 55 46 47 58 67|62 65 68",
    "f": "63 53 44 48|35 55",
    "h": "42 48|46 55 65 68",
    "k": "42 48|64 46 68",
    "m": "34 38|35 44 54 58|55 64 74 78",
    "n": "44 48|45 54 64 68",
    "u": "44 47 58 67 64|64 68",
    "w": "34 48 55 68 74",
    "x": "44 68|64 48",
    "+": "53 57|35 75",
    "=": "34 64|36 66",
    "#": "43 47|63 67|34 74|36 76",
    "*": "53 57|34 76|74 36",
    "?": "33 42 52 63 54 55 56|58 58",
    "%": "62 38|32 42 43 33 32|67 77 78 68 67",
    "-": "35 75",
    ".": "55 55",
    ":": "54 54|57 57",
    ">": "32 65 38",
    "✓": "35 48 72",
    "१": "64 53 43 44 45 55 64 63|64 66 57 47 48 69",
    "४": "42 54 66 67 58 47 46 54 62",
    "५": "42 45 55 63|62 67 78",
    "६": "62 43 44 55 46 47 58 68 69|58 79",
    "७": "33 35 37 58 67 65 54 45 56",
    "८": "63 53 43 45 58 78",
    "९": "63 53 43 44 54 64|54 45 46 57 78",
    "क": "32 72|52 58|54 44 45 55 65 66 67",
    "ग": "32 72|42 45 36|62 68",
    "त": "32 72|62 68|65 55 46 48",
    "न": "32 72|62 68|65 45 46",
    "म": "32 72|42 46 37|62 68|46 66",
    "र": "32 72|52 54 45 58",
    "व": "32 72|62 68|64 54 45 46 57 66",
}
"""Letters, signs and Devanagari digits, none of which is a Western digit, as strokes."""


def held_out(digit: int, number: int) -> Gray:
    """A real digit of MNIST: uint8 of shape (28, 28), white on black."""
    top, left = digit * _SIDE, number * _SIDE
    return gray(_sheet()[top : top + _SIDE, left : left + _SIDE])


@cache
def _sheet() -> Gray:
    return gray(np.asarray(Image.open(DIGITS_SHEET).convert("L")))


def drawn(digit: int, rng: np.random.Generator, side: int = 280) -> Gray:
    """A digit as if drawn with a mouse: black on white, uint8 of shape (side, side)."""
    return drawn_strokes(_STROKES[digit], rng, side)


def drawn_strokes(strokes: str, rng: np.random.Generator, side: int = 280) -> Gray:
    """Strokes as in `NO_DIGITS`, as if drawn with a mouse."""
    page = np.full((side, side), 255, np.uint8)
    pen = max(2, round(side * rng.uniform(0.02, 0.07)))
    angle = np.deg2rad(rng.normal(0, 4))
    scale = side / 10 * rng.uniform(0.8, 1.1) * np.array([rng.uniform(0.9, 1.2), 1])
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for stroke in strokes.split("|"):
        points = np.array([[int(x) + 0.0, int(y) + 0.0] for x, y in stroke.split()]) - 5
        points = points + rng.normal(0, 0.08, points.shape)
        smooth = _smooth(points) @ matrix.T * scale + side / 2
        cv2.polylines(page, [smooth.round().astype(np.int32)], False, 0, pen, cv2.LINE_AA)
    return gray(page)


def _smooth(points: np.ndarray) -> np.ndarray:
    """Cuts the corners three times (Chaikin 1974)."""
    for _ in range(3):
        near = 0.75 * points[:-1] + 0.25 * points[1:]
        far = 0.25 * points[:-1] + 0.75 * points[1:]
        between = np.stack([near, far], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], between, points[-1:]])
    return points
