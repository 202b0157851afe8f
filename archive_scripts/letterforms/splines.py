"""Smooth curves through given points."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def catmull_rom(points: int, samples: int) -> npt.NDArray[np.float64]:
    """Uniform Catmull-Rom spline (Catmull and Rom 1974) as a matrix (`samples`, `points`).

    The curve passes through all points at equal steps of the parameter. Beyond both ends it is
    extended straight.
    """
    matrix = np.zeros((samples, points))
    for row, parameter in enumerate(np.linspace(0, points - 1, samples)):
        index = min(int(parameter), points - 2)
        u = parameter - index
        weights = (
            (-(u**3) + 2 * u**2 - u) / 2,
            (3 * u**3 - 5 * u**2 + 2) / 2,
            (-3 * u**3 + 4 * u**2 + u) / 2,
            (u**3 - u**2) / 2,
        )
        for place, weight in zip(range(index - 1, index + 3), weights, strict=True):
            if place < 0:
                matrix[row, :2] += 2 * weight, -weight
            elif place >= points:
                matrix[row, -2:] += -weight, 2 * weight
            else:
                matrix[row, place] += weight
    return matrix
