"""Worksheets as they come out of a printer, written on and photographed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pypdfium2
from cv2 import aruco

from archive_scripts.archives.building import ROOT
from archive_scripts.letterforms.strokes import load_strokes
from archive_scripts.synthesis.worksheets import Camera, photograph_sheet, write_in_cells
from auth_api.worksheets.drawing import SheetDrawing
from handlers.arrays import Gray, gray
from handlers.worksheet_layout import Place, Sheet
from handlers.worksheet_marks import DICTIONARY
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
    paper: Gray | None = None,
) -> Gray:
    """A sheet with its characters written in `cells`; `others` are other classes, by cell. `paper`:
    the printed sheet, by default as this checkout prints it.
    """
    classes = {cell: sheet.classes[cell[0]] for cell in cells} | dict(others or {})
    inks = {cell: handwriting(index, cell[1]) for cell, index in classes.items()}
    rng = np.random.default_rng(1)
    blank = printed(sheet) if paper is None else paper
    return write_in_cells(blank, sheet.layout, inks, rng, darkness)


def photographed(paper: Gray, sheet: Sheet, camera: Camera | None = None, seed: int = 1) -> bytes:
    """A photograph of a sheet: an encoded image."""
    rng = np.random.default_rng(seed)
    return encode(photograph_sheet(paper, sheet.layout, camera or Camera(), rng)[0], "JPEG")


def covered(paper: Gray, place: Place, shade: int = 120) -> Gray:
    """A sheet with something on a place."""
    left, top = round(place.x * PIXELS), round(place.y * PIXELS)
    right, bottom = (
        round((place.x + place.width) * PIXELS),
        round((place.y + place.height) * PIXELS),
    )
    changed = paper.copy()
    changed[max(0, top) : bottom, max(0, left) : right] = shade
    return changed


def stamped(paper: Gray, place: Place, number: int) -> Gray:
    """A sheet with another mark at a place."""
    changed = paper.copy()
    side = round(place.width * PIXELS)
    left, top = round(place.x * PIXELS), round(place.y * PIXELS)
    changed[top : top + side, left : left + side] = aruco.generateImageMarker(
        DICTIONARY, number, side
    )
    return changed
