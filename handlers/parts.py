"""Judges the parts of a letterform one by one: how much of each is written, and where.

A part is a stroke of the letterform. Written points belong to one part each: those of drawn strokes
by `handlers.stroke_matching`, those of ink to the nearest part of their direction. So ink of one
part is never taken for another part beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from handlers.arrays import Mask
from handlers.lines import SPACING, Indices, Line, Points, length_along

LEAST_WRITTEN = 1 / 3
"""A part of which a smaller share is written is missing."""
_DOUBT = 0.45
"""A part of which this share may be written is not called missing."""
NOWHERE = -1
"""The part of a written point that belongs to none."""

_REACH = 18.0
"""A written point farther from every part, in pixels of the canvas, belongs to none."""
_TURNED = 9.0
"""A point at a right angle to a part counts as this much farther from it, in pixels."""
_PARALLEL = 0.6
"""Minimum cosine of the directions of a part and of what is written of it: 53 degrees."""
_BESIDE = 13.0
"""What is written of a part is at most this far beside it, in pixels, after its shift."""
_ALONG = 4.5
"""And at most this far along it."""
_CROSSING = 5
"""Points that the ink of a crossing part covers."""
_HARDLY = 0.5
"""A part of which less than this share is written may be in another place."""
_ALIKE = 0.7
"""Minimum share of it and of what is there that agree."""
_ELSEWHERE = 36.0
"""How far that place may be, in pixels."""
_COVERED = 0.8
"""A part of which this share lies under ink is not moved."""
_LEAST_TOLD = 0.15
"""If ink tells less of a part than this share, only its written points count."""
_MOSTLY_ALONG = 0.9
"""Share of a part's length in a direction from which on a shift in it is hardly seen."""
_SEEN = 0.1
"""Minimum mean square of the sines between a part and a direction, for a shift in it to be seen."""
_NEXT_TO = 5.0
"""Where another part is this near, in pixels, ink does not tell which of them is written."""


@dataclass(frozen=True)
class Judged:
    """How one part is written."""

    points: Points
    """Of the part, (n, 2), on the canvas."""
    written: Mask
    """Which of the points are written, (n,). Where ink does not tell, those count as written."""
    told: Mask
    """Where ink tells, (n,)."""
    doubt: float
    """The share of the part that may be written, however the ink lies, 0-1."""
    shift: Points
    """How far the part is moved as a whole, x and y in pixels, (2,)."""
    deviations: npt.NDArray[np.float64]
    """How far it is beside each point after the shift, in pixels, signed: positive to the right of
    the direction of writing; NaN where it is not written."""
    overshoots: tuple[float, float]
    """How far it goes on beyond its start and its end, in pixels."""

    @cached_property
    def coverage(self) -> float:
        """Share of the part that is written, 0-1."""
        lost: float = sum(gap.stop - gap.start for gap in self.gaps) / len(self.points)
        return min(float(self.written[self.told].mean()), 1 - lost)

    def shows(self, direction: Points) -> bool:
        """Whether a shift in a direction, a unit vector, is seen: not along a straight part."""
        along = np.diff(self.points, axis=0) @ direction
        return bool(np.abs(along).sum() < _MOSTLY_ALONG * self.length)

    @property
    def is_seen(self) -> bool:
        """Whether any written point lies beside it."""
        return not bool(np.isnan(self.deviations).all())

    @property
    def is_missing(self) -> bool:
        """Whether too little of it is written, whatever other ink lies near it."""
        return self.coverage < LEAST_WRITTEN and self.doubt < _DOUBT

    @cached_property
    def length(self) -> float:
        """Of the part, in pixels."""
        return length_along(self.points)

    @cached_property
    def gaps(self) -> list[slice]:
        """The runs of points that are not written, also across the ink of another part."""
        found: list[slice] = []
        for run in runs(~self.written):
            if found and run.start - found[-1].stop <= _CROSSING:
                run = slice(found.pop().start, run.stop)
            found.append(run)
        return found

    def length_of(self, gap: slice) -> float:
        """In pixels."""
        share: float = (gap.stop - gap.start) / len(self.points)
        return self.length * share


def runs(chosen: Mask) -> list[slice]:
    """The runs of chosen points along a line."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(int)))
    return [slice(start, stop) for start, stop in edges.reshape(-1, 2).tolist()]


@dataclass(frozen=True)
class Offsets:
    """Where written points are from the points of a form, (written points, points) each."""

    along: npt.NDArray[np.float64]
    """In the direction of the form, in pixels."""
    beside: npt.NDArray[np.float64]
    """To the right of it."""
    cosines: npt.NDArray[np.float64]
    """Of the angles between the directions, without their signs; 1 where ink has none."""

    @classmethod
    def between(cls, written: Line, form: Line) -> Offsets:
        """All points of `written` and of `form`."""
        along, beside = (
            written.points @ axes.T - (form.points * axes).sum(axis=1)
            for axes in (form.directions, form.normals)
        )
        return cls(along, beside, _cosines(written, form))

    def of(self, written: Indices, points: slice) -> Offsets:
        """Those between some of the points."""
        return Offsets(*(each[written, points] for each in (self.along, self.beside, self.cosines)))

    def after(self, shift: Points, form: Line) -> Offsets:
        """Those before what is written was shifted."""
        along, beside = self.along - form.directions @ shift, self.beside - form.normals @ shift
        return Offsets(along, beside, self.cosines)

    @cached_property
    def squares(self) -> npt.NDArray[np.float64]:
        """Of the distances."""
        return self.along**2 + self.beside**2

    @property
    def closeness(self) -> npt.NDArray[np.float64]:
        """How well the written points can be points of the form: 1 in its place, 0 if none."""
        near = (np.abs(self.along) < _ALONG) & (self.cosines >= _PARALLEL)
        return np.asarray(np.maximum(0, 1 - np.abs(self.beside) / _BESIDE) * near)


def nearest_parts(offsets: Offsets, form: Line) -> Indices:
    """The part of each written point: the nearest with the direction of the point, or NOWHERE."""
    distances = np.sqrt(offsets.squares)
    nearest = (distances + _TURNED * (1 - offsets.cosines)).argmin(axis=1)
    found: Indices = form.strokes[nearest]
    found[distances[np.arange(len(nearest)), nearest] > _REACH] = NOWHERE
    return found


@dataclass(frozen=True)
class Written:
    """What is written, point by point, (n,) each."""

    line: Line
    parts: Indices
    """The part of each point, or NOWHERE."""
    outside: npt.NDArray[np.float64]
    """How far each point lies outside the form's ink, from the middle of its strokes, in pixels; 0
    within the tolerance."""


@dataclass(frozen=True)
class Evidence:
    """What the points of a form show, (n,) each.

    The middle of broad ink may lie beside a part: so ink on a clear point is of that part, and ink
    on another point tells nothing.
    """

    told: Mask
    """Where written points tell which part is written."""
    inked: Mask
    """Where there is ink."""
    clear: Mask
    """Where no ink of another part reaches."""
    doubtful: Mask
    """Where ink nearby may be meant for the part, however it lies."""

    def of(self, points: slice) -> Evidence:
        """That of some of the points."""
        masks = (self.told, self.inked, self.clear, self.doubtful)
        return Evidence(*(mask[points] for mask in masks))


def judge_parts(written: Written, form: Line, evidence: Evidence, offsets: Offsets) -> list[Judged]:
    """Judges each part of a form. `offsets` are those of all points."""
    judged = []
    for part, piece in enumerate(form.pieces):
        here = np.flatnonzero(written.parts == part)
        own = offsets.of(here, piece)
        judged.append(
            _judge(
                only(written.line, here),
                written.outside[here],
                only(form, piece),
                evidence.of(piece),
                own,
            )
        )
    return judged


def _judge(
    written: Line,
    outside: npt.NDArray[np.float64],
    part: Line,
    evidence: Evidence,
    offsets: Offsets,
) -> Judged:
    count = len(part.points)
    shift, deviations, overshoots = np.zeros(2), np.full(count, np.nan), (0.0, 0.0)
    if len(written.points):
        shift, deviations = _place(written, part, offsets)
        overshoots = _overshoots(offsets.after(shift, part), outside, part)
    seen, inked = ~np.isnan(deviations), evidence.inked
    if inked.mean() >= _COVERED:
        # The middle of broad ink that covers the part is not the line that was written.
        shift, deviations = np.zeros(2), np.where(seen & inked, 0.0, deviations)
    doubt = float(evidence.doubtful.mean())
    certain = evidence.told & (seen | ~inked | evidence.clear)
    if certain.sum() < max(3, _LEAST_TOLD * count):
        everywhere = np.ones(count, np.bool_)
        return Judged(part.points, seen | inked, everywhere, doubt, shift, deviations, overshoots)
    written_points = seen | (inked & evidence.clear) | ~certain
    return Judged(part.points, written_points, certain, doubt, shift, deviations, overshoots)


def _place(written: Line, part: Line, offsets: Offsets) -> tuple[Points, npt.NDArray[np.float64]]:
    """The shift of a part, and the deviations beside its points after it."""
    found = _placed_from(np.zeros(2), part, offsets)
    if np.isnan(found[1]).mean() < 1 - _HARDLY or not is_elsewhere(written, part):
        return found
    start = written.points.mean(axis=0) - part.points.mean(axis=0)
    return _placed_from(start, part, offsets)


def _placed_from(
    shift: Points, part: Line, offsets: Offsets
) -> tuple[Points, npt.NDArray[np.float64]]:
    parallel = offsets.cosines >= _PARALLEL
    for reach in (_REACH, _REACH, _BESIDE):
        moved = offsets.after(shift, part)
        sideways = np.abs(moved.beside)
        near = parallel & (np.abs(moved.along) < _ALONG) & (sideways < reach)
        # The closest point beside each point of the part.
        closest = np.where(near, sideways, np.inf).argmin(axis=0)
        places = np.arange(len(closest))
        deviations = np.where(near[closest, places], moved.beside[closest, places], np.nan)
        if reach != _BESIDE:
            shift = shift + _common_shift(deviations, part)
    return shift, deviations


def _common_shift(deviations: npt.NDArray[np.float64], part: Line) -> Points:
    """The shift that moves the points of a part sideways to what is written of them: least squares,
    as only the component across the direction of writing is seen.
    """
    places = np.flatnonzero(~np.isnan(deviations))
    if len(places) < 2:
        return np.zeros(2)
    normals = part.normals[places]
    # A shift along a straight part is not seen.
    strengths, axes = np.linalg.eigh(normals.T @ normals / len(places))
    along_axes = axes.T @ (normals.T @ deviations[places] / len(places))
    return axes @ np.where(strengths > _SEEN, along_axes / np.maximum(strengths, _SEEN), 0)


def _overshoots(
    offsets: Offsets, outside: npt.NDArray[np.float64], part: Line
) -> tuple[float, float]:
    """How far points go on beyond the start and the end of a part, in its direction, and at most
    how far they are `outside` the form's ink, in pixels.
    """
    nearest = offsets.squares.argmin(axis=1)
    found = []
    for end, sign in ((0, -1), (len(part.points) - 1, 1)):
        along, beside = sign * offsets.along[:, end], np.abs(offsets.beside[:, end])
        beyond = (np.abs(nearest - end) <= 1) & (along > 0) & (beside < 0.6 * along + 3)
        found.append(float(np.minimum(along, outside)[beyond].max(initial=0.0)))
    return found[0], found[1]


def tells(form: Line) -> Mask:
    """At which points of a form ink tells which part is written: those with no other part of their
    direction beside them, (n,).
    """
    turned = _TURNED * (1 - _cosines(form, form))
    return np.asarray((_to_other_parts(form) + turned).min(axis=1) > _NEXT_TO)


def clearance(form: Line) -> npt.NDArray[np.float64]:
    """The distance of each point of a form to the nearest other part, in pixels, (n,)."""
    return np.asarray(_to_other_parts(form).min(axis=1))


def _to_other_parts(form: Line) -> npt.NDArray[np.float64]:
    distances = _distances(form, form)
    distances[form.strokes[:, None] == form.strokes[None]] = np.inf
    return distances


def unexplained(
    written: Written, judged: Sequence[Judged], slack: float, form: Line, offsets: Offsets
) -> Mask:
    """Which written points outside the form's ink belong to no part, or are beside what is written
    of theirs: (n,).
    """
    extra: Mask = written.parts == NOWHERE
    for part, (each, piece) in enumerate(zip(judged, form.pieces, strict=True)):
        own = np.flatnonzero(written.parts == part)
        if not len(own):
            continue
        squares = offsets.of(own, piece).after(each.shift, only(form, piece)).squares
        nearest = squares.argmin(axis=1)
        off = np.abs(np.nan_to_num(each.deviations[nearest], nan=_BESIDE))
        extra[own] = np.sqrt(squares.min(axis=1)) > np.maximum(slack, off + 2.0)
    return extra & (written.outside > 0)


def adopt(written: Written, extra: Mask, judged: Sequence[Judged], form: Line) -> Written:
    """Gives `extra` points to a part near them that is hardly written: it is in another place."""
    adopted = written
    for part, each in enumerate(judged):
        free = np.flatnonzero(extra)
        if each.coverage >= _HARDLY or len(free) < 3:
            continue
        own, stray = only(form, form.pieces[part]), only(written.line, free)
        for group in groups(stray.points):
            if is_elsewhere(only(stray, group), own):
                parts = adopted.parts.copy()
                parts[free[group]] = part
                adopted, extra = replace(adopted, parts=parts), extra & (parts != part)
                break
    return adopted


def is_elsewhere(written: Line, part: Line) -> bool:
    """Whether what is written is the part, moved."""
    offset = written.points.mean(axis=0) - part.points.mean(axis=0)
    alike = Offsets.between(written.shifted(-offset), part).closeness > 0
    shares = alike.any(axis=0).mean(), alike.any(axis=1).mean()
    return bool(min(shares) >= _ALIKE and np.hypot(*offset) <= _ELSEWHERE)


def only(line: Line, chosen: Mask | Indices | slice) -> Line:
    """Some of the points of a line."""
    return Line(line.points[chosen], line.directions[chosen], line.strokes[chosen])


def groups(points: Points) -> Iterator[Indices]:
    """The indices of points in groups that hang together."""
    left = np.arange(len(points))
    while len(left):
        group, left = left[:1], left[1:]
        fresh = group
        while len(fresh) and len(left):
            vectors = points[left][:, None] - points[fresh][None]
            close = np.hypot(vectors[..., 0], vectors[..., 1]).min(axis=1) <= 2.5 * SPACING
            fresh, left = left[close], left[~close]
            group = np.concatenate([group, fresh])
        yield np.sort(group)


def _distances(one: Line, other: Line) -> npt.NDArray[np.float64]:
    vectors = one.points[:, None] - other.points[None]
    return np.hypot(vectors[..., 0], vectors[..., 1])


def _cosines(one: Line, other: Line) -> npt.NDArray[np.float64]:
    """Of the angles between directions, without their signs; 1 where ink has none."""
    cosines = np.abs(one.directions @ other.directions.T)
    cosines[~one.directions.any(axis=1)] = 1
    return np.asarray(cosines)
