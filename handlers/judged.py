"""How one part of a letterform is written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from handlers.arrays import Mask
from handlers.lines import Points, length_along

LEAST_WRITTEN = 1 / 3
"""A part of which a smaller share is written is missing."""
_DOUBT = 0.45
"""A part of which this share may be written is not called missing."""
_CROSSING = 5
"""Points that the ink of a crossing part covers."""
_MOSTLY_ALONG = 0.9
"""Share of a part's length in a direction from which on a shift in it is hardly seen."""


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
