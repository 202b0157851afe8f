"""Finds the sheet, card or board that a picture shows on a table, and takes it upright.

A region is a sheet if it is a quadrilateral, differs sharply from what lies beside it along all of
its sides that the picture shows, and little like it lies elsewhere in the picture. A drawn box is
none, because the paper goes on outside; a shadow is none, because its edge is soft; a stripe of
light is none, because there are others.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Field, Gray, gray
from handlers.boxes import UNCHANGED, Matrix
from handlers.decoding_files import LONGEST_SIDE, shrink
from handlers.quadrilaterals import Corners, completed, quadrilateral
from handlers.sheet_regions import sheet_regions

# Longer side, in pixels, of the copy that is searched.
_SMALL = 256
# Longer side, in pixels, of the smallest picture that is searched.
_MIN_SIDE = 128
# A sheet with this share of the picture may be a mat, or a board with its frame. It is searched
# again, up to so many times in all. A sheet inside it has at least the second share of it,
# because a bold character is smaller.
_MAT_SHARE = 0.6
_MIN_NESTED_SHARE = 0.25
_MAX_NESTED = 3
# Something darker than its surroundings is a bold character, not a sheet, if it has a smaller share
# of the picture.
_MIN_DARK_SHARE = 0.1
# A region that is hardly larger than a sheet seen as a whole is that sheet again.
_SAME_AREA = 1.1
# The contrast across each visible side between pixels that are four apart, 0-255, and the share of
# a side's points that have it. In a soft shadow, a smaller share of the change lies so near.
# Within some pixels of the picture's edge, a side without contrast is cut.
_MIN_STEP = 11.0
_MIN_SHARPNESS = 0.6
_NEAR_EDGE = 4.0
_POINTS = 32
_DISTANCES = np.array([-5.0, -3, -1, 1, 3, 5, 11])
_MIN_SUPPORT = 0.8
# At most the second share of the points may lie at a line: further outside, the brightness returns
# to that of the sheet, but for the first share of the contrast.
_MAX_RETURN = 0.4
_MAX_RETURNS = 0.4
# At most this share of what lies beside the sheet may look like it. It is less for a sheet that the
# edge of the picture cuts, because light through blinds makes several stripes; and not little for a
# whole one, because a shadow across sheet and table makes parts of them look alike.
_MAX_ALIKE_CUT = 0.3
_MAX_ALIKE_WHOLE = 0.6
_SAMPLING = 3
# What is left out along each side, because the edge is soft and throws a shadow: pixels of the
# small copy, and a share of the sheet.
_INSET = 1.5
_INSET_SHARE = 0.008


class Sheet(NamedTuple):
    """A sheet seen from above, and what maps its pixels to those of the picture."""

    gray: Gray
    matrix: Matrix


def upright_sheet(picture: Gray) -> Sheet | None:
    """The sheet in a grey picture, without what it lies on; None if it shows none.

    A sheet can lie on another, and a board hangs in a frame.
    """
    found, previous = None, Sheet(picture, UNCHANGED)
    for _ in range(_MAX_NESTED):
        if max(previous.gray.shape) < _MIN_SIDE or (corners := find_sheet(previous.gray)) is None:
            break
        share = cv2.contourArea(corners) / previous.gray.size
        if found is not None and share < _MIN_NESTED_SHARE:
            break
        taken = take_upright(previous.gray, corners)
        found = previous = Sheet(taken.gray, previous.matrix @ taken.matrix)
        if share < _MAT_SHARE:
            break
    return found


def find_sheet(picture: Gray) -> Corners | None:
    """The corners of the sheet in a grey picture, in its pixels; None if it shows none."""
    small = gray(cv2.medianBlur(_reduced(picture), 3))
    best, best_rank = None, (0, 0.0)
    for contour, area in sheet_regions(small):
        if (4, area / _SAME_AREA) <= best_rank:
            continue
        corners = quadrilateral(contour, area)
        visible = None if corners is None else _visible_sides(small, corners)
        if corners is None or visible is None:
            continue
        # A sheet that is seen as a whole is surer than a part of the picture that its edge cuts.
        rank = (int(visible.sum()), area)
        if rank > best_rank:
            best, best_rank = completed(corners, visible), rank
    if best is None:
        return None
    scale = np.array(picture.shape[::-1], dtype=np.float32) / small.shape[::-1]
    return np.asarray((_without_edge(best) + 0.5) * scale - 0.5, dtype=np.float32)


def _reduced(picture: Gray) -> Gray:
    """A copy of at most 256 pixels. Of a decoded picture, interpolation skips hardly a pixel, and
    takes a tenth of the time of averaging.
    """
    scale = _SMALL / max(picture.shape)
    if not 0.5 <= scale < 1:
        return shrink(picture, _SMALL)
    return gray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR))


def take_upright(picture: Gray, corners: Corners) -> Sheet:
    """The sheet alone, seen from above, at most 512 pixels on the longer side."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    size = np.array([sides[0] + sides[2], sides[1] + sides[3]]) / 2
    size *= min(1, LONGEST_SIDE / size.max())
    width, height = (max(1, round(side)) for side in size.tolist())
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(corners, target)
    # Pixels outside the picture repeat those at its edge.
    upright = cv2.warpPerspective(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return Sheet(gray(upright), np.linalg.inv(np.asarray(matrix, dtype=np.float64)))


def _visible_sides(small: Gray, corners: Corners) -> npt.NDArray[np.bool_] | None:
    """Which sides of a sheet with these corners the picture shows; None if there is no sheet."""
    levels, points = _profiles(small, corners)
    steps = levels[:, :-3] - levels[:, 2:-1]
    # Near the edge of the picture, a point without contrast only means that the sheet is cut.
    near = (np.minimum(points, np.array(small.shape[::-1]) - 1 - points) < _NEAR_EDGE).any(axis=2)
    shown = ~near | (np.abs(steps) > _MIN_STEP).any(axis=1)
    visible = np.asarray(shown.sum(axis=1) >= _POINTS / 4)
    if not visible.any():
        return None
    brighter = bool(np.median(steps.sum(axis=1)[shown]) > 0)
    if not brighter and cv2.contourArea(corners) < _MIN_DARK_SHARE * small.size:
        return None
    sign = 1 if brighter else -1
    sharpest = (sign * steps).max(axis=1)
    inside, outside, beyond = levels[:, 0], levels[:, -2], levels[:, -1]
    edge = (sharpest > _MIN_STEP) & (sharpest > _MIN_SHARPNESS * sign * (inside - outside))
    if any(edge[side][shown[side]].mean() < _MIN_SUPPORT for side in np.flatnonzero(visible)):
        return None
    returns = sign * (inside - beyond) < _MAX_RETURN * sharpest
    if returns[shown].mean() > _MAX_RETURNS:
        return None
    max_alike = _MAX_ALIKE_WHOLE if visible.all() else _MAX_ALIKE_CUT
    return visible if _alike(small, corners, brighter) <= max_alike else None


def _alike(small: Gray, corners: Corners, brighter: bool) -> float:
    """The share of what lies beside a sheet that looks like it, 0-1."""
    sample = small[::_SAMPLING, ::_SAMPLING]
    filled = np.zeros(sample.shape, np.uint8)
    cv2.fillConvexPoly(filled, np.rint(corners / _SAMPLING).astype(np.int32), 1)
    inside, beside = sample[filled > 0], sample[cv2.dilate(filled, np.ones((3, 3), np.uint8)) == 0]
    if not (inside.size and beside.size):
        return 0.0
    middle = (float(np.median(inside)) + float(np.median(beside))) / 2
    alike = beside > middle if brighter else beside < middle
    return float(alike.mean())


def _profiles(small: Gray, corners: Corners) -> tuple[Field, Field]:
    """The brightness across the sides, at points along each: at `_DISTANCES` from the side, shape
    (4, distances, points); and the points, shape (4, points, 2).
    """
    along = np.roll(corners, -1, axis=0) - corners
    outwards = along[:, ::-1] * (1, -1) / np.maximum(1, np.linalg.norm(along, axis=1))[:, None]
    points = corners[:, None] + np.linspace(0.04, 0.96, _POINTS)[:, None] * along[:, None]
    # Shape (4, distances, points, 2).
    profile = points[:, None] + _DISTANCES[:, None, None] * outwards[:, None, None]
    last = np.array(small.shape[::-1]) - 1
    x, y = np.clip(np.rint(profile), 0, last).astype(int).transpose(3, 0, 1, 2)
    return small[y, x].astype(np.float32), points.astype(np.float32)


def _without_edge(corners: Corners) -> Corners:
    centre = corners.mean(axis=0)
    offset = corners - centre
    half = np.abs(offset).min(axis=0)
    return np.asarray(centre + offset * (1 - _INSET / np.maximum(half, 4) - _INSET_SHARE))
