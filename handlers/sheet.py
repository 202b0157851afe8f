"""Finds the sheet, card or board that a photograph shows on a table, and takes it upright.

Candidates are the regions that a few thresholds of brightness separate. One of them is a sheet if
it is a quadrilateral, differs from what lies beside it along all of its sides that the picture
shows, and nothing like it lies elsewhere in the picture. A drawn box is none, because the paper
goes on outside; a stripe of shadow is none, because there are others.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Gray, gray
from handlers.decoding import shrink

Corners = npt.NDArray[np.float32]
"""Shape (4, 2): x and y in pixels, around the sheet."""

# Longer side, in pixels, of the copy that is searched.
_SMALL = 192
_LEVELS = (0.08, 0.2, 0.35, 0.5, 0.65, 0.8, 0.92)
# Shares of the picture's area.
_MIN_AREA = 0.1
_MAX_AREA = 0.985
# A region fills this share of its quadrilateral. A finger or a torn corner may be missing.
_MIN_FILLED = 0.9
# The contrast across each visible side, 0-255, and the share of a side's points that have it.
_MIN_STEP = 14.0
_MIN_SUPPORT = 0.85
# At most this share of what lies beside the sheet may look like it.
_MAX_ALIKE = 0.2
# The outer share of the sheet that is left out, because its edge is soft and throws shadows.
_INSET = 0.012
_TOLERANCE = 2.5
"""Distance from the edge of the small copy, in pixels, within which a side is that of the picture."""


def find_sheet(picture: Gray) -> Corners | None:
    """The corners of the sheet in a grey picture, in its pixels; None if it shows none."""
    small = gray(cv2.medianBlur(shrink(picture, _SMALL), 3))
    best, best_area = None, 0.0
    for hull, area in _regions(small):
        if area <= best_area:
            continue
        corners = _quadrilateral(hull)
        if corners is not None and _is_sheet(small, corners, hull):
            best, best_area = corners, area
    if best is None:
        return None
    best = _completed(best, small.shape)
    scale = np.array(picture.shape[::-1], dtype=np.float32) / small.shape[::-1]
    return np.asarray((best + 0.5) * scale - 0.5, dtype=np.float32)


def take_upright(picture: Gray, corners: Corners) -> Gray:
    """The sheet alone, seen from above, without its edge."""
    centre = corners.mean(axis=0)
    inner = centre + (corners - centre) * (1 - 2 * _INSET)
    sides = np.linalg.norm(inner - np.roll(inner, -1, axis=0), axis=1)
    width, height = round((sides[0] + sides[2]) / 2), round((sides[1] + sides[3]) / 2)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(inner.astype(np.float32), target)
    upright = cv2.warpPerspective(
        picture,
        matrix,
        (max(1, width), max(1, height)),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return gray(upright)


def _regions(small: Gray) -> Iterator[tuple[npt.NDArray[np.int32], float]]:
    """Convex hulls of large regions that are brighter or darker than a threshold, with areas."""
    low, high = (float(each) for each in np.percentile(small, (1, 99)))
    if high - low < 2 * _MIN_STEP:
        return
    size = small.size
    for level in _LEVELS:
        bright = gray(small > low + level * (high - low))
        for mask in (bright, 1 - bright):
            contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            for contour in contours:
                if len(contour) < 4:
                    continue
                area = cv2.contourArea(contour)
                if not _MIN_AREA * size <= area <= _MAX_AREA * size:
                    continue
                hull = cv2.convexHull(contour)
                if area >= _MIN_FILLED * cv2.contourArea(hull):
                    yield np.asarray(hull[:, 0], dtype=np.int32), float(area)


def _quadrilateral(hull: npt.NDArray[np.int32]) -> Corners | None:
    """The smallest quadrilateral around a hull that continues its longer sides, clockwise from the
    corner that is nearest to the upper left one of the picture.
    """
    simple = cv2.approxPolyDP(hull, 0.005 * cv2.arcLength(hull, True), True)[:, 0]
    points = np.asarray(simple, dtype=np.float64)
    if not 4 <= len(points) <= 14:
        return None
    area = cv2.contourArea(hull)
    while len(points) > 4:
        grown = [_without_side(points, side) for side in range(len(points))]
        areas = [
            cv2.contourArea(each.astype(np.float32)) if each is not None else np.inf
            for each in grown
        ]
        points_or_none = grown[int(np.argmin(areas))]
        if points_or_none is None:
            return None
        points = points_or_none
    if not _MIN_FILLED <= area / max(1.0, cv2.contourArea(points.astype(np.float32))) <= 1.1:
        return None
    if cv2.contourArea(points.astype(np.float32), oriented=True) < 0:
        points = points[::-1]
    return np.asarray(np.roll(points, -int(np.argmin(points.sum(axis=1))), axis=0), np.float32)


def _without_side(
    points: npt.NDArray[np.float64], side: int
) -> npt.NDArray[np.float64] | None:
    """The polygon whose neighbours of one side are lengthened until they meet; None if they do not
    meet beyond it.
    """
    count = len(points)
    before, start, end, after = (points[(side + k) % count] for k in (-1, 0, 1, 2))
    matrix = np.stack([start - before, after - end], axis=1)
    determinant = matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]
    if abs(determinant) < 1e-6:
        return None
    along, back = np.linalg.solve(matrix, end - start)
    # start + along * (start - before) == end + back * (end - after)
    if along < 0 or back < 0:
        return None
    meeting = start + along * (start - before)
    kept = [points[(side + 2 + k) % count] for k in range(count - 2)]
    return np.asarray([meeting, *kept])


def _visible(corners: Corners, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Which sides are inside the picture, not on its edge."""
    height, width = shape
    ends = np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)
    x, y = ends[..., 0], ends[..., 1]
    outside = (
        (x < _TOLERANCE).all(axis=1)
        | (y < _TOLERANCE).all(axis=1)
        | (x > width - 1 - _TOLERANCE).all(axis=1)
        | (y > height - 1 - _TOLERANCE).all(axis=1)
    )
    return np.asarray(~outside)


def _is_sheet(small: Gray, corners: Corners, hull: npt.NDArray[np.int32]) -> bool:
    visible = _visible(corners, small.shape)
    if not visible.any():
        return False
    height, width = small.shape
    steps = []
    for index in np.flatnonzero(visible):
        start, end = corners[index], corners[(index + 1) % 4]
        length = float(np.linalg.norm(end - start))
        if length < 4:
            return False
        across = np.array([end[1] - start[1], start[0] - end[0]]) / length  # points outwards
        points = start + np.linspace(0.04, 0.96, 48)[:, None] * (end - start)
        inner, outer = points - 3 * across, points + 2.5 * across
        shown = ((outer >= 0) & (outer <= (width - 1, height - 1))).all(axis=1)
        if shown.sum() < 6:
            continue
        steps.append(_at(small, inner[shown]) - _at(small, outer[shown]))
    if not steps:
        return False
    brighter = float(np.median(np.concatenate(steps))) > 0
    for step in steps:
        signed = step if brighter else -step
        if (signed > _MIN_STEP).mean() < _MIN_SUPPORT:
            return False
    inside = np.zeros(small.shape, np.uint8)
    cv2.fillConvexPoly(inside, np.rint(corners).astype(np.int32), 1)
    beside = cv2.dilate(inside, np.ones((5, 5), np.uint8)) == 0
    if not beside.any():
        return True
    sheet = float(np.median(small[inside > 0]))
    table = float(np.median(small[beside]))
    middle = (sheet + table) / 2
    alike = small[beside] > middle if brighter else small[beside] < middle
    return bool(alike.mean() <= _MAX_ALIKE)


def _at(small: Gray, points: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    height, width = small.shape
    x, y = np.rint(points).astype(int).T
    return small[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)].astype(np.float64)


def _completed(corners: Corners, shape: tuple[int, ...]) -> Corners:
    """Moves a side that is the edge of the picture until it is parallel to the opposite one,
    because the sheet goes on outside the picture.
    """
    visible = _visible(corners, shape)
    completed = corners.copy()
    for index in np.flatnonzero(~visible):
        opposite = (index + 2) % 4
        if not visible[opposite]:
            continue
        direction = corners[(opposite + 1) % 4] - corners[opposite]
        start, end = index, (index + 1) % 4
        across = np.array([direction[1], -direction[0]]) / max(1e-6, np.linalg.norm(direction))
        distances = [float((corners[each] - corners[opposite]) @ across) for each in (start, end)]
        furthest = max(distances, key=abs)
        for each, distance, towards in (
            (start, distances[0], corners[start] - corners[(start - 1) % 4]),
            (end, distances[1], corners[end] - corners[(end + 1) % 4]),
        ):
            speed = float(towards @ across)
            if abs(speed) > 1e-6:
                completed[each] = corners[each] + towards * ((furthest - distance) / speed)
    return np.asarray(completed, dtype=np.float32)
