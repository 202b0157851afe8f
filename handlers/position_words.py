"""Names places and directions."""

from __future__ import annotations

import numpy as np

from handlers.lines import Points

PLACES = (
    ("upper left", "upper", "upper right"),
    ("left", "middle", "right"),
    ("lower left", "lower", "lower right"),
)
"""`[row][column]`: the picture, or a part, in thirds of its height and of its width."""


def third(share: float) -> int:
    """The third in which a share of a length is: 0, 1 or 2."""
    return min(2, max(0, int(3 * share)))


def direction(vector: Points) -> str:
    """The direction of `vector`, x and y: one of eight, such as `left` or `up left`."""
    right, down = vector.tolist()
    sideways = "right" if right > 0 else "left"
    upright = "down" if down > 0 else "up"
    if abs(right) > 2 * abs(down):
        return sideways
    if abs(down) > 2 * abs(right):
        return upright
    return f"{upright} {sideways}"


def place_within(point: Points, points: Points) -> str:
    """Where `point` is within a part, `points`: along its length if the part is long and narrow."""
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = high - low
    column, row = ((point - low) / np.maximum(high - low, 1)).tolist()
    if width > 2.2 * height:
        return PLACES[1][third(column)]
    if height > 2.2 * width:
        return PLACES[third(row)][1]
    return PLACES[third(row)][third(column)]
