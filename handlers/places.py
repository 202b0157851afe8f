"""Where something is and which way it lies, in words."""

from __future__ import annotations

import numpy as np

from handlers.alignment import SIDE, Points

PLACES = (
    ("at the upper left", "at the top", "at the upper right"),
    ("on the left", "in the middle", "on the right"),
    ("at the lower left", "at the bottom", "at the lower right"),
)
"""By thirds of the height and thirds of the width."""


def place(point: Points) -> str:
    """In which third of thirds of the picture a point of the canvas is."""
    column, row = (np.asarray(point) / SIDE).tolist()
    return PLACES[_third(row)][_third(column)]


def _third(share: float) -> int:
    return min(2, max(0, int(3 * share)))


def direction(way: Points) -> str:
    """Which way `way`, x and y, points."""
    right, down = way.tolist()
    if abs(right) > 2 * abs(down):
        return "to the right" if right > 0 else "to the left"
    if abs(down) > 2 * abs(right):
        return "down" if down > 0 else "up"
    return f"{'down' if down > 0 else 'up'} to the {'right' if right > 0 else 'left'}"


def end_of(point: Points, points: Points) -> str:
    """Where on a part a point of it is, from the learner's view of the part."""
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = high - low
    if width > 2.2 * height:
        share = (point[0] - low[0]) / max(width, 1)
        return PLACES[1][_third(share)]
    if height > 2.2 * width:
        share = (point[1] - low[1]) / max(height, 1)
        return PLACES[_third(share)][1]
    column, row = ((point - low) / np.maximum(high - low, 1)).tolist()
    return PLACES[_third(row)][_third(column)]
