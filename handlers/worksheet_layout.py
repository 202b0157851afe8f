"""The layout of worksheets: where the marks and the cells are on paper, and what the marks say.

A sheet is described by its marks alone; nothing is stored. They are ArUco marks (Garrido-Jurado et
al. 2014) of OpenCV's dictionary `DICT_5X5_1000`:

    corners   one at each corner of the paper: corner, paper, rows and version of the layout
    rows      one at each end of a row: the class of its character, and the end
    codes     two in the middle, at the top and at the bottom: the help, and a checksum

All lengths are in millimetres, x to the right and y down from the upper left corner of the paper.
Pure Python, because the service draws sheets too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from zlib import crc32

from handlers.characters import CHARACTERS

VERSION = 0
"""Of this layout. Another position or meaning of anything needs another version."""
VERSIONS = 6
"""How many versions the marks of corners can tell."""

PAPERS = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
"""Width and height by name."""
ROWS = range(4, 9)
"""How many rows a sheet may have."""
HELPS = ("traced", "hinted", "none")
"""How much a sheet helps: a model and ghosts to trace, a model, or the name only."""

CORNERS = ((0, 0), (1, 0), (1, 1), (0, 1))
"""The corners of paper, clockwise: right and bottom are 1."""

CORNER_MARK, ROW_MARK = 12.0, 7.0
"""Sides of the marks. Those of the codes are as large as those of the corners."""

_EDGE = 9.0
"""From the edge of the paper to the marks. Printers leave up to 6.4 white."""
_HEAD = 26.0
"""From the edge of the paper to the rows, above and below."""
_SIDE = 20.0
"""From the edge of the paper to the cells, on the left and the right."""
_GAP = 2.0
"""Between the cells of a row, and the least between rows."""

_ENDS = 2
_FIRST_CORNER = _ENDS * len(CHARACTERS)
_CORNERS_OF_VERSION = len(CORNERS) * len(PAPERS) * len(ROWS)
_FIRST_CODE = 400
_CHECKSUMS = 200

MARKS = _FIRST_CODE + len(HELPS) * _CHECKSUMS
"""All ids of marks are below this."""


class Place(NamedTuple):
    """A square or a rectangle on paper."""

    x: float
    y: float
    width: float
    height: float

    @property
    def corners(self) -> list[tuple[float, float]]:
        """Clockwise from the upper left one."""
        return [
            (self.x + right * self.width, self.y + down * self.height) for right, down in CORNERS
        ]


class CornerMark(NamedTuple):
    """The content of the mark at a corner."""

    corner: int
    paper: str
    rows: int
    version: int


class RowMark(NamedTuple):
    """The content of the mark at an end of a row."""

    character: int
    end: int
    """0 left, 1 right."""


class CodeMark(NamedTuple):
    """The content of the marks in the middle."""

    help: str
    checksum: int


Mark = CornerMark | RowMark | CodeMark


@dataclass(frozen=True)
class Layout:
    """The positions on a sheet."""

    paper: str
    rows: int

    @property
    def columns(self) -> int:
        """The cells of a row to write in. The model stands before them."""
        return self.rows - 2

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the paper."""
        return PAPERS[self.paper]

    @cached_property
    def side(self) -> float:
        """The side of a cell."""
        width, height = self.size
        across = (width - 2 * _SIDE) / (self.columns + 1)
        return min(across, (height - 2 * _HEAD) / self.rows) - _GAP

    def cell(self, row: int, column: int) -> Place:
        """A cell to write in; column -1 is that of the model. It is the frame of the reference
        picture.
        """
        width, height = self.size
        across = (width - 2 * _SIDE) / (self.columns + 1)
        down = (height - 2 * _HEAD) / self.rows
        x = _SIDE + (column + 1) * across + (across - self.side) / 2
        y = _HEAD + row * down + (down - self.side) / 2
        return Place(x, y, self.side, self.side)

    def corner_mark(self, corner: int) -> Place:
        """The mark at one of `CORNERS`."""
        right, down = CORNERS[corner]
        width, height = (side - CORNER_MARK - _EDGE for side in self.size)
        x, y = (width if right else _EDGE), (height if down else _EDGE)
        return Place(x, y, CORNER_MARK, CORNER_MARK)

    def row_mark(self, row: int, end: int) -> Place:
        """The mark at an end of a row, 0 left or 1 right: level with the top of the cells."""
        x = self.size[0] - _EDGE - ROW_MARK if end else _EDGE
        return Place(x, self.cell(row, 0).y, ROW_MARK, ROW_MARK)

    def code_mark(self, down: int) -> Place:
        """The mark in the middle, 0 at the top or 1 at the bottom."""
        x = (self.size[0] - CORNER_MARK) / 2
        y = self.size[1] - CORNER_MARK - _EDGE if down else _EDGE
        return Place(x, y, CORNER_MARK, CORNER_MARK)


@dataclass(frozen=True)
class Sheet:
    """What a sheet shows."""

    layout: Layout
    help: str
    """One of `HELPS`."""
    classes: tuple[int, ...]
    """Of the characters, one for each row."""

    def ghosts(self) -> int:
        """How many cells of a row have a ghost to trace, from the left."""
        return (self.layout.columns + 1) // 2 if self.help == "traced" else 0

    def help_of(self, column: int) -> str:
        """How much the cells of a column help: `traced`, `hinted` or `none`."""
        if column < self.ghosts():
            return "traced"
        return "none" if self.help == "none" else "hinted"

    @property
    def checksum(self) -> int:
        """Changes with everything that the marks say."""
        layout = self.layout
        content = repr((VERSION, layout.paper, layout.rows, self.help, self.classes))
        return crc32(content.encode()) % _CHECKSUMS

    def marks(self) -> list[tuple[Place, int]]:
        """All marks with their ids."""
        layout = self.layout
        code = CodeMark(self.help, self.checksum)
        return [
            *(
                (
                    layout.corner_mark(corner),
                    mark_id(CornerMark(corner, layout.paper, layout.rows, VERSION)),
                )
                for corner in range(len(CORNERS))
            ),
            *(
                (layout.row_mark(row, end), mark_id(RowMark(character, end)))
                for row, character in enumerate(self.classes)
                for end in range(_ENDS)
            ),
            *((layout.code_mark(down), mark_id(code)) for down in range(2)),
        ]


def mark_id(mark: Mark) -> int:
    """The id of a mark in the dictionary."""
    if isinstance(mark, RowMark):
        return mark.end * len(CHARACTERS) + mark.character
    if isinstance(mark, CodeMark):
        return _FIRST_CODE + HELPS.index(mark.help) * _CHECKSUMS + mark.checksum
    paper = list(PAPERS).index(mark.paper)
    size = (mark.version * len(PAPERS) + paper) * len(ROWS) + ROWS.index(mark.rows)
    return _FIRST_CORNER + size * len(CORNERS) + mark.corner


def read_mark(number: int) -> Mark | None:
    """What the mark with an id says; None if no sheet has it."""
    if number < _FIRST_CORNER:
        end, character = divmod(number, len(CHARACTERS))
        return RowMark(character, end)
    if number < _FIRST_CORNER + VERSIONS * _CORNERS_OF_VERSION:
        size, corner = divmod(number - _FIRST_CORNER, len(CORNERS))
        version_paper, rows = divmod(size, len(ROWS))
        version, paper = divmod(version_paper, len(PAPERS))
        return CornerMark(corner, list(PAPERS)[paper], ROWS[rows], version)
    if _FIRST_CODE <= number < MARKS:
        help_index, checksum = divmod(number - _FIRST_CODE, _CHECKSUMS)
        return CodeMark(HELPS[help_index], checksum)
    return None


def sheets(
    classes: Sequence[int], paper: str = "a4", rows: int = 6, help: str = "traced"
) -> list[Sheet]:
    """Sheets for characters, in order: as many as are needed, and all rows are filled.

    The characters of the last sheet have several rows each if there are fewer than rows.
    """
    layout = Layout(paper, rows)
    pages = [tuple(classes[start : start + rows]) for start in range(0, len(classes), rows)]
    return [Sheet(layout, help, _filled(page, rows)) for page in pages]


def _filled(classes: Sequence[int], rows: int) -> tuple[int, ...]:
    """The characters with as many rows each as there is room for; the first ones get the rest."""
    each, rest = divmod(rows, len(classes))
    return tuple(
        character for index, character in enumerate(classes) for _ in range(each + (index < rest))
    )
