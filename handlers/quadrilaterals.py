"""Four-sided shapes in a picture: fitted around a region, completed outside the picture."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Corners = npt.NDArray[np.float32]
"""Shape (4, 2): x and y of the corners in pixels, clockwise from the upper left one."""

# A region fills this share of its quadrilateral. A finger or a torn corner may be missing.
_MIN_FILLED = 0.85
# A smooth outline with more corners than this is no quadrilateral.
_MAX_CORNERS = 14


def quadrilateral(contour: npt.NDArray[np.int32], area: float) -> Corners | None:
    """The smallest quadrilateral that continues the longer sides of a contour; None if it does not
    have the contour's shape.
    """
    hull = cv2.convexHull(contour)
    if area < _MIN_FILLED * cv2.contourArea(hull):
        return None
    simple = cv2.approxPolyDP(hull, 0.006 * cv2.arcLength(hull, True), True)[:, 0]
    points = np.asarray(simple, dtype=np.float64)
    if not 4 <= len(points) <= _MAX_CORNERS:
        return None
    while len(points) > 4:
        grown = [each for side in range(len(points)) if (each := _without_side(points, side))]
        if not grown:
            return None
        points = min(grown, key=lambda each: each[0])[1]
    corners = points.astype(np.float32)
    if area < _MIN_FILLED * cv2.contourArea(corners):
        return None
    if cv2.contourArea(corners, oriented=True) < 0:
        corners = corners[::-1]
    return np.asarray(np.roll(corners, -int(np.argmin(corners.sum(axis=1))), axis=0))


def _without_side(
    points: npt.NDArray[np.float64], side: int
) -> tuple[float, npt.NDArray[np.float64]] | None:
    """The polygon whose neighbours of one side are lengthened until they meet, and the area that it
    gains; None if they do not meet beyond that side.
    """
    count = len(points)
    before, start, end, after = (points[(side + k) % count] for k in (-1, 0, 1, 2))
    (a, b), (c, d) = start - before, end - after
    determinant = b * c - a * d
    if abs(determinant) < 1e-6:
        return None
    x, y = end - start
    along, back = (c * y - d * x) / determinant, (a * y - b * x) / determinant
    if along < 0 or back < 0:
        return None
    meeting = start + along * (start - before)
    (ux, uy), (vx, vy) = meeting - start, end - start
    kept = [points[(side + 2 + k) % count] for k in range(count - 2)]
    return abs(float(ux * vy - uy * vx)) / 2, np.asarray([meeting, *kept])


def completed(corners: Corners, visible: npt.NDArray[np.bool_]) -> Corners:
    """Moves each side that is not `visible`, because the edge of the picture cuts it, outwards
    until it is parallel to the opposite one. Side i runs from corner i to the next one.
    """
    whole = corners.astype(np.float64)
    for side in np.flatnonzero(~visible):
        opposite = (side + 2) % 4
        if not visible[opposite]:
            continue
        direction = whole[(opposite + 1) % 4] - whole[opposite]
        across = np.array([direction[1], -direction[0]]) / max(1e-6, np.linalg.norm(direction))
        ends = (side, (side - 1) % 4), ((side + 1) % 4, (side + 2) % 4)
        distances = [float((whole[end] - whole[opposite]) @ across) for end, _ in ends]
        furthest = max(distances, key=abs)
        for (end, neighbour), distance in zip(ends, distances, strict=True):
            towards = whole[end] - whole[neighbour]
            speed = float(towards @ across)
            if abs(speed) > 1e-6:
                whole[end] += towards * ((furthest - distance) / speed)
    return np.asarray(whole, dtype=np.float32)
