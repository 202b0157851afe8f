"""Regions of a picture that may be a sheet on a table, a card or a board.

Some are what thresholds of brightness separate, others lie between edges or have a closed outline.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Gray, border, gray

# Shares of the picture's area.
_MIN_AREA = 0.06
_MAX_AREA = 0.985
# A threshold separates a sheet from a table only where few pixels have its brightness: at most this
# share of the picture is within 3 levels of it.
_VALLEY = 0.02
_VALLEY_WIDTH = 7
# At least this share of the pixels at the edge of the picture is table.
_MIN_TABLE_EDGE = 0.08
# The contrast, 0-255, that is an edge between neighbouring pixels. A shadow is soft: of the change
# within seven pixels, a smaller share than the second is within three.
_MIN_EDGE = 8
_MIN_SHARPNESS = 0.6
# Shares of its hull that an outline encloses: less if it has a gap, more if it is closed.
_OPEN = 0.35
_CLOSED = 0.95

Region = tuple[npt.NDArray[np.int32], float]
"""A contour and the area in it, in pixels."""


def sheet_regions(small: Gray) -> Iterator[Region]:
    """Contours of regions of a grey picture that are neither tiny nor the whole picture.

    The picture has some 256 pixels on its longer side, and little noise.
    """
    for contour, area in chain(_edge_regions(small), _brightness_regions(small)):
        if _MIN_AREA < area / small.size <= _MAX_AREA:
            yield contour, area


def _brightness_regions(small: Gray) -> Iterator[Region]:
    """Regions that are brighter or darker than a threshold, where the edge of the picture shows
    something else.
    """
    edge = border(small)
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
    edges = (steps > _MIN_EDGE) & (steps > _MIN_SHARPNESS * around)
    closed = gray(cv2.dilate(gray(edges), np.ones((3, 3), np.uint8)))  # closes gaps
    yield from _flat_regions(1 - closed)
    yield from _outlined_regions(closed)


def _flat_regions(flat: Gray) -> Iterator[Region]:
    """Regions that edges enclose, and that do not reach all four sides of the picture."""
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
