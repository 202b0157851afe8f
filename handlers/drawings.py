"""Drawings: the strokes of a pad, or an image of which all ink is meant. Nothing is isolated.

The pad is the frame of the reference picture.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Gray, gray
from handlers.decoding import decode
from handlers.errors import InvalidOption, NoCharacterFound
from handlers.ink_maps import binarised_ink, ink_map, ink_mask, is_binarised

SIDE = 256
"""Side of a pad in pixels, that of a reference picture."""

Stroke = npt.NDArray[np.float64]
"""Points in the order they were drawn, shape (n, 3): x to the right and y down, in shares of the
pad's side, and the pressure, 0-1."""

PENS = ("nib", "round")

MAX_STROKES = 64
MAX_POINTS = 2000
"""Per stroke."""
OUTERMOST = 2.0
"""A point is less than this many sides of the pad away from the pad's corner."""

WIDTHS = (0.01, 0.3)
"""Limits of the width of a pen, in shares of the pad's side."""
ANGLES = (0.0, 180.0)
"""Limits of the angle of a nib, in degrees clockwise from the horizontal."""

_WIDTH = {"nib": 0.12, "round": 0.036}
_LEAST_WIDTH = 0.35
"""Width without pressure, as a share of the full one."""
_EDGE = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
"""Adds the thickness of the nib's edge, in pixels."""
_NUMBERS = {int, float}
_SHIFT = 4
"""Fractional bits of the coordinates that OpenCV draws with."""


@dataclass(frozen=True)
class Pen:
    """A pen of the page, see auth_api/web/modules/pens.js."""

    kind: str
    """One of `PENS`: the edge of a reed pen, or a pencil."""
    width: float | None = None
    """Length of the nib's edge or width of the round pen, in shares of the pad; None is usual."""
    angle: float = 34.0
    """Of the nib's edge, in degrees clockwise from the horizontal."""

    @property
    def full_width(self) -> float:
        """Width of a stroke with full pressure, in pixels."""
        return SIDE * (_WIDTH[self.kind] if self.width is None else self.width)


@dataclass(frozen=True)
class Drawing:
    """The ink and the strokes of a pad."""

    pad: Gray
    """The ink, 255 on 0: uint8 of shape (256, 256)."""
    strokes: tuple[Stroke, ...] = ()
    """Empty if only the ink is known."""


def drawing_of_strokes(data: bytes, pen: Pen) -> Drawing:
    """Draws strokes, given as JSON.

    Raises InvalidOption for JSON that is no strokes, NoCharacterFound if no ink is on the pad.
    """
    strokes = tuple(_parse(data))
    pad = gray(np.zeros((SIDE, SIDE)))
    for stroke in strokes:
        (_draw_nib if pen.kind == "nib" else _draw_round)(pad, stroke, pen)
    if pen.kind == "nib":
        pad = gray(cv2.dilate(pad, _EDGE))
    if not pad.any():
        raise NoCharacterFound("No character found: the strokes are outside the pad.")
    return Drawing(pad, strokes)


def drawing_of_image(data: bytes) -> Drawing:
    """Takes all ink of an encoded image as drawn, and the image as the pad.

    An image that is not square is centred on a square pad. Raises an
    `handlers.errors.ImageRefused`.
    """
    picture = decode(data)
    ink = binarised_ink(picture) if is_binarised(picture) else ink_map(picture)
    mask = gray(ink_mask(ink)) * 255
    height, width = mask.shape
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = cv2.copyMakeBorder(
        mask, top, side - height - top, left, side - width - left, cv2.BORDER_CONSTANT
    )
    shrunk = side > SIDE
    method = cv2.INTER_AREA if shrunk else cv2.INTER_LINEAR
    pad = cv2.resize(square, (SIDE, SIDE), interpolation=method)
    return Drawing(gray(pad >= 128) * 255)


def _parse(data: bytes) -> list[Stroke]:
    try:
        strokes = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidOption("The strokes are no JSON.") from None
    if not isinstance(strokes, list) or not 1 <= len(strokes) <= MAX_STROKES:
        raise InvalidOption(f"The strokes must be a JSON array of 1 to {MAX_STROKES} strokes.")
    return [_parse_stroke(points, index) for index, points in enumerate(strokes)]


def _parse_stroke(points: Any, index: int) -> Stroke:
    if not isinstance(points, list) or not 1 <= len(points) <= MAX_POINTS:
        raise InvalidOption(f"Stroke {index} must be an array of 1 to {MAX_POINTS} points.")
    if not all(map(_is_point, points)):
        number = next(number for number, point in enumerate(points) if not _is_point(point))
        raise InvalidOption(
            f"Point {number} of stroke {index} must be [x, y] or [x, y, pressure], in shares of "
            "the pad's side."
        )
    return np.array([point if len(point) == 3 else [*point, 1.0] for point in points], np.float64)


def _is_point(point: Any) -> bool:
    if type(point) is not list or not 2 <= len(point) <= 3:
        return False
    if not _NUMBERS.issuperset(map(type, point)):
        return False
    x, y, *pressure = point
    inside = 1 - OUTERMOST <= x <= OUTERMOST and 1 - OUTERMOST <= y <= OUTERMOST
    return inside and not (pressure and not 0 <= pressure[0] <= 1)


def _draw_round(pad: Gray, stroke: Stroke, pen: Pen) -> None:
    points, widths = _pixels(stroke)
    thickness = np.maximum(1, np.round(pen.full_width * widths)).astype(int)
    fixed = np.round(points * (1 << _SHIFT)).astype(np.int32)
    # One call for each piece of one width.
    ends = [*(np.flatnonzero(np.diff(thickness[1:])) + 1).tolist(), len(points) - 1]
    start = 0
    for end in ends:
        piece = fixed[start : end + 1]
        cv2.polylines(pad, [piece], False, 255, int(thickness[end]), cv2.LINE_8, _SHIFT)
        start = end


def _draw_nib(pad: Gray, stroke: Stroke, pen: Pen) -> None:
    """Sweeps an edge without thickness; `_EDGE` adds it."""
    points, widths = _pixels(stroke)
    half = (pen.full_width / 2 * widths)[1:, None]
    angle = math.radians(pen.angle)
    edges = half * np.array([math.cos(angle), math.sin(angle)])
    start, end = points[:-1], points[1:]
    corners = np.stack([start - edges, start + edges, end + edges, end - edges], axis=1)
    for piece in np.round(corners * (1 << _SHIFT)).astype(np.int32):
        cv2.fillConvexPoly(pad, piece, 255, cv2.LINE_8, _SHIFT)


def _pixels(stroke: Stroke) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The points of a stroke in pixels, two or more and none twice in one pixel, (n, 2), and the
    widths there, shares of the full one, (n,).
    """
    points = stroke[:, :2] * SIDE
    widths = _LEAST_WIDTH + (1 - _LEAST_WIDTH) * stroke[:, 2]
    moved = np.diff(np.round(points), axis=0).any(axis=1)
    kept = np.concatenate([[True], moved])
    kept[-1] = True
    if len(points) == 1:
        return points.repeat(2, axis=0), widths.repeat(2)
    return points[kept], widths[kept]
