"""What is wrong with a learner's ink, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from handlers.alignment import SIDE, Points
from handlers.arrays import Mask
from handlers.comparison import Comparison, Part
from handlers.places import direction, end_of, place

_GONE = 0.7
"""Share of a part's length from which on the part as a whole is missing."""
_BROAD = 7.0
"""Pixels of extra ink that weigh as much as one along a stroke: the width of most strokes."""
_THIN = 0.65
"""Share of the form's stroke width below which the learner's pen is a thin one."""
_AT_THE_END = 4.0
"""Distance in pixels up to which a point of a part is at its end."""
_ADJOINING = 16.0
"""Distance in pixels up to which extra ink goes on from the end of a part."""
_FAR_OFF = 20.0
"""Distance in pixels up to which ink is taken for a part that was put in the wrong place."""


@dataclass(frozen=True)
class Fault:
    """One thing to improve."""

    length: float
    """How much of the letter it concerns, in pixels along the stroke."""
    sentence: str


def faults(comparison: Comparison) -> list[Fault]:
    """All that is worth a word, the longest first."""
    explained = np.zeros((SIDE, SIDE), np.bool_)
    of_parts = {
        part.name: fault
        for part in comparison.form.parts
        if (fault := _of_part(part, comparison, explained))
    }
    found = [*of_parts.values()]
    found += _of_gaps(comparison, set(of_parts))
    found += _of_extra(comparison, explained)
    longest: dict[str, float] = {}
    for fault in found:
        longest[fault.sentence] = longest.get(fault.sentence, 0) + fault.length
    merged = [Fault(length, sentence) for sentence, length in longest.items()]
    return sorted(merged, key=lambda fault: -fault.length)


def _of_part(part: Part, comparison: Comparison, explained: Mask) -> Fault | None:
    """What is wrong with one part of the reference; marks the extra ink that belongs to it."""
    places = np.rint(part.points).astype(int).clip(0, SIDE - 1)
    lost = comparison.missing[places[:, 1], places[:, 0]]
    step = _length(part.points) / max(1, len(part.points) - 1)
    length = float(np.count_nonzero(lost)) * step
    if length < comparison.strictness.noticeable:
        return None
    where = _way_to_stray_ink(part.points[lost], comparison, explained)
    share = float(lost.mean())
    if where is not None:
        return Fault(length, f"The {part.name} is too far {where}.")
    if share >= _GONE:
        return Fault(length, f"The {part.name} is missing.")
    return Fault(length, _shortfall(part, lost))


def _way_to_stray_ink(points: Points, comparison: Comparison, explained: Mask) -> str | None:
    """Which way extra ink lies from where it ought to be, None where there is none."""
    rows, columns = np.nonzero(comparison.extra & ~explained)
    if len(rows) < 4 * comparison.pen:
        return None
    stray = np.stack([columns, rows], axis=1).astype(np.float64)
    distances, ways = _nearest(points, stray)
    close = distances < _FAR_OFF
    if close.mean() < 0.6:
        return None
    way = np.median(ways[close], axis=0)
    # Ink that strays to all sides was not meant for this part.
    if np.hypot(*way) < 0.6 * np.median(distances[close]):
        return None
    _mark_near(points[close] + ways[close], comparison.extra, explained)
    return direction(way)


def _mark_near(points: Points, extra: Mask, explained: Mask) -> None:
    """Marks the connected pieces of extra ink that any of `points` lies on."""
    _, pieces = cv2.connectedComponents(extra.astype(np.uint8), connectivity=8)
    places = np.rint(points).astype(int).clip(0, SIDE - 1)
    touched = np.unique(pieces[places[:, 1], places[:, 0]])
    explained |= np.isin(pieces, touched[touched > 0])


def _shortfall(part: Part, lost: Mask) -> str:
    """Where along the part it stops short or has a gap."""
    points = part.points
    if lost[0] and not lost[-1]:
        return f"The {part.name} is too short {end_of(points[0], points)}."
    if lost[-1] and not lost[0]:
        return f"The {part.name} is too short {end_of(points[-1], points)}."
    if lost[0] and lost[-1]:
        return f"The {part.name} is too short at both ends."
    middle = points[lost].mean(axis=0)
    return f"The {part.name} is broken {end_of(middle, points)}."


def _of_gaps(comparison: Comparison, blamed: set[str]) -> Iterator[Fault]:
    """Pieces of parts that are missing beside their middle, but for the parts in `blamed`."""
    if comparison.pen < _THIN * comparison.nib:
        return  # A thin pen leaves what is beside the middle white.
    count, _, boxes, centres = cv2.connectedComponentsWithStats(
        comparison.missing.astype(np.uint8), connectivity=8
    )
    for piece in range(1, count):
        area = float(boxes[piece, cv2.CC_STAT_AREA])
        if area < _BROAD * comparison.strictness.noticeable:
            continue
        part, _ = _nearest_part(centres[piece], comparison)
        if part.name not in blamed:
            where = end_of(centres[piece], part.points)
            yield Fault(area / _BROAD, f"A piece of the {part.name} is missing {where}.")


def _of_extra(comparison: Comparison, explained: Mask) -> Iterator[Fault]:
    """Ink that no part accounts for: strokes of their own where the middle of the learner's
    stroke is extra as well, else parts that bulge or lie beside their place.
    """
    noticeable = comparison.strictness.noticeable
    count, pieces, boxes, centres = cv2.connectedComponentsWithStats(
        (comparison.extra & ~explained).astype(np.uint8), connectivity=8
    )
    middle = np.rint(comparison.line.points).astype(int)
    of_points = pieces[middle[:, 1], middle[:, 0]]
    for piece in range(1, count):
        points = comparison.line.points[of_points == piece]
        area = float(boxes[piece, cv2.CC_STAT_AREA])
        # The middle of a stroke is one or two pixels wide.
        length = max(len(points) / 2, float(np.ptp(points, axis=0).max())) if len(points) else 0.0
        if length >= noticeable:
            yield Fault(length, _excess(points, comparison))
        elif area >= _BROAD * noticeable:
            yield Fault(area / _BROAD, _bulge(centres[piece], comparison))


def _bulge(centre: Points, comparison: Comparison) -> str:
    """Which part lies nearest to a piece of extra ink, and on which side of it that is."""
    part, way = _nearest_part(centre, comparison)
    for end in (part.points[0], part.points[-1]):
        if np.hypot(*(centre + way - end)) < _AT_THE_END:
            return f"The {part.name} is too long {end_of(end, part.points)}."
    return f"The {part.name} strays {direction(-way)}."


def _nearest_part(point: Points, comparison: Comparison) -> tuple[Part, Points]:
    """The part that comes nearest to `point`, and the way to it."""
    found = [
        (float(distances[0]), part, ways[0])
        for part in comparison.form.parts
        for distances, ways in [_nearest(point[None], part.points)]
    ]
    _, part, way = min(found, key=lambda each: each[0])
    return part, way


def _excess(stray: Points, comparison: Comparison) -> str:
    """Whether an extra stroke prolongs a part or is one of its own.

    `stray` are the points in its middle.
    """
    centre = stray.mean(axis=0)
    for part in comparison.form.parts:
        ends = ((part.points[0], part.points[3:6]), (part.points[-1], part.points[-6:-3]))
        for end, before in ends:
            if not len(before):
                continue
            way, along = centre - end, end - before.mean(axis=0)
            reach = np.hypot(*(stray - end).T).min()
            size = np.hypot(*way) * np.hypot(*along)
            if reach < _ADJOINING and float(way @ along) > 0.75 * size:
                return f"The {part.name} is too long {end_of(end, part.points)}."
    return f"There is an extra stroke {place(centre)}."


def _length(points: Points) -> float:
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def _nearest(points: Points, others: Points) -> tuple[npt.NDArray[np.float64], Points]:
    """For each of `points` the distance to the nearest of `others`, and the way there."""
    ways = others[None] - points[:, None]
    distances = np.hypot(ways[..., 0], ways[..., 1])
    index = distances.argmin(axis=1)
    rows = np.arange(len(points))
    return distances[rows, index], ways[rows, index]
