"""Finds the marks of a worksheet in a picture, and which sheet it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from cv2 import aruco

from handlers.arrays import Gray, gray
from handlers.errors import (
    WorksheetDamaged,
    WorksheetIncomplete,
    WorksheetMissing,
    WorksheetVersion,
)
from handlers.worksheet_layout import (
    CORNERS,
    VERSION,
    CodeMark,
    CornerMark,
    Layout,
    Mark,
    Place,
    RowMark,
    Sheet,
    read_mark,
)

DICTIONARY = aruco.getPredefinedDictionary(aruco.DICT_5X5_1000)
MODULES = 7
"""Of a mark and its black border, along a side."""

Points = npt.NDArray[np.float64]

_MIN_CORNERS = 2
_MIN_ROW_SHARE = 0.5
"""Of the rows whose character is known."""
_FOUND_WITHIN = 0.35
"""A mark is that of a row if it is at most this share of the distance of rows away."""
_PASSES = 2
_NEAR_SCALE, _NEAR_AROUND = 14.0, 4.0
"""Of a close-up: pixels per millimetre, and millimetres around the place of a mark."""


Kind = TypeVar("Kind", CornerMark, RowMark, CodeMark, Mark)


class FoundMark(NamedTuple, Generic[Kind]):
    """A mark in a picture."""

    mark: Kind
    corners: Points
    """In pixels, clockwise from that which is the upper left one on the sheet, (4, 2)."""


class FoundSheet(NamedTuple):
    """A sheet in a picture."""

    sheet: Sheet
    unread: frozenset[int]
    """Rows whose marks are covered. Their class in `sheet` is none."""
    on_paper: Points
    """The corners of all its marks in millimetres, (n, 2)."""
    in_picture: Points
    """The same in pixels."""


def find_marks(picture: Gray) -> list[FoundMark[Mark]]:
    """All marks that a sheet may have, in a grey picture."""
    parameters = aruco.DetectorParameters()
    parameters.cornerRefinementMethod = aruco.CORNER_REFINE_SUBPIX
    corners, ids, _ = aruco.ArucoDetector(DICTIONARY, parameters).detectMarkers(picture)
    if ids is None:
        return []
    found = zip(ids.ravel().tolist(), corners, strict=True)
    return [
        FoundMark(mark, each.reshape(4, 2).astype(np.float64))
        for number, each in found
        if (mark := read_mark(int(number))) is not None
    ]


def find_sheet(picture: Gray) -> FoundSheet:
    """Reads which sheet a grey picture shows, and where.

    Raises WorksheetMissing, WorksheetIncomplete, WorksheetVersion or WorksheetDamaged.
    """
    marks = find_marks(picture)
    layout, corners = _layout_of(marks)
    on_paper = [layout.corner_mark(each.mark.corner) for each in corners]
    placed: list[tuple[Place, FoundMark[Any]]] = list(zip(on_paper, corners, strict=True))
    for _ in range(_PASSES):
        to_paper = _to_paper(placed)
        rows = _rows(_of(RowMark, marks), layout, to_paper)
        codes = _codes(_of(CodeMark, marks), layout, to_paper)
        placed = [*zip(on_paper, corners, strict=True), *rows, *codes]
    classes = _classes(rows, layout)
    if None in classes:
        to_paper = _to_paper(placed)
        nearer = [
            found
            for row, known in enumerate(classes)
            if known is None
            for end in range(2)
            for found in _look_nearer(picture, layout.row_mark(row, end), to_paper)
        ]
        rows += _rows(_of(RowMark, nearer), layout, to_paper)
        classes = _classes(rows, layout)
    unread = frozenset(row for row, known in enumerate(classes) if known is None)
    if not codes or len(unread) > (1 - _MIN_ROW_SHARE) * layout.rows:
        raise _incomplete()
    says = {mark.mark for _, mark in codes}
    if len(says) > 1:
        raise _damaged()
    code = says.pop()
    sheet = Sheet(layout, code.help, tuple(-1 if each is None else each for each in classes))
    if not unread and sheet.checksum != code.checksum:
        raise _damaged()
    return FoundSheet(
        sheet,
        unread,
        np.concatenate([place.corners for place, _ in placed]),
        np.concatenate([mark.corners for _, mark in placed]),
    )


def _look_nearer(picture: Gray, place: Place, to_paper: Points) -> list[FoundMark[Mark]]:
    """The marks in a close-up of a place, which are too small or blurred to be found otherwise."""
    side = round(_NEAR_SCALE * (place.width + 2 * _NEAR_AROUND))
    scale = np.diag([1 / _NEAR_SCALE, 1 / _NEAR_SCALE, 1.0])
    scale[:2, 2] = place.x - _NEAR_AROUND, place.y - _NEAR_AROUND
    to_picture = np.linalg.inv(to_paper) @ scale
    near = cv2.warpPerspective(
        picture, to_picture, (side, side), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    )
    return [
        FoundMark(
            each.mark, np.asarray(cv2.perspectiveTransform(each.corners[None], to_picture)[0])
        )
        for each in find_marks(gray(near))
    ]


def _of(kind: type[Kind], marks: Sequence[FoundMark[Mark]]) -> list[FoundMark[Kind]]:
    """The marks of one kind."""
    return [FoundMark(each.mark, each.corners) for each in marks if isinstance(each.mark, kind)]


def _layout_of(marks: Sequence[FoundMark[Mark]]) -> tuple[Layout, list[FoundMark[CornerMark]]]:
    """The layout that the marks at the corners say, and these marks."""
    corners = _of(CornerMark, marks)
    if not corners:
        if len(marks) >= len(CORNERS):
            raise _incomplete()
        raise WorksheetMissing(
            "No worksheet found: photograph a printed sheet of this service, with its four corners."
        )
    said = Counter((each.mark.version, each.mark.paper, each.mark.rows) for each in corners)
    (version, paper, rows), count = said.most_common(1)[0]
    if version != VERSION:
        raise WorksheetVersion(
            "This worksheet is of another version of the service: print it anew."
        )
    if len({each.mark.corner for each in corners}) < len(corners):
        raise WorksheetDamaged("The picture shows several worksheets: photograph one at a time.")
    if count < len(corners):
        raise _damaged()
    if len(corners) < _MIN_CORNERS:
        raise _incomplete()
    return Layout(paper, rows), corners


def _to_paper(placed: Sequence[tuple[Place, FoundMark[Any]]]) -> Points:
    """The perspective map from the picture to the paper, (3, 3)."""
    there = np.concatenate([mark.corners for _, mark in placed])
    here = np.concatenate([place.corners for place, _ in placed])
    matrix, _ = cv2.findHomography(there, here)
    if matrix is None:
        raise _damaged()
    return np.asarray(matrix, dtype=np.float64)


def _middle(mark: FoundMark[Any], to_paper: Points) -> Points:
    mapped = cv2.perspectiveTransform(mark.corners[None], to_paper)[0]
    return np.asarray(mapped.mean(axis=0), dtype=np.float64)


def _rows(
    marks: Sequence[FoundMark[RowMark]], layout: Layout, to_paper: Points
) -> list[tuple[Place, FoundMark[RowMark]]]:
    """The marks of rows, each with the place that it is nearest to."""
    near = _FOUND_WITHIN * (layout.cell(1, 0).y - layout.cell(0, 0).y)
    found = []
    for mark in marks:
        places = [layout.row_mark(row, mark.mark.end) for row in range(layout.rows)]
        found += _nearest(mark, places, _middle(mark, to_paper), near)
    return found


def _codes(
    marks: Sequence[FoundMark[CodeMark]], layout: Layout, to_paper: Points
) -> list[tuple[Place, FoundMark[CodeMark]]]:
    places = [layout.code_mark(down) for down in range(2)]
    near = 2 * places[0].width
    found = []
    for mark in marks:
        found += _nearest(mark, places, _middle(mark, to_paper), near)
    return found


def _nearest(
    mark: FoundMark[Kind], places: Sequence[Place], middle: Points, near: float
) -> list[tuple[Place, FoundMark[Kind]]]:
    away = [float(np.hypot(*(np.mean(place.corners, axis=0) - middle))) for place in places]
    best = int(np.argmin(away))
    return [(places[best], mark)] if away[best] <= near else []


def _classes(rows: Sequence[tuple[Place, FoundMark[RowMark]]], layout: Layout) -> list[int | None]:
    """The class of each row, None where its marks are covered."""
    tops = [layout.row_mark(row, 0).y for row in range(layout.rows)]
    said: list[set[int]] = [set() for _ in tops]
    for place, each in rows:
        said[tops.index(place.y)].add(each.mark.character)
    if any(len(each) > 1 for each in said):
        raise _damaged()
    return [each.pop() if each else None for each in said]


def _incomplete() -> WorksheetIncomplete:
    return WorksheetIncomplete(
        "Only a part of the worksheet can be read: photograph the whole sheet, from above."
    )


def _damaged() -> WorksheetDamaged:
    return WorksheetDamaged(
        "The marks of the worksheet contradict each other: print the sheet anew, and photograph "
        "one at a time."
    )
