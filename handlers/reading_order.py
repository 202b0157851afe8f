"""The order in which characters are read: rows from the top, each from the left."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Two characters are in one row if they share this part of the height of the lower one.
_SHARED_HEIGHT = 0.5
# Steepest slope of rows.
_MAX_SLOPE = 0.35


def reading_order(boxes: npt.ArrayLike) -> list[int]:
    """The indices of `boxes` (left, top, width, height; shape (n, 4)) in reading order.

    All rows may have the same slope, as in a photograph taken at an angle.
    """
    left, top, width, height = np.asarray(boxes, dtype=np.float64).reshape(-1, 4).T
    x = left + width / 2
    top = top - _slope(x, top + height / 2, height) * x
    rows: list[list[int]] = []
    for index in np.argsort(top + height / 2, kind="stable"):
        for row in rows:
            row_top, row_height = top[row].mean(), height[row].mean()
            shared = min(top[index] + height[index], row_top + row_height) - max(
                top[index], row_top
            )
            if shared >= _SHARED_HEIGHT * min(height[index], row_height):
                row.append(int(index))
                break
        else:
            rows.append([int(index)])
    rows.sort(key=lambda row: float((top[row] + height[row] / 2).mean()))
    return [index for row in rows for index in sorted(row, key=lambda each: x[each])]


def _slope(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], height: npt.NDArray[np.float64]
) -> float:
    """The slope of the rows: the median of those from each character to the next on its right."""
    right = x[None] - x[:, None]
    down = y[None] - y[:, None]
    possible = (right > 0.3 * height[:, None]) & (np.abs(down) <= _MAX_SLOPE * right)
    distance = np.where(possible, np.hypot(right, 3 * down), np.inf)
    nearest = distance.argmin(axis=1)
    indices = np.flatnonzero(possible.any(axis=1))
    if not indices.size:
        return 0.0
    slopes = down[indices, nearest[indices]] / right[indices, nearest[indices]]
    return float(np.median(slopes))
