"""Finds the faults in a learner's ink, part by part of the letterform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from handlers.alignment import SIDE, Points
from handlers.arrays import Mask
from handlers.comparison import Comparison, Part
from handlers.position_words import direction, position, position_within

_MISSING_SHARE = 0.7
"""A part counts as missing from this share of its length on."""
_STROKE_WIDTH = 7.0
"""Width of most strokes in pixels: the area of a fault divided by it is a length."""
_THIN_PEN = 0.65
"""Below this share of the letterform's stroke width the learner's pen counts as thin."""
_END_DISTANCE = 4.0
"""A point this near to the end of a part, in pixels, is at its end."""
_PROLONGING_DISTANCE = 16.0
"""Extra ink this near to the end of a part, in pixels, may prolong it."""
_STRAY_DISTANCE = 20.0
"""Extra ink this near to a missing part, in pixels, may be that part in the wrong place."""


@dataclass(frozen=True)
class Fault:
    """One thing to improve."""

    length: float
    """How much of the letter it affects, in pixels along the stroke."""
    sentence: str


def find_faults(comparison: Comparison) -> list[Fault]:
    """All noticeable faults, the longest first; faults with the same sentence are added up."""
    explained = np.zeros((SIDE, SIDE), np.bool_)
    part_faults = {
        part.name: fault
        for part in comparison.form.parts
        if (fault := _part_fault(part, comparison, explained))
    }
    found = [*part_faults.values()]
    found += _side_gaps(comparison, set(part_faults))
    found += _extra_ink(comparison, explained)
    lengths: dict[str, float] = {}
    for fault in found:
        lengths[fault.sentence] = lengths.get(fault.sentence, 0) + fault.length
    merged = [Fault(length, sentence) for sentence, length in lengths.items()]
    return sorted(merged, key=lambda fault: -fault.length)


def _part_fault(part: Part, comparison: Comparison, explained: Mask) -> Fault | None:
    """The fault of one part. Marks the extra ink that belongs to the part in `explained`."""
    pixels = np.rint(part.points).astype(int).clip(0, SIDE - 1)
    lost = comparison.missing[pixels[:, 1], pixels[:, 0]]
    spacing = _length(part.points) / max(1, len(part.points) - 1)
    length = float(np.count_nonzero(lost)) * spacing
    if length < comparison.strictness.noticeable:
        return None
    where = _direction_to_stray_ink(part.points[lost], comparison, explained)
    if where is not None:
        return Fault(length, f"The {part.name} is too far {where}.")
    if float(lost.mean()) >= _MISSING_SHARE:
        return Fault(length, f"The {part.name} is missing.")
    return Fault(length, _shortfall(part, lost))


def _direction_to_stray_ink(points: Points, comparison: Comparison, explained: Mask) -> str | None:
    """The direction from the missing `points` to extra ink that was meant for them, or None."""
    rows, columns = np.nonzero(comparison.extra & ~explained)
    if len(rows) < 4 * comparison.pen_half_width:
        return None
    stray = np.stack([columns, rows], axis=1).astype(np.float64)
    distances, vectors = _nearest(points, stray)
    close = distances < _STRAY_DISTANCE
    if close.mean() < 0.6:
        return None
    vector = np.median(vectors[close], axis=0)
    # Ink that lies in all directions was not meant for this part.
    if np.hypot(*vector) < 0.6 * np.median(distances[close]):
        return None
    _mark_touched(points[close] + vectors[close], comparison.extra, explained)
    return direction(vector)


def _mark_touched(points: Points, extra: Mask, explained: Mask) -> None:
    """Marks the connected pieces of extra ink that `points` lie on."""
    _, pieces = cv2.connectedComponents(extra.astype(np.uint8), connectivity=8)
    pixels = np.rint(points).astype(int).clip(0, SIDE - 1)
    touched = np.unique(pieces[pixels[:, 1], pixels[:, 0]])
    explained |= np.isin(pieces, touched[touched > 0])


def _shortfall(part: Part, lost: Mask) -> str:
    """Says where a part stops short or has a gap; `lost` has one value per point."""
    points = part.points
    if lost[0] and not lost[-1]:
        return f"The {part.name} is too short {position_within(points[0], points)}."
    if lost[-1] and not lost[0]:
        return f"The {part.name} is too short {position_within(points[-1], points)}."
    if lost[0] and lost[-1]:
        return f"The {part.name} is too short at both ends."
    middle = points[lost].mean(axis=0)
    return f"The {part.name} is broken {position_within(middle, points)}."


def _side_gaps(comparison: Comparison, blamed: set[str]) -> Iterator[Fault]:
    """Missing pieces beside the centreline of a part; skips the parts in `blamed`."""
    if comparison.pen_half_width < _THIN_PEN * comparison.form_half_width:
        return  # A thin pen always leaves the sides of a stroke white.
    count, _, stats, centres = cv2.connectedComponentsWithStats(
        comparison.missing.astype(np.uint8), connectivity=8
    )
    for piece in range(1, count):
        length = float(stats[piece, cv2.CC_STAT_AREA]) / _STROKE_WIDTH
        if length < comparison.strictness.noticeable:
            continue
        part, _ = _nearest_part(centres[piece], comparison)
        if part.name not in blamed:
            where = position_within(centres[piece], part.points)
            yield Fault(length, f"A piece of the {part.name} is missing {where}.")


def _extra_ink(comparison: Comparison, explained: Mask) -> Iterator[Fault]:
    """Ink that belongs to no part. If the learner's centreline is extra as well, it is a stroke of
    its own or prolongs a part; otherwise a part bulges or is out of place.
    """
    noticeable = comparison.strictness.noticeable
    count, pieces, stats, centres = cv2.connectedComponentsWithStats(
        (comparison.extra & ~explained).astype(np.uint8), connectivity=8
    )
    middle = np.rint(comparison.line.points).astype(int)
    piece_of_point = pieces[middle[:, 1], middle[:, 0]]
    for piece in range(1, count):
        points = comparison.line.points[piece_of_point == piece]
        # The centreline is one or two pixels wide.
        length = max(len(points) / 2, float(np.ptp(points, axis=0).max())) if len(points) else 0.0
        area_length = float(stats[piece, cv2.CC_STAT_AREA]) / _STROKE_WIDTH
        if length >= noticeable:
            yield Fault(length, _extra_stroke(points, comparison))
        elif area_length >= noticeable:
            yield Fault(area_length, _bulge(centres[piece], comparison))


def _bulge(centre: Points, comparison: Comparison) -> str:
    """Names the part nearest to a piece of extra ink, and the side on which the ink lies."""
    part, vector = _nearest_part(centre, comparison)
    for end in (part.points[0], part.points[-1]):
        if np.hypot(*(centre + vector - end)) < _END_DISTANCE:
            return f"The {part.name} is too long {position_within(end, part.points)}."
    return f"The {part.name} strays {direction(-vector)}."


def _nearest_part(point: Points, comparison: Comparison) -> tuple[Part, Points]:
    """The part nearest to `point`, and the vector from `point` to it."""
    found = [
        (float(distances[0]), part, vectors[0])
        for part in comparison.form.parts
        for distances, vectors in [_nearest(point[None], part.points)]
    ]
    _, part, vector = min(found, key=lambda each: each[0])
    return part, vector


def _extra_stroke(stray: Points, comparison: Comparison) -> str:
    """Says which part an extra stroke prolongs, or where it is; `stray` is its centreline."""
    centre = stray.mean(axis=0)
    for part in comparison.form.parts:
        ends = ((part.points[0], part.points[3:6]), (part.points[-1], part.points[-6:-3]))
        for end, before in ends:
            if not len(before):
                continue
            vector, along = centre - end, end - before.mean(axis=0)
            gap = np.hypot(*(stray - end).T).min()
            # The stroke goes on in the direction of the part: their cosine is above 0.75.
            norms = np.hypot(*vector) * np.hypot(*along)
            if gap < _PROLONGING_DISTANCE and float(vector @ along) > 0.75 * norms:
                return f"The {part.name} is too long {position_within(end, part.points)}."
    return f"There is an extra stroke {position(centre)}."


def _length(points: Points) -> float:
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def _nearest(points: Points, others: Points) -> tuple[npt.NDArray[np.float64], Points]:
    """For each of `points` the distance to the nearest of `others`, and the vector to it."""
    vectors = others[None] - points[:, None]
    distances = np.hypot(vectors[..., 0], vectors[..., 1])
    index = distances.argmin(axis=1)
    rows = np.arange(len(points))
    return distances[rows, index], vectors[rows, index]
