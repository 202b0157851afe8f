"""Tells the learner's ink from what is printed in the cells of an upright worksheet.

Ghosts and guide lines are light, a pen is dark. Ink is what is darker than half of the pen, in
shares of the brightness of the paper around.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from handlers.arrays import Field, Gray, Mask, field, gray, mask
from handlers.worksheet_layout import Place

Slices = tuple[slice, slice]
"""Rows and columns of a picture."""

_SMALL = 2
"""The paper is measured on a copy of so many times fewer pixels."""
_BROADEST = 100
"""Broader things are taken for paper, in pixels of the copy: 33 mm. Neither a broad nib nor a
finger is that broad."""
_LEAST, _MOST = 0.3, 0.5
"""Limits of what counts as ink. A printer makes the darkest ghost up to 0.25 darker than paper."""
_PEN = 95
"""This percentile of what may be ink in all cells is how dark the pen is."""
_SPECK = 0.5
"""Smaller pieces of ink are dust, in square millimetres."""


def darkness(sheet: Gray) -> Field:
    """How much darker than the paper around each pixel is, 0-1. The light is removed."""
    height, width = sheet.shape
    small = cv2.resize(sheet, (width // _SMALL, height // _SMALL), interpolation=cv2.INTER_AREA)
    # Not smoothed afterwards, so that the edge of a shadow stays where it is.
    kernel = np.ones((_BROADEST, _BROADEST), np.uint8)
    paper = cv2.morphologyEx(cv2.GaussianBlur(small, (5, 5), 0), cv2.MORPH_CLOSE, kernel)
    paper = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    shares = cv2.divide(sheet, np.maximum(paper, 1), scale=255)
    return field((255 - shares).astype(np.float32) / 255)


def pixels(place: Place, scale: float, around: float = 0.0) -> Slices:
    """The rows and columns of a place with some millimetres around it."""
    left, top = (max(0, round(scale * (each - around))) for each in (place.x, place.y))
    right, bottom = (
        round(scale * (each + around)) for each in (place.x + place.width, place.y + place.height)
    )
    return slice(top, bottom), slice(left, right)


def threshold(cells: Sequence[Field]) -> float:
    """The darkness from which on pixels are ink, the same for all cells of a sheet."""
    dark = np.concatenate([cell[cell > _LEAST].ravel() for cell in cells])
    pen = float(np.percentile(dark, _PEN)) if len(dark) else 0.0
    return min(_MOST, max(_LEAST, pen / 2))


def ink_in(cell: Field, least: float, frame: Slices, scale: float) -> Mask:
    """The ink that belongs to a cell, of the shape of `frame`.

    `cell` is the darkness of the cell with its surroundings, of which `frame` is the cell. Ink that
    is mostly outside belongs to a neighbour, or to nobody.
    """
    dark = gray(cell >= least)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    inside = np.bincount(labels[frame].ravel(), minlength=count)
    areas = stats[:, cv2.CC_STAT_AREA]
    kept = (2 * inside >= areas) & (areas >= _SPECK * scale**2)
    kept[0] = False
    return mask(kept[labels[frame]])
