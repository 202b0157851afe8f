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

# The pens of the page: the edge of a reed pen, in radians clockwise from the horizontal, and its
# length and the width of a round pen in shares of the pad. See auth_api/web/modules/pens.js.
_NIB_ANGLE = math.radians(34)
_NIB_LENGTH = 0.12
_ROUND_WIDTH = 0.036
_LEAST_WIDTH = 0.35
"""Width without pressure, as a share of the full one."""
_EDGE = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
"""Adds the thickness of the nib's edge, in pixels."""
_NUMBERS = {int, float}
_SHIFT = 4
"""Fractional bits of the coordinates that OpenCV draws with."""


@dataclass(frozen=True)
class Drawing:
    """The ink and the strokes of a pad."""

    pad: Gray
    """The ink, 255 on 0: uint8 of shape (256, 256)."""
    strokes: tuple[Stroke, ...] = ()
    """Empty if only the ink is known."""


def drawing_of_strokes(data: bytes, pen: str) -> Drawing:
    """Draws strokes, given as JSON, with one of `PENS`.

    Raises InvalidOption for JSON that is no strokes, NoCharacterFound if no ink is on the pad.
    """
    strokes = tuple(_parse(data))
    pad = gray(np.zeros((SIDE, SIDE)))
    for stroke in strokes:
        (_draw_nib if pen == "nib" else _draw_round)(pad, stroke)
    if pen == "nib":
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


def _draw_round(pad: Gray, stroke: Stroke) -> None:
    points, widths = _pixels(stroke)
    thickness = np.maximum(1, np.round(_ROUND_WIDTH * SIDE * widths)).astype(int)
    fixed = np.round(points * (1 << _SHIFT)).astype(np.int32)
    # One call for each piece of one width.
    ends = [*(np.flatnonzero(np.diff(thickness[1:])) + 1).tolist(), len(points) - 1]
    start = 0
    for end in ends:
        piece = fixed[start : end + 1]
        cv2.polylines(pad, [piece], False, 255, int(thickness[end]), cv2.LINE_8, _SHIFT)
        start = end


def _draw_nib(pad: Gray, stroke: Stroke) -> None:
    """Sweeps an edge without thickness; `_EDGE` adds it."""
    points, widths = _pixels(stroke)
    half = (_NIB_LENGTH / 2 * SIDE * widths)[1:, None]
    edges = half * np.array([math.cos(_NIB_ANGLE), math.sin(_NIB_ANGLE)])
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
