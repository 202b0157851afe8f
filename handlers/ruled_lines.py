"""Takes ruled lines out of a mask of ink and leaves the strokes that cross them."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from handlers.arrays import Gray, Mask, gray
from handlers.arrays import mask as to_mask

# A ruled line crosses the picture: there is ink on the first share of the way from edge to
# edge, and on the second ink that is thin. A top bar may be as straight, but there is paper
# on either side of the character.
_INKED = 0.75
_THIN = 0.35
# Paper beyond the other ink at either end of a single line, in shares of the way.
_ROOM = 0.04
# Thickness in shares of the shorter side of the picture.
_THICKEST = 0.022
# Angles searched, in degrees from the axes.
_STEEPEST = 25.0


class Line(NamedTuple):
    """A straight line, `distance` = x cos(`angle`) + y sin(`angle`) in pixels and radians."""

    distance: float
    angle: float


def remove_ruled_lines(mask: Mask) -> Mask:
    """Returns `mask` without the thin straight lines that run from edge to edge."""
    thickest = max(3, round(_THICKEST * min(mask.shape)) | 1)
    ink = gray(mask)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thickest + 2, thickest + 2))
    opened = cv2.morphologyEx(ink, cv2.MORPH_OPEN, kernel)
    bold = gray(cv2.dilate(opened, np.ones((3, 3), np.uint8)))
    thin = ink & ~bold
    lines = _find_lines(ink, thin)
    if not lines:
        return mask
    band = np.zeros_like(ink)
    for line in lines:
        _draw(band, line, thickest)
    cleaned = ink & ~(thin & band)
    if len(lines) == 1 and not _paper_on_both_sides(cleaned, lines[0]):
        return mask
    # A thin stroke that crosses a line lost the crossing: bridge it where ink stands on both
    # sides of the band.
    window = np.ones((thickest + 4, 3), np.uint8)
    bridge = gray(cv2.morphologyEx(cleaned, cv2.MORPH_CLOSE, window))
    return to_mask(cleaned | (bridge & band & ink))


def _find_lines(ink: Gray, thin: Gray) -> list[Line]:
    height, width = thin.shape
    found = cv2.HoughLines(
        thin,
        rho=1.5,
        theta=np.pi / 360,
        threshold=max(16, round(0.35 * min(height, width))),
    )
    if found is None:
        return []
    lines: list[Line] = []
    for distance, angle in found[:200, 0]:
        line = Line(float(distance), float(angle))
        if (
            _off_axis(line) <= _STEEPEST
            and _coverage(thin, line) >= _THIN
            and _coverage(ink, line) >= _INKED
        ):
            lines.append(line)
            if len(lines) == 60:
                break
    return lines


def _paper_on_both_sides(ink: Gray, line: Line) -> bool:
    """Whether the line runs on beyond the rest of the ink: a single one that does not may be
    the top bar of a character that fills the picture.
    """
    level = abs(np.sin(line.angle)) > abs(np.cos(line.angle))
    along = np.flatnonzero(ink.any(axis=0 if level else 1))
    length = ink.shape[1 if level else 0]
    room = _ROOM * length
    return bool(along.size) and along[0] >= room and along[-1] < length - room


def _off_axis(line: Line) -> float:
    degrees = np.rad2deg(line.angle) % 90
    return float(min(degrees, 90 - degrees))


def _coverage(ink: Gray, line: Line) -> float:
    """Share of the line's way across the picture that has ink within two pixels."""
    height, width = ink.shape
    normal = np.array([np.cos(line.angle), np.sin(line.angle)])
    along = np.array([-normal[1], normal[0]])
    reach = np.arange(-height - width, height + width, dtype=np.float64)
    points = normal * line.distance + along * reach[:, None]
    inside = (
        (points[:, 0] >= 0)
        & (points[:, 0] <= width - 1)
        & (points[:, 1] >= 0)
        & (points[:, 1] <= height - 1)
    )
    points = points[inside]
    if len(points) < 0.5 * min(height, width):
        return 0.0
    hit = np.zeros(len(points), bool)
    for offset in (-2, -1, 0, 1, 2):
        x, y = np.rint(points + normal * offset).astype(int).T
        hit |= ink[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] > 0
    return float(hit.mean())


def _draw(band: Gray, line: Line, thickness: int) -> None:
    normal = np.array([np.cos(line.angle), np.sin(line.angle)])
    along = np.array([-normal[1], normal[0]])
    reach = sum(band.shape)
    start, end = (normal * line.distance + along * sign * reach for sign in (-1, 1))
    cv2.line(
        band, np.rint(start).astype(int).tolist(), np.rint(end).astype(int).tolist(), 1, thickness
    )
