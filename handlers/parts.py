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

    @property
    def closeness(self) -> npt.NDArray[np.float64]:
        """How well the written points can be points of the form: 1 in its place, 0 if none."""
        near = (np.abs(self.along) < _ALONG) & (self.cosines >= _PARALLEL)
        return np.asarray(np.maximum(0, 1 - np.abs(self.beside) / _BESIDE) * near)


def nearest_parts(offsets: Offsets, form: Line) -> Indices:
    """The part of each written point: the nearest with the direction of the point, or NOWHERE."""
    distances = np.sqrt(offsets.along**2 + offsets.beside**2)
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


def judge_parts(written: Written, form: Line, evidence: Evidence, offsets: Offsets) -> list[Judged]:
    """Judges each part of a form, all at once. `offsets` are those of all points."""
    of, told, inked, clear = form.strokes, evidence.told, evidence.inked, evidence.clear
    shifts, deviations = _placed(written, form, offsets)
    overshoots = _overshoots(written, form, offsets, shifts)
    seen = ~np.isnan(deviations)
    # The middle of broad ink that covers a part is not the line that was written.
    covered = form.means(inked) >= _COVERED
    shifts[covered] = 0
    deviations[covered[of] & seen & inked] = 0
    doubts = form.means(evidence.doubtful)
    certain = told & (seen | ~inked | clear)
    sizes = np.bincount(of)
    untold = (form.means(certain) * sizes < np.maximum(3, _LEAST_TOLD * sizes))[of]
    seen = np.where(untold, seen | inked, seen | (inked & clear) | ~certain)
    told = certain | untold
    return [
        Judged(
            form.points[piece],
            seen[piece],
            told[piece],
            float(doubts[part]),
            shifts[part],
            deviations[piece],
            overshoots[part],
        )
        for part, piece in enumerate(form.pieces)
    ]


def _placed(
    written: Written, form: Line, offsets: Offsets
) -> tuple[Points, npt.NDArray[np.float64]]:
    """The shift of each part, (parts, 2), and the deviation beside each point after it."""
    shifts = np.zeros((len(form.starts), 2))
    found = _placed_from(shifts, written, form, offsets)
    moved = shifts.copy()
    for part in np.flatnonzero(form.means(np.isnan(found[1])) >= 1 - _HARDLY).tolist():
        line, own = only(written.line, written.parts == part), only(form, form.pieces[part])
        if len(line.points) and is_elsewhere(line, own):
            moved[part] = line.points.mean(axis=0) - own.points.mean(axis=0)
    return _placed_from(moved, written, form, offsets) if moved.any() else found


def _placed_from(
    shifts: Points, written: Written, form: Line, offsets: Offsets
) -> tuple[Points, npt.NDArray[np.float64]]:
    """The same, starting from some shifts."""
    own = form.strokes[:, None] == written.parts
    # Pairs of a point of a part and what is written of it in its direction.
    points, here = np.nonzero(own & (offsets.cosines.T >= _PARALLEL))
    along, beside = offsets.along[here, points], offsets.beside[here, points]
    starts = np.flatnonzero(np.diff(points, prepend=-1))
    counts = np.diff(starts, append=len(points))
    for reach in (_REACH, _REACH, _BESIDE):
        shift = shifts[form.strokes]
        from_along = along - (form.directions * shift).sum(axis=1)[points]
        from_beside = beside - (form.normals * shift).sum(axis=1)[points]
        sideways = np.abs(from_beside)
        sideways[(np.abs(from_along) >= _ALONG) | (sideways >= reach)] = np.inf
        # The closest beside each point.
        closest = np.minimum.reduceat(sideways, starts).repeat(counts) if len(starts) else sideways
        closest = (sideways == closest) & np.isfinite(sideways)
        deviations = np.full(len(form.points), np.nan)
        deviations[points[closest]] = from_beside[closest]
        if reach != _BESIDE:
            shifts = shifts + _common_shifts(deviations, form)
    return shifts, deviations


def _common_shifts(deviations: npt.NDArray[np.float64], form: Line) -> Points:
    """The shifts that move the points of each part sideways to what is written of them, (parts, 2):
    least squares, as only the component across the direction of writing is seen.
    """
    seen = ~np.isnan(deviations)
    x, y = form.normals.T * seen
    amounts = np.where(seen, deviations, 0)
    sums = form.sums(np.stack([x * x, x * y, x * y, y * y, x * amounts, y * amounts, seen], axis=1))
    counts = sums[:, 6:]
    means = sums / np.maximum(counts, 1)
    # A shift along a straight part is not seen.
    strengths, axes = np.linalg.eigh(means[:, :4].reshape(-1, 2, 2))
    along_axes = (means[:, None, 4:6] @ axes)[:, 0]
    along_axes = np.where(strengths > _SEEN, along_axes / np.maximum(strengths, _SEEN), 0)
    return (axes @ along_axes[..., None])[..., 0] * (counts >= 2)


def _overshoots(
    written: Written, form: Line, offsets: Offsets, shifts: Points
) -> list[tuple[float, float]]:
    """How far points go on beyond the start and the end of each part, in its direction, and at most
    how far they are outside the form's ink, in pixels.
    """
    here = np.flatnonzero(written.parts != NOWHERE)
    parts = written.parts[here]
    nearest, _ = _nearest(written, form, offsets, shifts)
    found = np.zeros((2, len(shifts)))
    for side, sign in ((0, -1), (1, 1)):
        ends = form.ends[parts, side]
        along = offsets.along[here, ends] - (form.directions[ends] * shifts[parts]).sum(axis=1)
        beside = offsets.beside[here, ends] - (form.normals[ends] * shifts[parts]).sum(axis=1)
        beyond = (np.abs(nearest[here] - ends) <= 1) & (np.abs(beside) < 0.6 * sign * along + 3)
        lengths = np.minimum(sign * along, written.outside[here])
        np.maximum.at(found[side], parts[beyond], lengths[beyond])
    return [(start, end) for start, end in found.T.tolist()]


def _nearest(
    written: Written, form: Line, offsets: Offsets, shifts: Points
) -> tuple[Indices, npt.NDArray[np.float64]]:
    """The point of its part nearest to each written point after the part's shift, and the distance;
    infinity for points of no part.
    """
    back = shifts[written.parts]
    squares = (offsets.along - back @ form.directions.T) ** 2
    squares += (offsets.beside - back @ form.normals.T) ** 2
    squares[written.parts[:, None] != form.strokes] = np.inf
    nearest = squares.argmin(axis=1)
    return nearest, np.sqrt(squares[np.arange(len(nearest)), nearest])


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
    shifts = np.array([each.shift for each in judged])
    nearest, distances = _nearest(written, form, offsets, shifts)
    deviations = np.concatenate([each.deviations for each in judged])[nearest]
    off = np.abs(np.nan_to_num(deviations, nan=_BESIDE))
    return np.asarray((distances > np.maximum(slack, off + 2.0)) & (written.outside > 0))


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
