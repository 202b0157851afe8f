"""Digits to send: real ones that no model was trained on, and drawn ones."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from handlers.arrays import Gray, gray

_SIDE = 28
_SHEET = Path(__file__).with_name("data") / "digits.png"
"""Two hundred digits of MNIST (LeCun, Cortes and Burges; from NIST's public-domain databases), one
row of twenty per digit, from the last five thousand training images, which `train digits` holds
out."""

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


def held_out(digit: int, number: int) -> Gray:
    """A real digit of MNIST: uint8 of shape (28, 28), white on black."""
    sheet = np.asarray(Image.open(_SHEET).convert("L"))
    top, left = digit * _SIDE, number * _SIDE
    return gray(sheet[top : top + _SIDE, left : left + _SIDE])


def drawn(digit: int, rng: np.random.Generator, side: int = 280) -> Gray:
    """A digit as if drawn with a mouse: black on white, uint8 of shape (side, side)."""
    page = np.full((side, side), 255, np.uint8)
    pen = max(2, round(side * rng.uniform(0.02, 0.07)))
    angle = np.deg2rad(rng.normal(0, 4))
    scale = side / 10 * rng.uniform(0.8, 1.1) * np.array([rng.uniform(0.9, 1.2), 1])
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for stroke in _STROKES[digit].split("|"):
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
