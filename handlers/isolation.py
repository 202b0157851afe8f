"""Finds the contours of the character in a mask.

Keeps broken strokes and detached parts; drops specks and neighbouring characters.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Mask, gray
from handlers.arrays import mask as to_mask
from handlers.enclosures import Interior, interior
from handlers.errors import NoCharacterFound
from handlers.ruled_lines import remove_ruled_lines

# Shares of the main contour's area. A contour smaller than the first is always a speck; a detached
# part outside the box of the character has at least the second.
_SPECK_SHARE = 0.004
_PART_SHARE = 0.02
# A part belongs to the character if the gap to it is at most this share of the longer side of the
# contours collected so far.
_GAP_SHARE = 0.14
# A contour that the edge of the picture cuts is no part if it leads further than the first share
# away from the contours collected so far: it is a finger, a pen or a shadow. In a tight crop a
# broken stroke may do so. There, the ink is nearer than the second share of the picture to three
# edges.
_CUT_SHARE = 0.25
_TIGHT_SHARE = 0.22
# Sparse noise: many contours, and none has a large share of the ink.
_NOISE_CONTOURS = 60
_NOISE_MAIN_SHARE = 0.10
# Dense noise: a median over 3x3 pixels changes at least this share of the pixels. In real
# handwriting it changes up to 0.015.
_NOISE_CHANGED_SHARE = 0.12


class Isolated(NamedTuple):
    """The mask of the character, cropped to it, and the crop's upper left corner in pixels."""

    mask: Mask
    left: int
    top: int


def isolate(mask: Mask) -> Isolated | None:
    """Returns the character, or None if it reaches all four edges of the picture and so cannot be
    separated from its surroundings.

    Raises NoCharacterFound if the mask is empty, full or only specks.
    """
    ink = gray(mask)
    changed = cv2.countNonZero(cv2.absdiff(cv2.medianBlur(ink, 3), ink))
    if changed > _NOISE_CHANGED_SHARE * mask.size:
        raise NoCharacterFound("No character found: the image is nothing but noise.")
    # 16 bits take a third of the time of 32 bits. They are enough: a mask that passed the test for
    # noise has fewer contours.
    count, found, stats, centres = cv2.connectedComponentsWithStats(
        ink, connectivity=8, ltype=cv2.CV_16U
    )
    if count == 1 or mask.all():
        raise NoCharacterFound("No character found: the image is blank.")
    # Label 0 is the paper.
    labels = np.asarray(found, dtype=np.uint16)
    boxes = np.asarray(stats[1:, :4], dtype=np.int32)
    areas = np.asarray(stats[1:, cv2.CC_STAT_AREA], dtype=np.float64)
    edges = edges_touched(mask.shape, boxes)
    prominence = _prominence(mask.shape, np.asarray(centres[1:], dtype=np.float64), edges)
    main = int(np.argmax(areas * prominence))
    contours = np.count_nonzero(areas >= 2)
    if areas[main] < max(6, 0.0002 * mask.size) or (
        contours > _NOISE_CONTOURS and areas[main] < _NOISE_MAIN_SHARE * areas.sum()
    ):
        raise NoCharacterFound("No character found: there are only specks.")
    inside = interior(main, labels, boxes, areas)
    if inside is not None:
        character = _isolated_inside(inside)
        if character is not None:
            return character
    if edges[main] == 4:
        return None
    kept = _collect(main, boxes, areas, np.zeros(len(areas), bool))
    if edges[kept].any() and not is_tight(mask.shape, boxes[kept]):
        kept = _collect(main, boxes, areas, edges > 0)
    left, top = boxes[kept, :2].min(axis=0)
    right, bottom = (boxes[kept, :2] + boxes[kept, 2:]).max(axis=0)
    ink_of_character = np.concatenate([[False], kept])[labels[top:bottom, left:right]]
    return Isolated(to_mask(ink_of_character), int(left), int(top))


def _isolated_inside(inside: Interior) -> Isolated | None:
    """The character inside an enclosure, without the lines of a practice box, or None."""
    try:
        found = isolate(remove_ruled_lines(inside.mask, guides=True))
    except NoCharacterFound:
        return None
    if found is None:
        return None
    return Isolated(found.mask, inside.left + found.left, inside.top + found.top)


def edges_touched(shape: tuple[int, ...], boxes: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """How many of the picture's four edges each contour reaches."""
    height, width = shape
    left, top = boxes[:, 0] <= 1, boxes[:, 1] <= 1
    right = boxes[:, 0] + boxes[:, 2] >= width - 1
    bottom = boxes[:, 1] + boxes[:, 3] >= height - 1
    return left.astype(np.int64) + top + right + bottom


def _prominence(
    shape: tuple[int, ...], centres: npt.NDArray[np.float64], edges: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The weight of each contour's area: 1 in the middle of the picture, less towards its edges.

    A shadow, the edge of the table or a neighbouring character may be larger than the character,
    but the edge of the picture cuts it.
    """
    height, width = shape
    offset = np.hypot(centres[:, 0] / width - 0.5, centres[:, 1] / height - 0.5)
    return np.asarray((1 - offset) ** 2 * 0.6**edges)


def is_tight(shape: tuple[int, ...], boxes: npt.NDArray[np.int32]) -> bool:
    """Whether the contours with these boxes fill the picture as a crop does."""
    size = np.array(shape[::-1])
    first = boxes[:, :2].min(axis=0) / size
    last = 1 - (boxes[:, :2] + boxes[:, 2:]).max(axis=0) / size
    return bool(np.sort([*first, *last])[2] < _TIGHT_SHARE)


def _collect(
    main: int,
    boxes: npt.NDArray[np.int32],
    areas: npt.NDArray[np.float64],
    cut: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Starts with the main contour and adds near contours one by one, the nearest first.

    `cut` marks the contours that must not lead away from the others.
    """
    corners = np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]).astype(np.float64)
    kept = np.zeros(len(areas), bool)
    kept[main] = True
    candidates = areas >= max(3.0, _SPECK_SHARE * areas[main])
    while True:
        box = np.concatenate([corners[kept, :2].min(axis=0), corners[kept, 2:].max(axis=0)])
        gap = np.maximum(
            np.maximum(box[:2] - corners[:, 2:], corners[:, :2] - box[2:]).max(axis=1), 0
        )
        side = max(box[2:] - box[:2])
        max_gap = _GAP_SHARE * side
        beyond = np.maximum(box[:2] - corners[:, :2], corners[:, 2:] - box[2:]).max(axis=1)
        leads_away = cut & (beyond > _CUT_SHARE * side)
        inside = gap <= 0
        near = (gap <= max_gap) & (areas >= _PART_SHARE * areas[main])
        eligible = candidates & ~kept & (inside | near) & ~leads_away
        if not eligible.any():
            return kept
        kept[np.flatnonzero(eligible)[np.argmin(gap[eligible])]] = True
