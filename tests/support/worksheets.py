"""Worksheets as they come out of a printer, written on and photographed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pypdfium2

from archive_scripts.archives.building import ROOT
from archive_scripts.letterforms.strokes import load_strokes
from archive_scripts.synthesis.worksheets import Camera, photograph_sheet, write_in_cells
from auth_api.worksheets.drawing import SheetDrawing
from handlers.arrays import Gray, gray
from handlers.worksheet_layout import Sheet
from tests.support.pictures import encode

PIXELS = 9.0
"""Of a printed sheet, per millimetre."""


def rendered(pdf: bytes, page: int = 0, scale: float = PIXELS * 25.4 / 72) -> Gray:
    """A page of a PDF in grey, `scale` pixels per point."""
    with pypdfium2.PdfDocument(pdf) as document:
        return gray(document[page].render(scale=scale, grayscale=True).to_numpy().squeeze()).copy()


@cache
def drawing() -> SheetDrawing:
    return SheetDrawing(ROOT / "reference_images")


@cache
def printed(sheet: Sheet, language: str = "en") -> Gray:
    """A sheet on paper; not to be changed."""
    return rendered(drawing().pdf([sheet], language))


@cache
def handwriting(index: int, number: int = 0) -> Gray:
    """A character as written by somebody: ink 255 on 0."""
    rng = np.random.default_rng((index, number))
    return load_strokes()[index][0].write(rng, 256, 0.7)


def written(
    sheet: Sheet,
    cells: Sequence[tuple[int, int]],
    *,
    darkness: float = 0.8,
    others: Mapping[tuple[int, int], int] | None = None,
) -> Gray:
    """A sheet with its characters written in `cells`; `others` are other classes, by cell."""
    classes = {cell: sheet.classes[cell[0]] for cell in cells} | dict(others or {})
    inks = {cell: handwriting(index, cell[1]) for cell, index in classes.items()}
    rng = np.random.default_rng(1)
    return write_in_cells(printed(sheet), sheet.layout, inks, rng, darkness)


def photographed(paper: Gray, sheet: Sheet, camera: Camera | None = None, seed: int = 1) -> bytes:
    """A photograph of a sheet: an encoded image."""
    rng = np.random.default_rng(seed)
    return encode(photograph_sheet(paper, sheet.layout, camera or Camera(), rng)[0], "JPEG")
