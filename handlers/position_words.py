"""Puts positions and directions into words for the learner."""

from __future__ import annotations

import numpy as np

from handlers.alignment import SIDE, Points

POSITION_WORDS = (
    ("at the upper left", "at the top", "at the upper right"),
    ("on the left", "in the middle", "on the right"),
    ("at the lower left", "at the bottom", "at the lower right"),
)
"""`[row][column]`: the picture in thirds of its height and of its width."""


def position(point: Points) -> str:
    """Where a point of the canvas is in the picture."""
    column, row = (np.asarray(point) / SIDE).tolist()
    return POSITION_WORDS[_third(row)][_third(column)]


def _third(share: float) -> int:
    return min(2, max(0, int(3 * share)))


def direction(vector: Points) -> str:
    """The direction of `vector`, x and y."""
    right, down = vector.tolist()
    if abs(right) > 2 * abs(down):
        return "to the right" if right > 0 else "to the left"
    if abs(down) > 2 * abs(right):
        return "down" if down > 0 else "up"
    return f"{'down' if down > 0 else 'up'} to the {'right' if right > 0 else 'left'}"


def position_within(point: Points, points: Points) -> str:
    """Where `point` is within a part, `points`: along its length if the part is long and narrow."""
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = high - low
    column, row = ((point - low) / np.maximum(high - low, 1)).tolist()
    if width > 2.2 * height:
        return POSITION_WORDS[1][_third(column)]
    if height > 2.2 * width:
        return POSITION_WORDS[_third(row)][1]
    return POSITION_WORDS[_third(row)][_third(column)]
