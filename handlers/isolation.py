"""Finds the character in a mask of ink, and the other characters beside it.

Keeps broken strokes and detached parts; drops specks.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Mask, gray
from handlers.arrays import mask as to_mask
from handlers.enclosures import Interior, interior
from handlers.errors import NoCharacterFound
from handlers.outlines import fill_outlines, is_outlined
from handlers.ruled_lines import remove_ruled_lines
from handlers.segmentation import Contours, Members, bodies, collect, other_characters
from handlers.touching import cuts

# In a tight crop the edges cut strokes of the character. There, the ink is nearer than this share
# of the picture to three edges.
_TIGHT_SHARE = 0.22
# Sparse noise: many contours, and none has a large share of the ink. A page of characters has many
# too, but nearly all of its ink is in contours as large as a character.
_NOISE_CONTOURS = 60
_NOISE_MAIN_SHARE = 0.10
_PAGE_SIDE_SHARE = 0.03
_PAGE_INK_SHARE = 0.7
# Dense noise: a median over 3x3 pixels changes at least this share of the pixels. In real
# handwriting it changes up to 0.015.
_NOISE_CHANGED_SHARE = 0.12


class Isolated(NamedTuple):
    """The mask of a character, cropped to it, and the crop's upper left corner in pixels."""

    mask: Mask
    left: int
    top: int
    others: Sequence[Isolated] = ()
    """Other characters of the picture, in no order."""


def isolate(mask: Mask) -> Isolated | None:
    """Returns the largest character near the middle, with the others beside it. Returns None if it
    reaches all four edges of the picture and so cannot be separated from its surroundings.

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
    contours = Contours(boxes, areas, edges_touched(mask.shape, boxes))
    edges = contours.edges.sum(axis=1)
    prominence = _prominence(mask.shape, np.asarray(centres[1:], dtype=np.float64), edges)
    main = int(np.argmax(areas * prominence))
    if areas[main] < max(6, 0.0002 * mask.size) or (
        np.count_nonzero(areas >= 2) > _NOISE_CONTOURS
        and areas[main] < _NOISE_MAIN_SHARE * areas.sum()
        and not _is_page(main, contours, mask.shape)
    ):
        raise NoCharacterFound("No character found: there are only specks.")
    left, top, width, height = boxes[main].tolist()
    if is_outlined(mask[top : top + height, left : left + width]):
        return isolate(fill_outlines(mask))
    inside = interior(main, labels, boxes, areas)
    if inside is not None:
        character = _isolated_inside(inside)
        if character is not None:
            return character
    if edges[main] == 4:
        return None
    page = bodies(main, contours)
    everything = np.ones(len(areas), bool)
    kept = collect(main, contours, everything, page)
    if edges[kept].any() and not is_tight(mask.shape, boxes[kept]):
        kept = collect(main, contours, everything, page, cut=edges > 0)
    groups = [kept, *other_characters(kept, contours, page)]
    first, *others = [each for group in groups for each in _crop(group, labels, contours)]
    return first._replace(others=others)


def _isolated_inside(inside: Interior) -> Isolated | None:
    """The character inside an enclosure, without the lines of a practice box, or None."""
    try:
        found = isolate(remove_ruled_lines(inside.mask, guides=True))
    except NoCharacterFound:
        return None
    if found is None:
        return None
    return found._replace(left=inside.left + found.left, top=inside.top + found.top, others=())


def _crop(group: Members, labels: npt.NDArray[np.uint16], contours: Contours) -> list[Isolated]:
    """The character of a group, or the characters of one in which several touch."""
    left, top, right, bottom = contours.box(group).tolist()
    box = labels[top:bottom, left:right]
    members = np.flatnonzero(group)
    # A comparison takes a tenth of the time of a table.
    mask = to_mask(
        box == members[0] + 1 if len(members) == 1 else np.concatenate([[False], group])[box]
    )
    places = [0, *cuts(mask), right - left]
    if len(places) == 2:
        return [Isolated(mask, left, top)]
    pieces = []
    for start, end in pairwise(places):
        piece = mask[:, start:end]
        x, y, width, height = cv2.boundingRect(gray(piece))
        if width:
            pieces.append(Isolated(piece[y : y + height, x : x + width], left + start + x, top + y))
    # The largest first.
    return sorted(pieces, key=lambda piece: -np.count_nonzero(piece.mask))


def _is_page(main: int, contours: Contours, shape: tuple[int, ...]) -> bool:
    """Whether nearly all ink is in contours of the size of characters."""
    sides = contours.boxes[:, 2:].max(axis=1)
    large = sides >= max(0.4 * sides[main], _PAGE_SIDE_SHARE * min(shape))
    return bool(contours.areas[large].sum() >= _PAGE_INK_SHARE * contours.areas.sum())


def edges_touched(shape: tuple[int, ...], boxes: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Whether each contour reaches the left, top, right and bottom edge of the picture."""
    height, width = shape
    far = boxes[:, :2] + boxes[:, 2:] >= np.array([width, height]) - 1
    return np.concatenate([boxes[:, :2] <= 1, far], axis=1)


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
