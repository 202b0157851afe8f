"""Cuts a row of characters that touch, as where their top bars meet, into single characters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from handlers.arrays import Mask

# Only what is wider than this times its height may be more than one character.
_ROW_ASPECT = 1.9
# A cut passes through no ink below this share of the height: only the top bar.
_BAR_SHARE = 0.4
# Least width of a gap, as a share of the height.
_MIN_GAP = 0.04
# Widths of a character by the height of its row: the least, the likeliest and the largest.
_NARROWEST, _LIKELIEST, _WIDEST = 0.35, 0.9, 1.9


def cuts(mask: Mask) -> list[int]:
    """The columns at which to cut a character's mask, in pixels; none if it is one character."""
    height, width = mask.shape
    if width < _ROW_ASPECT * height:
        return []
    gaps = _gaps(mask)
    # The best way to reach each gap, and the end: dynamic programming over the last cut.
    places = [0, *gaps, width]
    costs, before = [0.0], [0]
    for end, place in enumerate(places[1:], start=1):
        options = [
            (costs[start] + _cost((place - places[start]) / height), start) for start in range(end)
        ]
        cost, start = min(options)
        costs.append(cost)
        before.append(start)
    if np.isinf(costs[-1]):
        return []
    found, at = [], before[-1]
    while at:
        found.append(places[at])
        at = before[at]
    return found[::-1]


def _cost(width: float) -> float:
    """How unlikely a character of this width is, by its height."""
    if not _NARROWEST <= width <= _WIDEST:
        return np.inf
    return float(np.log(width / _LIKELIEST) ** 2)


def _gaps(mask: Mask) -> list[int]:
    """The middle of each run of columns with no ink but a top bar."""
    height = mask.shape[0]
    free = ~mask[round(_BAR_SHARE * height) :].any(axis=0)
    changes = np.flatnonzero(np.diff(np.concatenate([[False], free, [False]]).astype(np.int8)))
    runs: npt.NDArray[np.int64] = changes.reshape(-1, 2)
    return [
        int(start + end) // 2
        for start, end in runs
        if end - start >= _MIN_GAP * height and start > 0 and end < mask.shape[1]
    ]
