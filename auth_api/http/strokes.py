"""Strokes as requests have them: the checks, and the compact JSON that is sent on and stored.

A stroke is an array of points in the order of drawing. A point is `[x, y]` or `[x, y, pressure]`:
x to the right and y down in shares of the pad's side, pressure 0-1. A pen may leave the pad.
"""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import Any

import orjson

from auth_api.http.validation import invalid
from auth_api.schemas.writing import (
    FARTHEST,
    MAX_POINTS,
    MAX_STROKES,
    NEAREST,
    POINT_SIZES,
    STROKES,
)

# Texts up to this size are parsed within two milliseconds.
_OFF_LOOP_BYTES = 32 * 1024
_NO_STROKE = f"a stroke must be an array of 1 to {MAX_POINTS} points"
_SPACE = b" \t\r\n"
_STEPS = 10_000.0
"""A coordinate is rounded to one of them: 4 decimals."""


async def compact_strokes(given: object) -> bytes:
    """The compact JSON of strokes, rounded to 4 decimals. `given` is their array, or its JSON text
    as bytes. Raises `BadRequest`, which names the stroke and the point.
    """
    if isinstance(given, bytes) and len(given) > _OFF_LOOP_BYTES:
        return await asyncio.to_thread(_compact, given)
    return _compact(given)


def _compact(given: object) -> bytes:
    strokes = _split(given) if isinstance(given, bytes) else given
    if not isinstance(strokes, list):
        raise invalid(STROKES, "must be an array of strokes, each an array of points")
    if not 1 <= len(strokes) <= MAX_STROKES:
        raise invalid(STROKES, f"there must be 1 to {MAX_STROKES} strokes")
    return b"[%b]" % b",".join(_stroke(*each) for each in enumerate(strokes))


def _split(text: bytes) -> list[bytes]:
    """The JSON texts of the strokes. Parsed one by one, they neither hold Python's GIL for long nor
    take much memory.
    """
    dense = text.translate(None, _SPACE)
    if not (dense.startswith(b"[") and dense.endswith(b"]")):
        raise invalid(STROKES, "must be a JSON array")
    if dense == b"[]":
        return []
    *strokes, last = dense[1:-1].split(b"]],", MAX_STROKES)
    return [*(stroke + b"]]" for stroke in strokes), last]


def _stroke(index: int, stroke: Any) -> bytes:
    """The compact JSON of a stroke: its points, or their JSON text. Raises `BadRequest`."""
    place = f"{STROKES}.{index}"
    points = _parsed(place, stroke) if isinstance(stroke, bytes) else stroke
    if not (isinstance(points, list) and 1 <= len(points) <= MAX_POINTS):
        raise invalid(place, _NO_STROKE)
    if not _are_points(points):
        wrong = next(number for number, each in enumerate(points) if not _are_points([each]))
        raise invalid(
            f"{place}.{wrong}",
            f"a point must be [x, y] or [x, y, pressure], x and y {NEAREST} to {FARTHEST}, "
            "pressure 0 to 1",
        )
    return orjson.dumps([[round(value * _STEPS) / _STEPS for value in each] for each in points])


def _parsed(place: str, text: bytes) -> Any:
    if text.count(b",") > max(POINT_SIZES) * MAX_POINTS:
        raise invalid(place, _NO_STROKE)
    try:
        return orjson.loads(text)
    except ValueError as error:
        raise invalid(place, "is not valid JSON") from error


def _are_points(points: list[Any]) -> bool:
    """Whether all are points; written for many of them, because each check is one pass in C."""
    if set(map(type, points)) != {list} or not set(map(len, points)) <= POINT_SIZES:
        return False
    numbers = list(chain.from_iterable(points))
    if not set(map(type, numbers)) <= {int, float}:
        return False
    pressures = [pressure for _, _, *rest in points for pressure in rest]
    return (
        min(numbers) >= NEAREST
        and max(numbers) <= FARTHEST
        and min(pressures, default=0) >= 0
        and max(pressures, default=0) <= 1
    )
