"""Where written points lie from those of a letterform, and which part of it they are of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from handlers.arrays import Mask
from handlers.lines import Indices, Line

NOWHERE = -1
"""The part of a written point that belongs to none."""
REACH = 18.0
"""A written point farther from every part, in pixels of the canvas, belongs to none."""
_TURNED = 9.0
"""A point at a right angle to a part counts as this much farther from it, in pixels."""
PARALLEL = 0.6
"""Minimum cosine of the directions of a part and of what is written of it: 53 degrees."""
BESIDE = 13.0
"""What is written of a part is at most this far beside it, in pixels, after its shift."""
ALONG = 4.5
"""And at most this far along it."""
_ALIKE = 0.7
"""Minimum share of it and of what is there that agree."""
_ELSEWHERE = 36.0
"""How far that place may be, in pixels."""
_NEXT_TO = 5.0
"""Where another part is this near, in pixels, ink does not tell which of them is written."""


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
        near = (np.abs(self.along) < ALONG) & (self.cosines >= PARALLEL)
        return np.asarray(np.maximum(0, 1 - np.abs(self.beside) / BESIDE) * near)


def nearest_parts(offsets: Offsets, form: Line) -> Indices:
    """The part of each written point: the nearest with the direction of the point, or NOWHERE."""
    distances = np.sqrt(offsets.along**2 + offsets.beside**2)
    nearest = (distances + _TURNED * (1 - offsets.cosines)).argmin(axis=1)
    found: Indices = form.strokes[nearest]
    found[distances[np.arange(len(nearest)), nearest] > REACH] = NOWHERE
    return found


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


def is_elsewhere(written: Line, part: Line) -> bool:
    """Whether what is written is the part, moved."""
    offset = written.points.mean(axis=0) - part.points.mean(axis=0)
    alike = Offsets.between(written.shifted(-offset), part).closeness > 0
    shares = alike.any(axis=0).mean(), alike.any(axis=1).mean()
    return bool(min(shares) >= _ALIKE and np.hypot(*offset) <= _ELSEWHERE)


def _distances(one: Line, other: Line) -> npt.NDArray[np.float64]:
    vectors = one.points[:, None] - other.points[None]
    return np.hypot(vectors[..., 0], vectors[..., 1])


def _cosines(one: Line, other: Line) -> npt.NDArray[np.float64]:
    """Of the angles between directions, without their signs; 1 where ink has none."""
    cosines = np.abs(one.directions @ other.directions.T)
    cosines[~one.directions.any(axis=1)] = 1
    return np.asarray(cosines)
