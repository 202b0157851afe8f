"""The photograph of a worksheet to the ink of its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from handlers.arrays import Field, Gray, Mask, border, gray
from handlers.boxes import Box
from handlers.decoding import decode
from handlers.drawings import SIDE
from handlers.framing import INK_SIZE, frame_ink
from handlers.preprocessing import InkImage
from handlers.worksheet_ink import Slices, darkness, ink_in, pixels, threshold
from handlers.worksheet_layout import Layout, Place, Sheet
from handlers.worksheet_marks import find_sheet
from handlers.worksheet_paper import SCALE, PaperMap, Points, upright

LONGEST_SIDE = 2048
"""Maximum longer side of the decoded picture, in pixels: a cell of 48 has then some 120."""

SHOWN_SIDE = 1024
"""Longer side of the upright sheet in answers, in pixels."""

_AROUND = 0.9
"""Millimetres around a cell that are looked at: less than half of the gap between cells."""
_LEAST_EXTENT = 0.15
"""Ink that is smaller than this share of the cell, both ways, is no try at a character."""
_COVERED, _CORNER_COVERED = 0.35, 0.1
"""Something lies on a cell if this share of its edge is dark; the second if a corner is dark."""
_LEAST_SHARPNESS = 2.2
"""Pixels of the picture per millimetre of paper, below which cells cannot be judged."""

EMPTY, JUDGED, UNREADABLE = "empty", "judged", "unreadable"


@dataclass(frozen=True)
class Writing:
    """What is written in a cell."""

    picture: Gray
    """The cell as photographed, upright."""
    pad: Gray
    """Its ink in its place, 255 on 0: uint8 of shape (256, 256)."""
    image: InkImage


@dataclass(frozen=True)
class Cell:
    """A cell to write in."""

    row: int
    column: int
    box: Box
    """In shares of the upright sheet."""
    character: int | None
    """The index of the class, None if the marks of the row are covered."""
    help: str
    state: str
    """`empty`, `judged` or `unreadable`."""
    writing: Writing | None = None
    """What is written, if it is judged."""


@dataclass(frozen=True)
class WorksheetImage(InkImage):
    """All that a photograph of a worksheet shows. Its ink is of no character."""

    sheet: Sheet = field(default_factory=lambda: Sheet(Layout("a4", 4), "none", ()))
    corners: Sequence[tuple[float, float]] = ()
    """Of the paper in shares of the photograph, clockwise from the upper left one."""
    picture: Gray = field(default_factory=lambda: np.zeros((1, 1), np.uint8))
    """The sheet, upright."""
    cells: Sequence[Cell] = ()
    """Row by row."""


def preprocess_worksheet(data: bytes) -> WorksheetImage:
    """Finds the ink of all cells in an encoded photograph of a sheet.

    Raises an `handlers.errors.ImageRefused`, WorksheetRefused among them.
    """
    photograph = decode(data, LONGEST_SIDE)
    found = find_sheet(photograph)
    sheet, layout = found.sheet, found.sheet.layout
    paper = PaperMap(found)
    whole = upright(photograph, layout, paper)
    dark = darkness(whole)
    places = {
        (row, column): layout.cell(row, column)
        for row in range(layout.rows)
        for column in range(layout.columns)
    }
    least = threshold([dark[pixels(place, SCALE)] for place in places.values()])
    cells = []
    for (row, column), place in places.items():
        known = None if row in found.unread else sheet.classes[row]
        readable = known is not None and _is_visible(place, paper, photograph.shape)
        state, writing = _read(whole, dark, place, least) if readable else (UNREADABLE, None)
        box = _box(place, layout)
        cells.append(Cell(row, column, box, known, sheet.help_of(column), state, writing))
    width, height = layout.size
    size = np.array(photograph.shape[::-1])
    corners = paper(np.array([(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)])) / size
    return WorksheetImage(
        gray(np.zeros((INK_SIZE, INK_SIZE))),
        True,
        sheet=sheet,
        corners=[(round(x, 5), round(y, 5)) for x, y in corners.tolist()],
        picture=_shown(whole),
        cells=cells,
    )


def _is_visible(place: Place, paper: PaperMap, shape: Sequence[int]) -> bool:
    """Whether the picture shows a whole cell, and large enough."""
    corners: Points = paper(np.array(place.corners))
    height, width = shape[:2]
    inside = (corners >= 0) & (corners <= np.array([width, height]))
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    return bool(inside.all() and sides.min() >= _LEAST_SHARPNESS * place.width)


def _read(whole: Gray, dark: Field, place: Place, least: float) -> tuple[str, Writing | None]:
    """The state of a cell of an upright sheet, and what is written in it."""
    frame, around = pixels(place, SCALE), pixels(place, SCALE, _AROUND)
    if _is_covered(dark[frame] >= least):
        return UNREADABLE, None
    ink = ink_in(dark[around], least, _within(frame, around), SCALE)
    _, _, width, height = cv2.boundingRect(gray(ink))
    if max(width, height) < _LEAST_EXTENT * len(ink):
        return EMPTY, None
    pad = _pad(ink)
    return JUDGED, Writing(gray(whole[frame]), pad, InkImage(frame_ink(pad), True))


def _is_covered(dark: Mask) -> bool:
    """Whether something lies on a cell, such as a finger. Writing hardly touches its corners."""
    share = float(border(dark).mean())
    corner = bool(dark[:: len(dark) - 1, :: dark.shape[1] - 1].any())
    return share > (_CORNER_COVERED if corner else _COVERED)


def _within(frame: Slices, around: Slices) -> Slices:
    """The slices of `frame` in the part of the picture that `around` cuts out."""
    rows, columns = (
        slice(inner.start - outer.start, inner.stop - outer.start)
        for inner, outer in zip(frame, around, strict=True)
    )
    return rows, columns


def _pad(ink: Mask) -> Gray:
    """The ink of a cell as a pad: 255 on 0."""
    method = cv2.INTER_AREA if len(ink) > SIDE else cv2.INTER_LINEAR
    resized = cv2.resize(gray(ink) * 255, (SIDE, SIDE), interpolation=method)
    return gray(resized >= 128) * 255


def _box(place: Place, layout: Layout) -> Box:
    width, height = layout.size
    return (
        round(place.x / width, 5),
        round(place.y / height, 5),
        round(place.width / width, 5),
        round(place.height / height, 5),
    )


def _shown(whole: Gray) -> Gray:
    scale = SHOWN_SIDE / max(whole.shape)
    return gray(cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
