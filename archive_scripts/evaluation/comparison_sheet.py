"""A sheet of the overlays and the feedback that learners get, to judge by eye."""

from __future__ import annotations

import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from archive_scripts.letterforms.reference_forms import reference_forms
from archive_scripts.training.labelled import ink_or_none, labelled_pictures
from handlers.characters import CHARACTERS
from handlers.comparison import Comparison, Strictness, compare
from handlers.drawing import overlay
from handlers.faults import find_faults
from handlers.feedback import sentences
from handlers.score import score

_COLUMNS = 9
_PICTURE = 150
_TEXT = 92
_WIDTH, _HEIGHT = _PICTURE + 50, _PICTURE + _TEXT
"""Size of a cell, in pixels."""
_LINE_LENGTH = 32
"""In characters."""


def comparison_sheet(folder: Path, references: Path, strictness: Strictness) -> Image.Image:
    """Compares every labelled picture of `folder` with the reference of its class.

    Skips pictures that preprocessing refuses. Raises ValueError if there is no picture.
    """
    forms = reference_forms(references)
    cells = []
    for path, label in labelled_pictures(folder):
        ink = ink_or_none(path.read_bytes())
        if ink is None:
            continue
        cells.append((label, _cell(label, compare(ink, forms[label], strictness))))
    cells.sort(key=lambda cell: cell[0])
    rows = -(-len(cells) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _WIDTH, rows * _HEIGHT), "white")
    for index, (_, cell) in enumerate(cells):
        sheet.paste(cell, (index % _COLUMNS * _WIDTH, index // _COLUMNS * _HEIGHT))
    return sheet


def _cell(label: int, comparison: Comparison) -> Image.Image:
    name = CHARACTERS[label].name
    cell = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    blended = overlay(comparison.form.picture, comparison.ink).convert("RGB")
    cell.paste(blended.resize((_PICTURE, _PICTURE)), (40, 0))
    draw = ImageDraw.Draw(cell)
    small = ImageFont.load_default(10)
    for region in comparison.regions:
        place = (44 + region.column * _PICTURE / 3, 2 + region.row * _PICTURE / 3)
        colour = "green" if region.score > 80 else "blue"
        draw.text(place, f"{region.score:.0f}", fill=colour, font=small)
    draw.text(
        (2, 2),
        f"{label} {name}\n{comparison.form.source}\n{score(comparison)}",
        fill="black",
        font=small,
    )
    lines = [
        line
        for sentence in sentences(comparison, find_faults(comparison), name)
        for line in textwrap.wrap(f"- {sentence}", _LINE_LENGTH, subsequent_indent="  ")
    ]
    draw.text((4, _PICTURE + 2), "\n".join(lines), fill="black", font=small, spacing=1)
    return cell
