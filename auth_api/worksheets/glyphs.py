"""Places characters in cells: as in the reference pictures, centred and as large as fits."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import uharfbuzz

from handlers.worksheet_layout import Place

MARGIN = 20 / 256
"""Between the longer side of a character and its frame, in shares of the frame's side: see
`archive_scripts.letterforms.references`."""


class PlacedGlyph(NamedTuple):
    """Where a text is set."""

    size: float
    """Of the em, in millimetres."""
    x: float
    """Of the origin."""
    baseline: float
    top: float
    """Of the ink, and its bottom."""
    bottom: float


class Glyphs:
    """The glyphs of a font."""

    def __init__(self, font: Path) -> None:
        """Raises `OSError`."""
        face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(font)))
        self._font = uharfbuzz.Font(face)
        self._em = face.upem

    def place(self, text: str, cell: Place) -> PlacedGlyph:
        """Where `text` has to be set to fill a square cell."""
        left, bottom, right, top = self._box(text)
        scale = cell.width * (1 - 2 * MARGIN) / max(right - left, top - bottom)
        baseline = cell.y + cell.height / 2 + scale * (top + bottom) / 2
        return PlacedGlyph(
            size=scale * self._em,
            x=cell.x + cell.width / 2 - scale * (left + right) / 2,
            baseline=baseline,
            top=baseline - scale * top,
            bottom=baseline - scale * bottom,
        )

    def _box(self, text: str) -> tuple[float, float, float, float]:
        """The box around the ink in units of the font, y up: left, bottom, right and top."""
        buffer = uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        uharfbuzz.shape(self._font, buffer)
        boxes, x = [], 0
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            ink = self._font.get_glyph_extents(info.codepoint)
            left = x + position.x_offset + ink.x_bearing
            top = position.y_offset + ink.y_bearing
            boxes.append((left, top + ink.height, left + ink.width, top))  # the height is negative
            x += position.x_advance
        lefts, bottoms, rights, tops = zip(*boxes, strict=True)
        return min(lefts), min(bottoms), max(rights), max(tops)
