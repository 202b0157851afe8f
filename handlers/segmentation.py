"""Groups contours into characters: what belongs to one, and which others a picture shows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MAX_CHARACTERS = 200
"""Characters that are told apart in a picture; further ones are not looked for."""

Members = npt.NDArray[np.bool_]
"""For each contour, whether it belongs to a character, shape (n,)."""

# Shares of the main contour's area. A contour smaller than the first is always a speck; a detached
# part outside the box of the character has at least the second.
_SPECK_SHARE = 0.004
_PART_SHARE = 0.02
# A part belongs to the character if the gap to it is at most this share of the longer side of the
# contours collected so far.
_GAP_SHARE = 0.14
# A mark above the middle of a character, such as the dot of अं or the curl of १, may be further
# away. It has at least this share of the main contour's area, and at most this of its longer side.
_MARK_GAP = 0.25
_MARK_AREA = 0.15
_MARK_SIDE = 0.5
# A contour that the edge of the picture cuts is no part if it leads further than this share of that
# side away from them: it is a finger, a pen or a shadow.
_CUT_SHARE = 0.25

# A contour beside the main one is another character, however near, if both are nearly as high and
# it has this share of the area. The gaps are shares of the longer side; the second is for stems,
# which may be a part that a broken stroke has left. Where one neighbour is certain, a share of the
# gap is enough for the others.
_NEIGHBOUR_HEIGHT = 0.7
_NEIGHBOUR_AREA = 0.15
_NEIGHBOUR_GAP = 0.08
_STEM_GAP = 0.12
_STEM_ASPECT = 0.3
_ROW_GAP = 0.5

# A page: so many contours have these shares of the longer side and the area of the main one. There,
# contours of a share of the median side are the bodies of characters, and two bodies are in one
# character only if their boxes overlap by a share of the smaller.
_PAGE_CONTOURS = 8
_PAGE_SIDE, _PAGE_AREA = 0.5, 0.12
_BODY_SIDE = 0.7
_BODY_OVERLAP = 0.5

# Another character has at least these shares of the longer side and the ink of the main one, and is
# at most so many times larger. A smaller thing is a stray mark.
_MIN_SIDE, _MAX_SIDE = 0.4, 2.5
_MIN_INK, _MAX_INK = 0.12, 6.0
# A contour below this share of the main character's ink begins no character, but can be a part.
_SEED_SHARE = 0.06
# Height by width of the flattest character, and width by height of the narrowest. A digit 1 is
# narrow; what is flatter is an underline, or the bar of a character that broke off.
_MIN_HEIGHT, _MIN_WIDTH = 0.45, 0.06
# Share of its box that ink fills, up to which something narrow may be a character, and others.
_MAX_FILL = 0.8


class Contours(NamedTuple):
    """The contours of a mask."""

    boxes: npt.NDArray[np.int32]
    """Left, top, width and height in pixels, shape (n, 4)."""
    areas: npt.NDArray[np.float64]
    """Pixels, shape (n,)."""
    edges: npt.NDArray[np.bool_]
    """Whether it reaches the left, top, right and bottom edge of the picture, shape (n, 4)."""

    def box(self, members: Members) -> npt.NDArray[np.int32]:
        """Left, top, right and bottom of all members."""
        boxes = self.boxes[members]
        return np.concatenate([boxes[:, :2].min(axis=0), (boxes[:, :2] + boxes[:, 2:]).max(axis=0)])


def collect(
    main: int,
    contours: Contours,
    free: Members,
    bodies: Members | None,
    cut: Members | None = None,
) -> Members:
    """Starts with the contour `main` and adds near ones of `free` one by one, the nearest first.

    `bodies` is that of the function `bodies`. `cut` marks contours that must not lead away from the
    others.
    """
    boxes, areas = contours.boxes, contours.areas
    corners = np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]).astype(np.float64)
    kept = np.zeros(len(areas), bool)
    kept[main] = True
    candidates = free & (areas >= max(3.0, _SPECK_SHARE * areas[main]))
    large = candidates & (areas >= _NEIGHBOUR_AREA * areas[main])
    if np.count_nonzero(large) > 1:
        candidates &= ~(large & _neighbours(main, corners, large))
        if bodies is not None:
            candidates &= ~bodies | _overlapping(main, corners)
    sides = boxes[:, 2:].max(axis=1)
    marks = (areas >= _MARK_AREA * areas[main]) & (sides <= _MARK_SIDE * sides[main])
    marks &= bodies is None
    while True:
        box = np.concatenate([corners[kept, :2].min(axis=0), corners[kept, 2:].max(axis=0)])
        gap = np.maximum(
            np.maximum(box[:2] - corners[:, 2:], corners[:, :2] - box[2:]).max(axis=1), 0
        )
        side = max(box[2:] - box[:2])
        inside = gap <= 0
        near = (gap <= _GAP_SHARE * side) & (areas >= _PART_SHARE * areas[main])
        above = corners[:, 3] <= (box[1] + box[3]) / 2
        near |= marks & above & (gap <= _MARK_GAP * side)
        eligible = candidates & ~kept & (inside | near)
        if cut is not None:
            beyond = np.maximum(box[:2] - corners[:, :2], corners[:, 2:] - box[2:]).max(axis=1)
            eligible &= ~cut | (beyond <= _CUT_SHARE * side)
        if not eligible.any():
            return kept
        kept[np.flatnonzero(eligible)[np.argmin(gap[eligible])]] = True


def bodies(main: int, contours: Contours) -> Members | None:
    """Which contours of a page are the bodies of characters. None if there are few characters."""
    large = contours.areas >= _PAGE_AREA * contours.areas[main]
    if np.count_nonzero(large) < _PAGE_CONTOURS:
        return None
    sides = contours.boxes[:, 2:].max(axis=1)
    large &= sides >= _PAGE_SIDE * sides[main]
    if np.count_nonzero(large) < _PAGE_CONTOURS:
        return None
    return np.asarray(sides >= _BODY_SIDE * np.median(sides[large]))


def _overlapping(main: int, corners: npt.NDArray[np.float64]) -> Members:
    """The boxes of which contours overlap with that of `main`."""
    shared = np.minimum(corners[:, 2:], corners[main, 2:]) - np.maximum(
        corners[:, :2], corners[main, :2]
    )
    areas = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
    smaller = np.minimum(areas, areas[main])
    return np.asarray(shared.clip(min=0).prod(axis=1) >= _BODY_OVERLAP * smaller)


def _neighbours(main: int, corners: npt.NDArray[np.float64], large: Members) -> Members:
    """Which contours stand in a row with `main` and are as high. `large` are those in question."""
    sides = corners[:, 2:] - corners[:, :2]
    (left, top, right, bottom), height = corners[main], sides[main, 1]
    beside = np.maximum(left - corners[:, 2], corners[:, 0] - right)
    shared = np.minimum(bottom, corners[:, 3]) - np.maximum(top, corners[:, 1])
    as_high = shared >= _NEIGHBOUR_HEIGHT * np.maximum(height, sides[:, 1])
    narrow = np.minimum(sides[:, 0] / sides[:, 1], sides[main, 0] / height) < _STEM_ASPECT
    gap = np.where(narrow, _STEM_GAP, _NEIGHBOUR_GAP) * sides[main].max()
    if (as_high & large & (beside > gap)).any():
        gap *= _ROW_GAP
    return np.asarray(as_high & (beside > gap))


def other_characters(main: Members, contours: Contours, bodies: Members | None) -> list[Members]:
    """The characters beside the main one, up to `MAX_CHARACTERS` with it.

    They are comparable in size and ink to the main one or, on a page, to most of them. A thing that
    the edge of the picture cuts, such as a finger, a shadow or the edge of the table, is none,
    unless the picture is cropped to its ink. `bodies` is that of the function `bodies`.
    """
    ink = float(contours.areas[main].sum())
    free = ~main
    seeds = np.flatnonzero(free & (contours.areas >= _SEED_SHARE * ink))
    if not seeds.size:
        return []
    # Several characters that touch may look like one that is wide.
    side = float(min(_sides(main, contours).max(), 2 * _sides(main, contours).min()))
    groups = []
    # What reaches the edge comes last: a shadow would collect the characters beside it.
    cut = contours.edges[seeds].any(axis=1)
    for seed in seeds[np.lexsort([-contours.areas[seeds], cut])]:
        if free[seed]:
            group = collect(int(seed), contours, free, bodies)
            free &= ~group
            groups.append(group)
            if len(groups) == MAX_CHARACTERS - 1:
                break
    if bodies is not None:
        side = min(side, float(np.median([_sides(group, contours).max() for group in groups])))
        ink = min(ink, float(np.median([contours.areas[group].sum() for group in groups])))
    found = [group for group in groups if _is_comparable(group, contours, side, ink)]
    reached = [contours.edges[group].any(axis=0) for group in (main, *found)]
    if reached[0].any() or np.all(np.any(reached, axis=0)):
        return found
    return [group for group, edges in zip(found, reached[1:], strict=True) if not edges.any()]


def _is_comparable(group: Members, contours: Contours, side: float, ink: float) -> bool:
    width, height = _sides(group, contours)
    area = contours.areas[group].sum()
    return bool(
        _MIN_SIDE * side <= max(width, height) <= _MAX_SIDE * side
        and _MIN_INK * ink <= area <= _MAX_INK * ink
        and height >= _MIN_HEIGHT * width
        and width >= _MIN_WIDTH * height
        and (area <= _MAX_FILL * width * height or width < _STEM_ASPECT * height)
    )


def _sides(group: Members, contours: Contours) -> npt.NDArray[np.int32]:
    """Width and height of a group."""
    box = contours.box(group)
    return np.asarray(box[2:] - box[:2])
