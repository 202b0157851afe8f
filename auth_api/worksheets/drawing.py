"""Draws worksheets as a PDF: vectors only, with embedded fonts, for printers that know only black.

The print under the learner's pen is light, so that `handlers.worksheets` can tell the two.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auth_api.worksheets.glyphs import MARGIN, Glyphs, PlacedGlyph
from auth_api.worksheets.labels import LABELS, Labels
from handlers.characters import CHARACTERS
from handlers.worksheet_layout import CORNER_MARK, Layout, Place, Sheet

if TYPE_CHECKING:
    from fpdf import FPDF

_FILES = Path(__file__).parent / "files"
_RANJANA, _TEXT = "Nithya Ranjana", "Noto Sans Devanagari"

_NIB_ANGLE = 34
"""Of the edge of the nib in degrees, clockwise from the horizontal, as on the page's pad."""
_NIB_LENGTH = 0.12
"""In sides of a cell."""
_FRAME, _GUIDE = 185, 205
"""Greys of thin lines, 0-255."""
_DARKEST_GHOST, _LIGHTEST_GHOST = 205, 232
_LINE = 0.15
"""Width of thin lines. All lengths are in millimetres."""
_MODULES = 7
_MODULE_BITS = 25
_DISC = 0.1
"""Diameter of the number of a stroke in sides of a cell, and the least in millimetres."""
_LEAST_DISC = 2.5
_POINT = 25.4 / 72
_TEXT_LEFT = 3.0
"""Between a mark and the text beside it."""
# The same content gives the same file.
_DATE = datetime(2025, 1, 1, tzinfo=UTC)


class SheetDrawing:
    """Draws sheets with the fonts, marks and strokes of the service, which are read once."""

    def __init__(self, reference_images: Path) -> None:
        """`reference_images` has the strokes. Raises `OSError` or `ValueError`."""
        strokes = (reference_images / "strokes.json").read_text(encoding="utf-8")
        self._strokes: list[list[dict[str, Any]]] = json.loads(strokes)
        lines = (_FILES / "marks.txt").read_text(encoding="ascii").split()
        self._marks = [int(line, 16) >> (4 * len(line) - _MODULE_BITS) for line in lines]
        self._glyphs = Glyphs(_FILES / "nithya-ranjana.otf")
        self._letters = Glyphs(_FILES / "noto-sans-devanagari.ttf")

    def pdf(self, sheets: Sequence[Sheet], language: str) -> bytes:
        """A PDF of `sheets`, one a page, in `en` or `ne`. Takes some hundred milliseconds."""
        # Imported here, because it takes a second, and most processes draw no sheets.
        from fpdf import FPDF

        labels = LABELS[language]
        pdf = FPDF(unit="mm", format=sheets[0].layout.size)
        pdf.set_auto_page_break(False)
        pdf.set_creation_date(_DATE)
        pdf.set_title(labels.title)
        pdf.set_lang(labels.language)
        pdf.add_font(_RANJANA, fname=_FILES / "nithya-ranjana.otf")
        pdf.add_font(_TEXT, fname=_FILES / "noto-sans-devanagari.ttf")
        pdf.set_text_shaping(True)
        pdf.c_margin = 0
        for number, sheet in enumerate(sheets, 1):
            pdf.add_page()
            page = _Page(pdf, sheet.layout)
            for place, mark in sheet.marks():
                page.mark(place, self._marks[mark])
            page.texts(labels, labels.page(number, len(sheets)))
            for row, character in enumerate(sheet.classes):
                self._draw_row(page, sheet, row, character, labels)
        return bytes(pdf.output())

    def _draw_row(
        self, page: _Page, sheet: Sheet, row: int, character: int, labels: Labels
    ) -> None:
        layout, text = sheet.layout, CHARACTERS[character].text
        model = layout.cell(row, -1)
        placed = self._glyphs.place(text, model)
        first = layout.cell(row, 0)
        margin = MARGIN * first.height
        guides = (placed.top, placed.bottom)
        if sheet.help == "none":  # they would tell the shape
            guides = (first.y + margin, first.y + first.height - margin)
        page.guides(row, guides)
        for column in range(sheet.ghosts()):
            fade = column / max(1, sheet.ghosts() - 1)
            grey = _DARKEST_GHOST + fade * (_LIGHTEST_GHOST - _DARKEST_GHOST)
            page.glyph(_RANJANA, text, self._glyphs.place(text, layout.cell(row, column)), grey)
        for column in range(layout.columns):
            page.frame(layout.cell(row, column))
        if sheet.help == "none":
            inner = Place(
                model.x + model.width / 4,
                model.y + model.height / 4,
                model.width / 2,
                model.height / 2,
            )
            page.glyph(_TEXT, text, self._letters.place(text, inner), 0)
        else:
            page.glyph(_RANJANA, text, placed, 0)
            page.strokes(model, [stroke["points"] for stroke in self._strokes[character]])
        page.name(row, text, CHARACTERS[character].name if labels.latin_names else "")


class _Page:
    """A page of a PDF."""

    def __init__(self, pdf: FPDF, layout: Layout) -> None:
        self._pdf = pdf
        self._layout = layout

    def mark(self, place: Place, bits: int) -> None:
        """A mark: white modules on black."""
        pdf, side = self._pdf, place.width / _MODULES
        pdf.set_fill_color(0)
        pdf.rect(*place, style="F")
        pdf.set_fill_color(255)
        inner = _MODULES - 2
        for bit in range(_MODULE_BITS):
            if bits >> (_MODULE_BITS - 1 - bit) & 1:
                row, column = divmod(bit, inner)
                pdf.rect(place.x + (column + 1) * side, place.y + (row + 1) * side, side, side, "F")

    def texts(self, labels: Labels, number: str) -> None:
        """Draws the lines above and below the rows."""
        layout = self._layout
        left = layout.corner_mark(0).x + CORNER_MARK + _TEXT_LEFT
        middle = layout.code_mark(0).x + CORNER_MARK + _TEXT_LEFT
        right = layout.corner_mark(1).x - _TEXT_LEFT
        top, bottom = layout.corner_mark(0).y, layout.corner_mark(3).y
        self._write(labels.title, left, top + 4, 13)
        for line, text in enumerate(labels.advice):
            self._write(text, left, top + 8 + 3.5 * line, 7)
        for text, y in ((labels.name, top + 4), (labels.date, top + 11)):
            width = self._write(text, middle, y, 9)
            self._line(middle + width + 1.5, y, right, y, 120)
        self._angle(left, bottom + 8)
        self._write(labels.nib, left + 17, bottom + 8, 8)
        self._write(number, right - self._width(number, 9), bottom + 8, 9)

    def name(self, row: int, text: str, name: str) -> None:
        """The name of a row's character, and the edge of the nib, below the mark of the row."""
        mark, cell = self._layout.row_mark(row, 0), self._layout.cell(row, -1)
        middle, y = mark.x + mark.width / 2, mark.y + mark.height
        self._write(text, middle - self._width(text, 14) / 2, y + 6, 14)
        if name:
            self._write(name, middle - self._width(name, 6.5) / 2, y + 9.2, 6.5)
        self._nib(middle, cell.y + cell.height - 2.2, _NIB_LENGTH * cell.width)

    def frame(self, cell: Place) -> None:
        """The frame of a cell to write in, and its middle."""
        self._grey(_FRAME)
        self._pdf.rect(*cell)
        self._pdf.set_dash_pattern(dash=0.6, gap=1.4)
        middle = cell.x + cell.width / 2
        self._line(middle, cell.y, middle, cell.y + cell.height, _GUIDE)
        self._pdf.set_dash_pattern()

    def guides(self, row: int, heights: tuple[float, float]) -> None:
        """The lines between which the characters of a row stand."""
        first, last = (self._layout.cell(row, column) for column in (-1, self._layout.columns - 1))
        for y in heights:
            self._line(first.x, y, last.x + last.width, y, _GUIDE)

    def glyph(self, font: str, text: str, placed: PlacedGlyph, grey: float) -> None:
        """A text in a cell."""
        self._pdf.set_text_color(round(grey))
        self._set(font, text, placed.x, placed.baseline, placed.size / _POINT)
        self._pdf.set_text_color(0)

    def strokes(self, cell: Place, strokes: Sequence[Sequence[tuple[float, float]]]) -> None:
        """The lines of strokes in a model, with a number at the start of each."""
        pdf = self._pdf
        disc = max(_LEAST_DISC, _DISC * cell.width)
        lines = [
            [(cell.x + x * cell.width, cell.y + y * cell.height) for x, y in stroke]
            for stroke in strokes
        ]
        pdf.set_draw_color(255)
        pdf.set_line_width(0.012 * cell.width)
        for line in lines:
            pdf.polyline(line)
        taken: list[tuple[float, float]] = []
        for number, line in enumerate(lines, 1):
            x, y = _free_place(line, taken, disc)
            taken.append((x, y))
            pdf.set_fill_color(255)
            self._grey(0)
            pdf.circle(x, y, disc / 2, style="DF")
            size, text = 0.72 * disc / _POINT, str(number)
            self._write(text, x - self._width(text, size) / 2, y + 0.26 * disc, size)

    def _angle(self, x: float, y: float) -> None:
        """The edge of the nib at its angle with the horizontal."""
        length = 9.0
        self._line(x, y - 4, x + length + 4, y - 4, 120)
        radians = math.radians(_NIB_ANGLE)
        end = x + length * math.cos(radians), y - 4 + length * math.sin(radians)
        self._grey(0)
        self._pdf.set_line_width(0.9)
        self._pdf.line(x, y - 4, *end)
        arc = [
            (x + 6 * math.cos(angle), y - 4 + 6 * math.sin(angle))
            for angle in (radians * step / 8 for step in range(9))
        ]
        self._grey(0)
        self._pdf.polyline(arc)

    def _nib(self, x: float, y: float, length: float) -> None:
        radians = math.radians(_NIB_ANGLE)
        across, down = length / 2 * math.cos(radians), length / 2 * math.sin(radians)
        self._grey(0)
        self._pdf.set_line_width(0.7)
        self._pdf.line(x - across, y - down, x + across, y + down)

    def _grey(self, grey: int) -> None:
        self._pdf.set_draw_color(grey)
        self._pdf.set_line_width(_LINE)

    def _line(self, x: float, y: float, to_x: float, to_y: float, grey: int) -> None:
        self._grey(grey)
        self._pdf.line(x, y, to_x, to_y)

    def _width(self, text: str, size: float) -> float:
        self._pdf.set_font(_TEXT, size=size)
        return float(self._pdf.get_string_width(text))

    def _write(self, text: str, x: float, baseline: float, size: float) -> float:
        """Writes a text of `size` points; returns its width."""
        self._set(_TEXT, text, x, baseline, size)
        return self._width(text, size)

    def _set(self, font: str, text: str, x: float, baseline: float, size: float) -> None:
        self._pdf.set_font(font, size=size)
        # Only `cell` shapes texts. Its baseline is 0.3 em below the middle of the cell.
        self._pdf.set_xy(x, baseline - 0.3 * size * _POINT)
        self._pdf.cell(h=0, text=text)


def _free_place(
    line: Sequence[tuple[float, float]], taken: Sequence[tuple[float, float]], disc: float
) -> tuple[float, float]:
    """The first place along a line that is free of other discs; its start if none is."""
    for (x, y), (to_x, to_y) in pairwise(line):
        steps = max(1, math.ceil(4 * math.dist((x, y), (to_x, to_y)) / disc))
        for step in range(steps):
            place = x + (to_x - x) * step / steps, y + (to_y - y) * step / steps
            if all(math.dist(place, other) >= disc for other in taken):
                return place
    return line[0]
