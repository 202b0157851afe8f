"""The faults in what a learner wrote, as data: `handlers.feedback` makes sentences of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from handlers.comparison import Comparison
from handlers.judged import Judged, runs
from handlers.lines import SIDE, SPACING, Points, groups
from handlers.position_words import direction, place_within, third

_STROKE_WIDTH = 7.0
"""Width of most strokes in pixels: the area of a fault divided by it is a length."""
_THIN_PEN = 0.65
"""Below this share of the letterform's stroke width the learner's pen counts as thin."""
_PROLONGING = 16.0
"""Ink of no part this near to the end of a part, in pixels, may prolong it."""
_OFF_SIZE = 0.06
"""A drawing may be this much too large or too small, or too wide, per pixel of the strictness, as a
logarithm."""


@dataclass(frozen=True)
class Fault:
    """One thing to improve."""

    fault: str
    """`missing`, `extra`, `short`, `long`, `broken`, `shifted`, `bent`, `thick`, `thin`,
    `proportion`, `reversed`, `order` or `joined`."""
    length: float
    """How much of the letter it affects, in pixels along the strokes."""
    point: Points | None = None
    """Where it is, (2,)."""
    stroke: int | None = None
    """The index of the part."""
    end: str | None = None
    """At which end or in which place of the part, such as `upper left`, `middle` or `both`."""
    direction: str | None = None
    """Where to it strays, such as `up left`; of `proportion` what it is: `wide`, `narrow`, `large`
    or `small`."""

    @property
    def row(self) -> int | None:
        """Of the nine regions, from the top; None for the whole letter."""
        return None if self.point is None else third(float(self.point[1]) / SIDE)

    @property
    def column(self) -> int | None:
        """As `row`, from the left."""
        return None if self.point is None else third(float(self.point[0]) / SIDE)


def find_faults(comparison: Comparison) -> list[Fault]:
    """All noticeable faults, the worst first, and those of the order of strokes last."""
    found = [*_of_the_whole(comparison)]
    blamed: set[int] = set()
    for index, judged in enumerate(comparison.judged):
        faults = [replace(fault, stroke=index) for fault in _of_a_part(judged, comparison)]
        if faults:
            blamed.add(index)
            found.append(max(faults, key=lambda fault: fault.length))
    found += _extra(comparison, found)
    if not comparison.matching:
        found += _widths(comparison, blamed, found)
    return [*sorted(found, key=lambda fault: -fault.length), *order_faults(comparison)]


def _of_the_whole(comparison: Comparison) -> Iterator[Fault]:
    """Size, proportions and place of the whole letter."""
    slack, whole = comparison.strictness.value, comparison.written_length
    x, y = comparison.placement.scales
    if abs(np.log(x / y)) > _OFF_SIZE * slack:
        yield Fault("proportion", whole, direction="wide" if x > y else "narrow")
    if not comparison.in_frame:
        return
    size = float(np.log(x * y)) / 2
    if abs(size) > _OFF_SIZE * slack:
        yield Fault("proportion", whole, direction="large" if size > 0 else "small")
    if comparison.is_shifted:
        yield Fault("shifted", whole, direction=direction(comparison.placement.offset))


def _of_a_part(judged: Judged, comparison: Comparison) -> Iterator[Fault]:
    """The faults of one part."""
    strictness, points = comparison.strictness, judged.points
    if judged.is_missing:
        yield Fault("missing", judged.length * (1 - judged.coverage), points.mean(axis=0))
        return
    shift = judged.shift
    if comparison.is_shifted:
        shift = shift - comparison.placement.aligned_offset
    if np.hypot(*shift) > strictness.misplaced:
        yield Fault("shifted", judged.length, points.mean(axis=0), direction=direction(shift))
    short = []
    for gap in judged.gaps:
        length, middle = judged.length_of(gap), points[gap].mean(axis=0)
        if length < strictness.noticeable:
            continue
        if gap.start > 0 and gap.stop < len(points):
            yield Fault("broken", length, middle, end=place_within(middle, points))
        else:
            end = points[0] if gap.start == 0 else points[-1]
            short.append(Fault("short", length, middle, end=place_within(end, points)))
    yield from short
    if len(short) == 2:
        both = sum(fault.length for fault in short)
        yield Fault("short", both, points.mean(axis=0), end="both")
    for end, overshoot in zip((points[0], points[-1]), judged.overshoots, strict=True):
        if overshoot >= strictness.noticeable:
            yield Fault("long", overshoot, end, end=place_within(end, points))
    yield from _bends(judged, comparison)


def _bends(judged: Judged, comparison: Comparison) -> Iterator[Fault]:
    """Where a part leaves its line, over a noticeable length."""
    off = np.nan_to_num(np.abs(judged.deviations)) > comparison.strictness.misplaced
    if not off.any():
        return
    run = max(runs(off), key=judged.length_of)
    length = judged.length_of(run)
    if length < comparison.strictness.noticeable:
        return
    points = judged.points[run]
    along = judged.points[min(run.stop, len(judged.points) - 1)] - judged.points[run.start]
    right = np.array([-along[1], along[0]]) * np.nanmean(judged.deviations[run])
    yield Fault("bent", length, points.mean(axis=0), direction=direction(right))


def _extra(comparison: Comparison, found: Sequence[Fault]) -> Iterator[Fault]:
    """Ink or strokes of no part; some prolong a part."""
    stray = comparison.line.points[comparison.extra_points]
    for group in groups(stray):
        points = stray[group]
        length = max(SPACING * len(points), float(np.ptp(points, axis=0).max()))
        if length < comparison.strictness.noticeable:
            continue
        prolonged = _prolonged(points, comparison)
        if prolonged is None:
            yield Fault("extra", length, points.mean(axis=0))
        elif not any(fault.fault == "long" and fault.stroke == prolonged[0] for fault in found):
            stroke, end = prolonged
            part = comparison.judged[stroke].points
            yield Fault("long", length, end, stroke, place_within(end, part))


def _prolonged(points: Points, comparison: Comparison) -> tuple[int, Points] | None:
    """The part that points of no part go on from, and its end."""
    centre = points.mean(axis=0)
    for stroke, judged in enumerate(comparison.judged):
        if judged.is_missing:
            continue
        part = judged.points
        for end, before in ((part[0], part[3:6]), (part[-1], part[-6:-3])):
            if not len(before):
                continue
            vector, along = centre - end, end - before.mean(axis=0)
            gap = np.hypot(*(points - end).T).min()
            # They go on in the direction of the part: the cosine is above 0.75.
            norms = np.hypot(*vector) * np.hypot(*along)
            if gap < _PROLONGING and float(vector @ along) > 0.75 * norms:
                return stroke, end
    return None


def _widths(comparison: Comparison, blamed: set[int], found: Sequence[Fault]) -> Iterator[Fault]:
    """Where ink is wider or narrower than the pen explains; skips the parts in `blamed`, and ink
    that is among the faults already.
    """
    told = [fault.point for fault in found if fault.fault == "long" and fault.point is not None]
    explained = np.concatenate(
        [comparison.line.points[comparison.extra_points], *(p[None] for p in told)]
    )
    thin = comparison.pen_half_width < _THIN_PEN * comparison.form.half_width
    # Filled places are wider than any pen.
    of_strokes = comparison.form.strokes.distance < 1.2 * comparison.form.half_width
    missing = comparison.missing & of_strokes
    for name, pieces in (("thick", comparison.extra), ("thin", missing)):
        if name == "thin" and thin:
            continue  # A thin pen always leaves the sides of a stroke white.
        count, _, stats, centres = cv2.connectedComponentsWithStats(
            pieces.astype(np.uint8), connectivity=8
        )
        for piece in range(1, count):
            length = float(stats[piece, cv2.CC_STAT_AREA]) / _STROKE_WIDTH
            if length < comparison.strictness.noticeable:
                continue
            centre = centres[piece]
            distances = [
                float(np.hypot(*(judged.points - centre).T).min()) for judged in comparison.judged
            ]
            stroke = int(np.argmin(distances))
            away = float(np.hypot(*(explained - centre).T).min(initial=np.inf))
            if stroke not in blamed and away >= _PROLONGING:
                blamed.add(stroke)
                end = place_within(centre, comparison.judged[stroke].points)
                yield Fault(name, length, centre, stroke, end)


def order_faults(comparison: Comparison) -> list[Fault]:
    """Strokes that were written in another order, backwards, or in one."""
    matching, judged = comparison.matching, comparison.judged
    if not matching:
        return []
    found = [("order", stroke) for stroke in matching.early]
    found += [("reversed", match.stroke) for match in matching.matched if match.reversed]
    found += [("joined", stroke) for stroke in matching.joined]
    return [
        Fault(name, judged[stroke].length, judged[stroke].points[0], stroke)
        for name, stroke in dict.fromkeys(found)
    ]
