"""What learners would be shown of labelled pictures: overlays and feedback on one sheet."""

from __future__ import annotations

import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from archive_scripts.letterforms.reference_forms import reference_forms
from archive_scripts.training.labelled import labelled_pictures
from handlers.characters import CHARACTERS
from handlers.comparison import Comparison, Strictness, compare
from handlers.errors import ImageRefused
from handlers.feedback import sentences
from handlers.pictures import overlay
from handlers.preprocessing import preprocess

_COLUMNS = 9
_PICTURE = 150
_TEXT = 92
_WIDTH = 32
"""Characters in a line of text."""


def comparison_sheet(folder: Path, references: Path, strictness: Strictness) -> Image.Image:
    """Every labelled picture of `folder` compared with the reference of its own class.

    Pictures that preprocessing refuses are left out. Raises ValueError where there is none.
    """
    forms = reference_forms(references)
    cells = []
    for path, label in labelled_pictures(folder):
        try:
            ink = preprocess(path.read_bytes()).ink
        except ImageRefused:
            continue
        cells.append((label, _cell(label, compare(ink, forms[label], strictness))))
    cells.sort(key=lambda cell: cell[0])
    rows = -(-len(cells) // _COLUMNS)
    height = _PICTURE + _TEXT
    sheet = Image.new("RGB", (_COLUMNS * (_PICTURE + 50), rows * height), "white")
    for index, (_, cell) in enumerate(cells):
        sheet.paste(cell, (index % _COLUMNS * (_PICTURE + 50), index // _COLUMNS * height))
    return sheet


def _cell(label: int, comparison: Comparison) -> Image.Image:
    name = CHARACTERS[label].name
    cell = Image.new("RGB", (_PICTURE + 50, _PICTURE + _TEXT), "white")
    blended = overlay(comparison.form.picture, comparison.ink)[..., ::-1]
    cell.paste(Image.fromarray(blended.copy()).resize((_PICTURE, _PICTURE)), (40, 0))
    draw = ImageDraw.Draw(cell)
    small = ImageFont.load_default(10)
    for row, column, score in (
        (region.row, region.column, region.score) for region in comparison.regions
    ):
        place = (44 + column * _PICTURE / 3, 2 + row * _PICTURE / 3)
        draw.text(place, f"{score:.0f}", fill="green" if score > 80 else "blue", font=small)
    draw.text((2, 2), f"{label} {name}\n{comparison.form.source}", fill="black", font=small)
    lines = [
        line
        for sentence in sentences(comparison, name)
        for line in textwrap.wrap(f"- {sentence}", _WIDTH, subsequent_indent="  ")
    ]
    draw.text((4, _PICTURE + 2), "\n".join(lines), fill="black", font=small, spacing=1)
    return cell
