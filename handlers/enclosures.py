"""Finds what is drawn around a character: a ring, or the box of a practice sheet.

Works on the connected components of a mask. An enclosure is thin, surrounds its centre and has
something substantial inside; a character that is itself a ring has not.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Mask, gray

# An enclosure covers at most this share of its box with ink.
_MAX_FILL = 0.35
# The longer side of what it encloses, as a share of its own.
_MIN_INNER_SHARE = 0.25
# Seen from the centre of what it encloses, an enclosure lies in this share of all directions. A
# hand-drawn ring may be open.
_MIN_DIRECTIONS = 0.85
_DIRECTIONS = 72
# A closed outline that touches the character fills this share of its convex hull and of its box.
_MIN_SOLIDITY = 0.93
_MIN_OUTLINE_FILL = 0.65
# Maximum thickness of such an outline, as a share of its longer side. The outline ends where less
# than half of a layer is ink.
_MAX_THICKNESS_SHARE = 0.09
_MAX_LAYER_INK = 0.5

Box = npt.NDArray[np.int32]
"""Left, top, width and height in pixels."""


class Interior(NamedTuple):
    """What an enclosure has inside: a mask, and its upper left corner in the picture."""

    mask: Mask
    left: int
    top: int


def interior(
    main: int, labels: npt.NDArray[np.uint16], boxes: Box, areas: npt.NDArray[np.float64]
) -> Interior | None:
    """What is inside the enclosure that the contour `main` is, or that lies around it.

    `labels` is 1 + the index of the contour at each pixel. None if there is no enclosure.
    """
    outer = _around(main, labels, boxes, areas)
    if outer is not None:
        return _inside(labels, boxes, boxes[outer], outer)
    left, top, width, height = boxes[main]
    if areas[main] > _MAX_FILL * width * height:
        return None
    return _peeled(gray(labels[top : top + height, left : left + width] == main + 1), left, top)


def _around(
    main: int, labels: npt.NDArray[np.uint16], boxes: Box, areas: npt.NDArray[np.float64]
) -> int | None:
    """The index of the smallest contour that encloses `main`, or `main` if it encloses another."""
    start, end = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    longer = boxes[:, 2:].max(axis=1)
    thin = areas <= _MAX_FILL * boxes[:, 2] * boxes[:, 3]
    around = (start < start[main]).all(axis=1) & (end > end[main]).all(axis=1)
    around &= thin & (longer[main] >= _MIN_INNER_SHARE * longer)
    for index in np.flatnonzero(around)[np.argsort(areas[around])]:
        if _surrounds(labels, boxes[index], index, boxes[main]):
            return int(index)
    if not thin[main]:
        return None
    within = (start > start[main]).all(axis=1) & (end < end[main]).all(axis=1)
    within &= longer >= _MIN_INNER_SHARE * longer[main]
    for index in np.flatnonzero(within):
        if _surrounds(labels, boxes[main], main, boxes[index]):
            return main
    return None


def _surrounds(labels: npt.NDArray[np.uint16], box: Box, index: int, inner: Box) -> bool:
    """Whether contour `index` lies in nearly all directions around the centre of `inner`."""
    left, top, width, height = box
    y, x = np.nonzero(labels[top : top + height, left : left + width] == index + 1)
    centre = inner[:2] + inner[2:] / 2 - (left, top)
    angles = np.arctan2(y - centre[1], x - centre[0])
    seen = np.unique(np.floor(angles * (_DIRECTIONS / (2 * np.pi))).astype(np.int64))
    return len(seen) >= _MIN_DIRECTIONS * _DIRECTIONS


def _inside(labels: npt.NDArray[np.uint16], boxes: Box, box: Box, outer: int) -> Interior:
    """All contours inside the box of `outer`, without it."""
    left, top, width, height = box
    start, end = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    within = np.asarray(
        (start > (left, top)).all(axis=1) & (end < (left + width, top + height)).all(axis=1)
    )
    within[outer] = False
    kept = np.concatenate([[False], within])
    return Interior(kept[labels[top : top + height, left : left + width]], int(left), int(top))


def _peeled(contour: npt.NDArray[np.uint8], left: int, top: int) -> Interior | None:
    """`contour` without its outline, if that is closed, convex and thin."""
    outlines, _ = cv2.findContours(contour, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    area = cv2.contourArea(outlines[0])
    if area < _MIN_OUTLINE_FILL * contour.size or area < _MIN_SOLIDITY * cv2.contourArea(
        cv2.convexHull(outlines[0])
    ):
        return None
    filled = np.zeros((contour.shape[0] + 2, contour.shape[1] + 2), np.uint8)
    cv2.drawContours(filled, outlines[:1], -1, 1, cv2.FILLED, offset=(1, 1))
    depth = cv2.distanceTransform(filled, cv2.DIST_L2, 3)[1:-1, 1:-1].astype(np.int64)
    layers = np.bincount(depth.ravel())
    inked = np.bincount(depth.ravel(), weights=contour.ravel().astype(np.float64))
    longest = max(contour.shape)
    thickness = next((d for d in range(1, len(layers)) if inked[d] < _MAX_LAYER_INK * layers[d]), 0)
    if not 0 < thickness <= _MAX_THICKNESS_SHARE * longest + 1:
        return None
    rest = (contour > 0) & (depth > thickness)
    _, _, width, height = cv2.boundingRect(gray(rest))
    if max(width, height) < _MIN_INNER_SHARE * longest:
        return None
    inset = thickness + 1
    return Interior(rest[inset:-inset, inset:-inset], int(left) + inset, int(top) + inset)
