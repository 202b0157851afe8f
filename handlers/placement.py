"""Where a letter lies in its frame, and how large it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handlers.alignment import Alignment
from handlers.judged import Judged
from handlers.lines import Line, Points

_FITS = 4
_STIFFNESS = np.array([100.0, 100.0, 0.02, 0.02])
"""Weight of no change of scales and offset against one point, where the strokes leave them open."""


@dataclass(frozen=True)
class Placement:
    """The place and the size of a letter, relative to the reference."""

    scales: tuple[float, float]
    """In x and y; 1 is the size of the reference."""
    offset: Points
    """Of the middle, x and y in pixels, (2,)."""
    aligned_offset: Points
    """The same after the alignment."""


def place(form: Line, judged: Sequence[Judged], alignment: Alignment) -> Placement:
    """Fits scales and an offset to where the parts are written: least squares of the components
    across the strokes, in which parts that lie apart from the others count less.
    """
    deviations = np.concatenate([each.deviations for each in judged])
    shifts = np.repeat([each.shift for each in judged], [len(each.points) for each in judged], 0)
    normals = form.normals
    seen = ~np.isnan(deviations)
    centre = form.points.mean(axis=0)
    fitted = np.zeros(4)
    if seen.any():
        away = (normals * shifts).sum(axis=1)[seen] + deviations[seen]
        columns = np.concatenate([normals * (form.points - centre), normals], axis=1)[seen]
        weights = np.ones(len(away))
        for _ in range(_FITS):
            weighted = columns * weights[:, None]
            matrix = weighted.T @ columns + np.diag(_STIFFNESS * len(away))
            fitted = np.linalg.solve(matrix, weighted.T @ away)
            weights = 1 / np.maximum(np.abs(away - columns @ fitted), 1.0)
    linear, moved = alignment.matrix[:, :2], alignment.matrix[:, 2]
    back = np.linalg.inv(linear)
    offset = back @ (centre + fitted[2:] - moved) - centre
    x, y = (1 + fitted[:2]) / np.hypot(linear[0], linear[1])
    return Placement((float(x), float(y)), offset, fitted[2:])
