"""Removes ruled lines from a mask of ink and keeps the strokes that cross them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Gray, Mask, gray
from handlers.arrays import mask as to_mask

# A ruled line runs from edge to edge of the picture. Ink covers at least the first share of its
# length, thin ink the second. A top bar is as straight, but has paper at both ends.
_INK_SHARE = 0.75
_THIN_INK_SHARE = 0.35
# At both ends of a ruled line, at most this share of its length has no ink.
_END_SHARE = 0.02
# A single line of its direction must go on beyond the other ink at both ends by this share of its
# length.
_OVERHANG_SHARE = 0.04
# Maximum thickness of a line, as a share of the picture's shorter side.
_MAX_THICKNESS_SHARE = 0.022
# Maximum angle of a line to an axis, in degrees.
_MAX_SLOPE = 25.0
# The same three limits for the cross and the diagonals of a practice box. Its sides may be crooked,
# and a stem may hide most of a line.
_GUIDE_THIN_INK_SHARE = 0.15
_GUIDE_END_SHARE = 0.06
_MAX_GUIDE_SLOPE = 45.0


class Line(NamedTuple):
    """The points with x cos(`angle`) + y sin(`angle`) = `distance`, in pixels and radians."""

    distance: float
    angle: float

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """The unit vector across the line."""
        return np.array([np.cos(self.angle), np.sin(self.angle)])

    @property
    def horizontal(self) -> bool:
        """Whether it is nearer to the horizontal than to the vertical."""
        return bool(abs(np.sin(self.angle)) > abs(np.cos(self.angle)))

    def crossing(self, shape: tuple[int, ...]) -> float:
        """Where it crosses the middle of a picture: y if it is horizontal, else x."""
        (height, width), (across, down) = shape, self.normal
        if self.horizontal:
            return float((self.distance - across * width / 2) / down)
        return float((self.distance - down * height / 2) / across)

    def at(self, steps: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The points at `steps` pixels along the line, shape (n, 2)."""
        along = self.normal[::-1] * (-1, 1)
        return np.asarray(self.normal * self.distance + along * np.asarray(steps)[:, None])


def remove_ruled_lines(mask: Mask, guides: bool = False) -> Mask:
    """Returns `mask` without the thin straight lines that run from edge to edge.

    `guides`: it is the inside of a practice box, where lines may be diagonal.
    """
    thickest = max(3, round(_MAX_THICKNESS_SHARE * min(mask.shape)) | 1)
    ink = gray(mask)
    # A morphological opening keeps the ink that is thicker than a ruled line.
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thickest + 2, thickest + 2))
    opened = cv2.morphologyEx(ink, cv2.MORPH_OPEN, kernel)
    bold = gray(cv2.dilate(opened, np.ones((3, 3), np.uint8)))
    thin = ink & ~bold
    found = _find_lines(ink, thin, guides)
    rest = ink & ~(thin & _band(ink, found, thickest))
    lines = [
        *_ruled([line for line in found if line.horizontal], rest, thickest),
        *_ruled([line for line in found if not line.horizontal], rest, thickest),
    ]
    if not lines:
        return mask
    band = _band(ink, lines, thickest)
    cleaned = ink & ~(thin & band)
    # A thin stroke that crosses a line has lost the crossing. Restore it where there is ink on both
    # sides of the band.
    window = np.ones((thickest + 4, 3), np.uint8)
    bridge = gray(cv2.morphologyEx(cleaned, cv2.MORPH_CLOSE, window))
    return to_mask(cleaned | (bridge & band & ink))


def _band(ink: Gray, lines: Sequence[Line], thickness: int) -> Gray:
    """1 on the lines, 0 elsewhere; of the shape of `ink`."""
    band = np.zeros_like(ink)
    for line in lines:
        start, end = np.rint(line.at((-sum(band.shape), sum(band.shape)))).astype(int).tolist()
        cv2.line(band, start, end, 1, thickness)
    return band


def _ruled(lines: Sequence[Line], rest: Gray, thickness: int) -> Sequence[Line]:
    """`lines`, which have one direction, or none if they may be the bar of a character that fills
    the picture: a single line that ends with the `rest` of the ink.
    """
    if not lines or _extends_beyond(rest, lines[0]):
        return lines
    # The Hough transform finds one line several times, with slightly different angles.
    crossings = [line.crossing(rest.shape) for line in lines]
    return lines if np.ptp(crossings) > 2 * thickness else []


def _find_lines(ink: Gray, thin: Gray, guides: bool) -> list[Line]:
    max_slope = _MAX_GUIDE_SLOPE if guides else _MAX_SLOPE
    thin_share = _GUIDE_THIN_INK_SHARE if guides else _THIN_INK_SHARE
    end_share = _GUIDE_END_SHARE if guides else _END_SHARE
    candidates = _straight_lines(thin, max_slope)
    if not candidates:
        return []
    lines: list[Line] = []
    # Rows of characters look like many lines, and a close look at each takes long.
    around = gray(cv2.dilate(ink, np.ones((5, 5), np.uint8)))
    for line in candidates:
        if (
            _sampled(around, line) >= 0.8 * _INK_SHARE
            and _along(thin, line).mean() >= thin_share
            and _runs_through(_along(ink, line), end_share)
        ):
            lines.append(line)
            if len(lines) == 60:
                break
    return lines


def _straight_lines(thin: Gray, max_slope: float) -> list[Line]:
    """Lines at most `max_slope` degrees from an axis, up to 100 for each axis, those with the most
    ink.
    """
    lines: list[Line] = []
    threshold = max(16, round(0.35 * min(thin.shape)))
    # The normal of a vertical line has an angle of nearly 0 or 180 degrees.
    for axis, most in ((90, 100), (0, 50), (180, 50)):
        found = cv2.HoughLines(
            thin,
            rho=1.5,
            theta=np.pi / 360,
            threshold=threshold,
            min_theta=np.deg2rad(max(0, axis - max_slope)),
            max_theta=np.deg2rad(min(180, axis + max_slope)),
        )
        if found is not None:
            lines += [Line(*each) for each in found[:most, 0].tolist()]
    return lines


def _extends_beyond(ink: Gray, line: Line) -> bool:
    """Whether the line goes on beyond the other ink at both ends."""
    along = np.flatnonzero(ink.any(axis=0 if line.horizontal else 1))
    length = ink.shape[1 if line.horizontal else 0]
    overhang = _OVERHANG_SHARE * length
    return bool(along.size) and along[0] >= overhang and along[-1] < length - overhang


def _sampled(around: Gray, line: Line) -> float:
    """Share of a line's points inside the picture, of every eighth, that are on `around`."""
    height, width = around.shape
    x, y = np.rint(line.at(np.arange(-height - width, height + width, 8.0))).astype(int).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return float(around[y[inside], x[inside]].mean()) if inside.any() else 0.0


def _runs_through(inked: npt.NDArray[np.bool_], end_share: float) -> bool:
    """Whether the ink along a line reaches from edge to edge of the picture."""
    end = 1 + round(end_share * len(inked))
    return bool(inked.mean() >= _INK_SHARE and inked[:end].any() and inked[-end:].any())


def _along(ink: Gray, line: Line) -> npt.NDArray[np.bool_]:
    """For each point of the line inside the picture, whether there is ink within two pixels.

    One False if the line only cuts off a corner.
    """
    height, width = ink.shape
    points = line.at(np.arange(-height - width, height + width, dtype=np.float64))
    points = points[((points >= 0) & (points <= (width - 1, height - 1))).all(axis=1)]
    if len(points) < 0.5 * min(height, width):
        return np.zeros(1, bool)
    hit = np.zeros(len(points), bool)
    for offset in (-2, -1, 0, 1, 2):
        x, y = np.rint(points + line.normal * offset).astype(int).T
        hit |= ink[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] > 0
    return hit
