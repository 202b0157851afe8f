"""Fills letters that are drawn as outlines, as on posters and in headings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2

from handlers.arrays import Mask, gray
from handlers.arrays import mask as to_mask

# The hole in an outlined letter has at least this share of the letter's width and height. It fills
# at most the second share of its own convex hull. A counter is smaller or round.
_MIN_REACH = 0.75
_MAX_SOLIDITY = 0.88


def is_outlined(letter: Mask) -> bool:
    """Whether a mask, cropped to a letter, shows the outlines of its strokes."""
    contours, depths = _nested(letter)
    inside = [contour for contour, depth in zip(contours, depths, strict=True) if depth == 1]
    if not inside:
        return False
    largest = max(inside, key=cv2.contourArea)
    _, _, width, height = cv2.boundingRect(largest)
    if height < _MIN_REACH * letter.shape[0] or width < _MIN_REACH * letter.shape[1]:
        return False
    return cv2.contourArea(largest) < _MAX_SOLIDITY * cv2.contourArea(cv2.convexHull(largest))


def fill_outlines(mask: Mask) -> Mask:
    """The mask with what its outlines enclose, except for the counters of letters."""
    contours, depths = _nested(mask)
    letters = gray(mask)
    for depth in range(1, max(depths, default=0) + 1):
        same = [contour for contour, each in zip(contours, depths, strict=True) if each == depth]
        # A counter lies in the outline of a counter, which lies in the stroke.
        cv2.drawContours(letters, same, -1, 0 if depth % 4 == 3 else 1, cv2.FILLED)
    return to_mask(letters)


def _nested(mask: Mask) -> tuple[Sequence[Any], list[int]]:
    """The contours, and in how many others each lies: outlines of ink are even, of holes odd."""
    contours, hierarchy = cv2.findContours(gray(mask), cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
    depths: list[int] = []
    for *_, parent in hierarchy[0].tolist() if contours else []:
        depths.append(0 if parent < 0 else depths[parent] + 1)
    return contours, depths
