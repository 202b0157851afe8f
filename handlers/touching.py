"""Cuts a row of characters that touch, as where their top bars meet, into single characters."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Mask, gray

# Only what is wider than this times its height may be more than one character.
_ROW_ASPECT = 1.9
# A cut passes through no ink below this share of the height: only the top bar.
_BAR_SHARE = 0.4
# Least width of a gap, as a share of the height.
_MIN_GAP = 0.04
# Shares of the height: of a contour that may be a character by itself, and of how far the tail of
# one may reach over the next.
_HIGH, _MAX_OVERLAP = 0.6, 0.2
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
    """The columns where a cut is possible."""
    height, width = mask.shape
    free = ~mask[round(_BAR_SHARE * height) :].any(axis=0)
    changes = np.flatnonzero(np.diff(np.concatenate([[False], free, [False]]).astype(np.int8)))
    runs: npt.NDArray[np.int64] = changes.reshape(-1, 2)
    middles = [
        int(start + end) // 2
        for start, end in runs
        if end - start >= _MIN_GAP * height and start > 0 and end < width
    ]
    return sorted({*middles, *_between_contours(mask)})


def _between_contours(mask: Mask) -> list[int]:
    """The columns between contours that are as high as the row, even if a tail reaches over."""
    height = mask.shape[0]
    _, _, stats, _ = cv2.connectedComponentsWithStats(gray(mask), connectivity=8)
    boxes = np.asarray(stats[1:, :4])
    high = boxes[boxes[:, 3] >= _HIGH * height]
    high = high[np.argsort(high[:, 0])]
    ends, starts = (high[:, 0] + high[:, 2])[:-1], high[1:, 0]
    apart = starts - ends >= -_MAX_OVERLAP * height
    return ((starts + ends) // 2)[apart].astype(int).tolist()  # type: ignore[no-any-return]
