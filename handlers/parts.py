"""Judges the parts of a letterform one by one: how much of each is written, and where.

A part is a stroke of the letterform. Written points belong to one part each: those of drawn strokes
by `handlers.stroke_matching`, those of ink to the nearest part of their direction. So ink of one
part is never taken for another part beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from handlers.arrays import Mask
from handlers.judged import Judged
from handlers.lines import Indices, Line, Points, groups
from handlers.offsets import ALONG, BESIDE, NOWHERE, PARALLEL, REACH, Offsets, is_elsewhere

_HARDLY = 0.5
"""A part of which less than this share is written may be in another place."""
_COVERED = 0.8
"""A part of which this share lies under ink is not moved."""
_LEAST_TOLD = 0.15
"""If ink tells less of a part than this share, only its written points count."""
_SEEN = 0.1
"""Minimum mean square of the sines between a part and a direction, for a shift in it to be seen."""


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
        line, own = written.line.only(written.parts == part), form.only(form.pieces[part])
        if len(line.points) and is_elsewhere(line, own):
            moved[part] = line.points.mean(axis=0) - own.points.mean(axis=0)
    return _placed_from(moved, written, form, offsets) if moved.any() else found


def _placed_from(
    shifts: Points, written: Written, form: Line, offsets: Offsets
) -> tuple[Points, npt.NDArray[np.float64]]:
    """The same, starting from some shifts."""
    own = form.strokes[:, None] == written.parts
    # Pairs of a point of a part and what is written of it in its direction.
    points, here = np.nonzero(own & (offsets.cosines.T >= PARALLEL))
    along, beside = offsets.along[here, points], offsets.beside[here, points]
    starts = np.flatnonzero(np.diff(points, prepend=-1))
    counts = np.diff(starts, append=len(points))
    for reach in (REACH, REACH, BESIDE):
        shift = shifts[form.strokes]
        from_along = along - (form.directions * shift).sum(axis=1)[points]
        from_beside = beside - (form.normals * shift).sum(axis=1)[points]
        sideways = np.abs(from_beside)
        sideways[(np.abs(from_along) >= ALONG) | (sideways >= reach)] = np.inf
        # The closest beside each point.
        closest = np.minimum.reduceat(sideways, starts).repeat(counts) if len(starts) else sideways
        closest = (sideways == closest) & np.isfinite(sideways)
        deviations = np.full(len(form.points), np.nan)
        deviations[points[closest]] = from_beside[closest]
        if reach != BESIDE:
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


def unexplained(
    written: Written, judged: Sequence[Judged], slack: float, form: Line, offsets: Offsets
) -> Mask:
    """Which written points outside the form's ink belong to no part, or are beside what is written
    of theirs: (n,).
    """
    shifts = np.array([each.shift for each in judged])
    nearest, distances = _nearest(written, form, offsets, shifts)
    deviations = np.concatenate([each.deviations for each in judged])[nearest]
    off = np.abs(np.nan_to_num(deviations, nan=BESIDE))
    return np.asarray((distances > np.maximum(slack, off + 2.0)) & (written.outside > 0))


def adopt(written: Written, extra: Mask, judged: Sequence[Judged], form: Line) -> Written:
    """Gives `extra` points to a part near them that is hardly written: it is in another place."""
    adopted = written
    for part, each in enumerate(judged):
        free = np.flatnonzero(extra)
        if each.coverage >= _HARDLY or len(free) < 3:
            continue
        own, stray = form.only(form.pieces[part]), written.line.only(free)
        for group in groups(stray.points):
            if is_elsewhere(stray.only(group), own):
                parts = adopted.parts.copy()
                parts[free[group]] = part
                adopted, extra = replace(adopted, parts=parts), extra & (parts != part)
                break
    return adopted
