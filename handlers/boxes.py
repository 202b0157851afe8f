"""Boxes of characters in shares of the picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
"""A perspective transformation in homogeneous coordinates, shape (3, 3)."""

Box = tuple[float, float, float, float]
"""Left, top, width and height in shares of the upright picture, 0-1."""

UNCHANGED: Matrix = np.eye(3)


def picture_box(
    place: tuple[int, int, int, int], size: tuple[int, int], matrix: Matrix = UNCHANGED
) -> Box:
    """The box in the upright picture around a `place` of the picture that was searched.

    `place` is left, top, width and height in pixels. `matrix` maps pixels of the picture that was
    searched to those of the upright picture, whose width and height are `size`. What is outside it
    is cut off.
    """
    left, top, width, height = place
    right, bottom = left + width, top + height
    corners = np.array([(left, top, 1), (right, top, 1), (right, bottom, 1), (left, bottom, 1)])
    mapped = corners @ matrix.T
    shares = (mapped[:, :2] / mapped[:, 2:] / size).clip(0, 1)
    (x, y), (end_x, end_y) = shares.min(axis=0).tolist(), shares.max(axis=0).tolist()
    return (round(x, 5), round(y, 5), round(end_x - x, 5), round(end_y - y, 5))
