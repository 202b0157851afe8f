"""Four-sided shapes in a picture: fitted around a region, completed outside the picture."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Corners = npt.NDArray[np.float32]
"""Shape (4, 2): x and y of the corners in pixels, clockwise from the upper left one."""

_Points = npt.NDArray[np.float64]

# Share of its convex hull that the region fills. Most characters fill less.
_MIN_SOLID = 0.75
# Share of the quadrilateral that the region fills. A finger may cover a corner, or lie beside one.
_MIN_FILLED = 0.82
_MAX_FILLED = 1.18
# The outline is simplified to straight pieces that are at most this far from it, in pixels.
_STRAIGHT = 2.0
# The sides are looked for among so many of the longest pieces. Two are of one side if the sine of
# the angle between them is less, and the middle of one is within some pixels of the other's line.
_PIECES = 12
_SAME_DIRECTION = 0.2
_SAME_LINE = 5.0
# A sheet that is seen at an angle of 30 degrees has corners between these, in degrees.
_MIN_CORNER = 50.0
_MAX_CORNER = 130.0
# The longest side is at most so many times the shortest. Strokes and stripes are longer.
_MAX_SIDES = 4.0


def quadrilateral(contour: npt.NDArray[np.int32], area: float) -> Corners | None:
    """The quadrilateral on whose sides the longest straight pieces of a contour lie; None if the
    contour, which encloses `area` pixels, has no such shape.
    """
    if area < _MIN_SOLID * cv2.contourArea(cv2.convexHull(contour)):
        return None
    ends = cv2.approxPolyDP(contour, _STRAIGHT, True)[:, 0].astype(np.float64)
    if len(ends) < 4:
        return None
    sides = _four_longest(ends, np.roll(ends, -1, axis=0))
    if sides is None:
        return None
    corners = _crossings(*sides)
    if corners is None or not _MIN_FILLED < area / max(1.0, cv2.contourArea(corners)) < _MAX_FILLED:
        return None
    if not _MIN_CORNER < _angles(corners).min() <= _angles(corners).max() < _MAX_CORNER:
        return None
    lengths = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    if lengths.max() > _MAX_SIDES * lengths.min():
        return None
    if cv2.contourArea(corners, oriented=True) < 0:
        corners = corners[::-1]
    return np.asarray(np.roll(corners, -int(np.argmin(corners.sum(axis=1))), axis=0))


def _four_longest(starts: _Points, ends: _Points) -> tuple[_Points, _Points] | None:
    """A point and the unit direction of four sides, in the order of the pieces of the contour;
    None if it has fewer.
    """
    along = ends - starts
    lengths = np.maximum(1e-6, np.hypot(along[:, 0], along[:, 1]))
    directions = along / lengths[:, None]
    # Plain numbers are quicker here than arrays.
    pieces = np.hstack([starts, (starts + ends) / 2, directions]).tolist()
    chosen: list[int] = []
    for piece in np.argsort(-lengths)[:_PIECES].tolist():
        _, _, x, y, u, v = pieces[piece]
        if any(
            abs(u * d - v * c) < _SAME_DIRECTION and abs((x - a) * d - (y - b) * c) < _SAME_LINE
            for a, b, _, _, c, d in (pieces[other] for other in chosen)
        ):
            continue
        chosen.append(piece)
        if len(chosen) == 4:
            order = sorted(chosen)
            return starts[order], directions[order]
    return None


def _crossings(points: _Points, directions: _Points) -> Corners | None:
    """Where each of four lines crosses the one before; None if two are parallel."""
    before, towards = np.roll(points, 1, axis=0), np.roll(directions, 1, axis=0)
    determinants = towards[:, 0] * directions[:, 1] - towards[:, 1] * directions[:, 0]
    if np.abs(determinants).min() < 0.1:
        return None
    gap = points - before
    steps = (gap[:, 0] * directions[:, 1] - gap[:, 1] * directions[:, 0]) / determinants
    return np.asarray(before + steps[:, None] * towards, dtype=np.float32)


def _angles(corners: Corners) -> npt.NDArray[np.float64]:
    """The angle at each corner in degrees."""
    one, other = np.roll(corners, 1, axis=0) - corners, np.roll(corners, -1, axis=0) - corners
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosines = (one * other).sum(axis=1) / np.maximum(1e-6, lengths)
    return np.asarray(np.rad2deg(np.arccos(np.clip(cosines, -1, 1))), dtype=np.float64)


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
