"""Drawings: the strokes of a pad, or an image of which all ink is meant. Nothing is isolated.

The pad is the frame of the reference picture.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
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
# size and that of a round pen in shares of the pad. See auth_api/web/modules/pens.js.
_NIB_ANGLE = math.radians(34)
_NIB_LENGTH = 0.12
_NIB_THICKNESS = 0.016
_ROUND_WIDTH = 0.036
_LEAST_WIDTH = 0.35
"""Width without pressure, as a share of the full one."""
_SHIFT = 4
"""Fractional bits of the coordinates that OpenCV draws with."""


@dataclass(frozen=True)
class Drawing:
    """What was drawn on a pad."""

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
    for number, point in enumerate(points):
        if not _is_point(point):
            raise InvalidOption(
                f"Point {number} of stroke {index} must be [x, y] or [x, y, pressure], in shares "
                "of the pad's side."
            )
    return np.array([[*point, 1.0][:3] for point in points], dtype=np.float64)


def _is_point(point: Any) -> bool:
    if not isinstance(point, list) or len(point) not in (2, 3):
        return False
    if any(type(each) not in (int, float) for each in point):
        return False
    near = all(1 - OUTERMOST <= each <= OUTERMOST for each in point[:2])
    return near and all(0 <= each <= 1 for each in point[2:])


def _draw_round(pad: Gray, stroke: Stroke) -> None:
    for start, end, pressure in _segments(stroke):
        width = max(1, round(_ROUND_WIDTH * pressure * SIDE))
        cv2.line(pad, _fixed(start), _fixed(end), 255, width, cv2.LINE_8, _SHIFT)


def _draw_nib(pad: Gray, stroke: Stroke) -> None:
    thickness = round(_NIB_THICKNESS * SIDE)
    for start, end, pressure in _segments(stroke):
        half = _NIB_LENGTH / 2 * pressure * SIDE
        edge = half * np.array([math.cos(_NIB_ANGLE), math.sin(_NIB_ANGLE)])
        corners = np.stack([start - edge, start + edge, end + edge, end - edge])
        piece = np.round(corners * (1 << _SHIFT)).astype(np.int32)
        cv2.fillConvexPoly(pad, piece, 255, cv2.LINE_8, _SHIFT)
        cv2.polylines(pad, [piece], True, 255, thickness, cv2.LINE_8, _SHIFT)


def _segments(stroke: Stroke) -> list[tuple[Stroke, Stroke, float]]:
    """Start, end and width, a share of the full one, of each piece of a stroke, in pixels."""
    points = stroke[:, :2] * SIDE
    widths = (_LEAST_WIDTH + (1 - _LEAST_WIDTH) * stroke[:, 2]).tolist()
    if len(points) == 1:
        return [(points[0], points[0], widths[0])]
    return list(zip(points[:-1], points[1:], widths[1:], strict=True))


def _fixed(point: Stroke) -> Sequence[int]:
    x, y = np.round(point * (1 << _SHIFT)).astype(int).tolist()
    return x, y
