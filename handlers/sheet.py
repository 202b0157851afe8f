"""Finds the sheet, card or board that a picture shows on a table, and takes it upright.

Candidates are the regions that thresholds of brightness separate. One of them is a sheet if it is a
quadrilateral, differs from what lies beside it along all of its sides that the picture shows, and
nothing like it lies elsewhere in the picture. A drawn box is none, because the paper goes on
outside; a stripe of shadow is none, because there are others.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Field, Gray, gray
from handlers.boxes import UNCHANGED, Matrix
from handlers.decoding_files import LONGEST_SIDE, shrink
from handlers.quadrilaterals import Corners, completed, quadrilateral

# Longer side, in pixels, of the copy that is searched.
_SMALL = 256
# Longer side, in pixels, of the smallest picture that is searched.
_MIN_SIDE = 128
# A sheet of at least this share of the picture may be a mat, or a board with its frame. It is
# searched again, so many times in all.
_NESTED_SHARE = 0.5
_MAX_NESTED = 3
# A threshold separates a sheet from a table only where few pixels have its brightness: at most this
# share of the picture is within 3 levels of it.
_VALLEY = 0.02
_VALLEY_WIDTH = 7
# At least this share of the pixels at the edge of the picture is table.
_MIN_TABLE_EDGE = 0.08
# Shares of the picture's area.
_MIN_AREA = 0.06
_MAX_AREA = 0.985
# The contrast, 0-255, that is an edge between neighbouring pixels.
_MIN_EDGE = 8
_OPEN = 0.35
_CLOSED = 0.95
# The contrast across each visible side between pixels that are four apart, 0-255, and the share of
# a side's points that have it. In a soft shadow, a smaller share of the change lies so near
# together. Within some pixels of the picture's edge, a side without contrast is cut.
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
        taken = take_upright(previous.gray, corners)
        found = Sheet(taken.gray, previous.matrix @ taken.matrix)
        if taken.gray.size < _NESTED_SHARE * previous.gray.size:
            break
        previous = found
    return found


def find_sheet(picture: Gray) -> Corners | None:
    """The corners of the sheet in a grey picture, in its pixels; None if it shows none."""
    small = gray(cv2.medianBlur(shrink(picture, _SMALL), 3))
    best, best_rank = None, (0, 0.0)
    for contour, area in chain(_edge_regions(small), _brightness_regions(small)):
        if not _MIN_AREA * small.size < area <= _MAX_AREA * small.size or (4, area) <= best_rank:
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


Region = tuple[npt.NDArray[np.int32], float]
"""A contour and the area in it, in pixels."""


def _brightness_regions(small: Gray) -> Iterator[Region]:
    """Regions that are brighter or darker than a threshold, where the edge of the picture shows
    something else.
    """
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    for level in _thresholds(small):
        bright = gray(cv2.threshold(small, level, 1, cv2.THRESH_BINARY)[1])
        share = cv2.countNonZero(bright) / small.size
        bright_edge = float((edge > level).mean())
        for mask, area, table in (
            (bright, share, 1 - bright_edge),
            (1 - bright, 1 - share, bright_edge),
        ):
            if area >= 0.8 * _MIN_AREA and table >= _MIN_TABLE_EDGE:
                yield from _contours(mask)


def _edge_regions(small: Gray) -> Iterator[Region]:
    """Regions without edges inside, except for ink, that do not reach all edges of the picture."""
    half = cv2.resize(small, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    # The closing removes dark strokes and ruled lines.
    plain = cv2.morphologyEx(half, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    steps = cv2.morphologyEx(plain, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    around = cv2.morphologyEx(plain, cv2.MORPH_GRADIENT, np.ones((7, 7), np.uint8))
    # A shadow's edge is soft: much less of the change is in three pixels than in seven.
    edges = (steps > _MIN_EDGE) & (steps > _MIN_SHARPNESS * around)
    closed = gray(cv2.dilate(gray(edges), np.ones((3, 3), np.uint8)))  # closes gaps
    yield from _flat_regions(1 - closed)
    yield from _outlined_regions(closed)


def _flat_regions(flat: Gray) -> Iterator[Region]:
    """What lies between edges and does not reach all edges of the picture."""
    height, width = flat.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        flat, connectivity=4, ltype=cv2.CV_16U
    )
    for label in range(1, count):
        w, h, area = stats[label, 2:]
        if area < 0.5 * _MIN_AREA * flat.size or (w == width and h == height):
            continue
        # The edge itself lies between the region and the next.
        region = gray(cv2.dilate(gray(labels == label), np.ones((5, 5), np.uint8)))
        for contour, size in _contours(region):
            yield 2 * contour, 4 * size


def _outlined_regions(edges: Gray) -> Iterator[Region]:
    """The convex hulls of connected edges: the outline of a sheet, also if it has a wide gap."""
    for outline, area in _contours(edges):
        hull = cv2.convexHull(outline)
        whole = cv2.contourArea(hull)
        # A closed outline fills its hull, one with a gap hardly. A character does neither.
        if whole < _MIN_AREA * edges.size or _OPEN < area / whole < _CLOSED:
            continue
        filled = np.zeros_like(edges)
        cv2.fillConvexPoly(filled, hull, 1)
        for contour, size in _contours(gray(cv2.erode(filled, np.ones((5, 5), np.uint8)))):
            yield 2 * contour, 4 * size


def _contours(mask: Gray) -> Iterator[Region]:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        if len(contour) >= 4:
            yield np.asarray(contour, dtype=np.int32), float(cv2.contourArea(contour))


def _thresholds(small: Gray) -> list[float]:
    """The middle of each valley of the histogram."""
    sample = np.ascontiguousarray(small[::2, ::2])
    counts = cv2.calcHist([sample], [0], None, [256], [0, 256]).ravel()
    near = np.convolve(counts, np.ones(_VALLEY_WIDTH, np.float32), "same")
    valley = near < _VALLEY * sample.size
    used = np.flatnonzero(counts)
    low, high = int(used[0]), int(used[-1])
    changes = np.flatnonzero(np.diff(valley[low : high + 1].astype(np.int8), prepend=0, append=0))
    return [low + float(start + end) / 2 for start, end in changes.reshape(-1, 2)]


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
