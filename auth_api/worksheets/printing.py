"""Draws the sheets that callers ask for, without keeping other callers waiting.

Drawing takes a tenth of a second for a page, in Python. So there is one at a time, in a thread, and
the last ones are kept: a class prints the same sheet.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from auth_api.http.documents import Document
from auth_api.worksheets.drawing import SheetDrawing
from handlers.worksheet_layout import sheets

_KEPT = 32


class Worksheets:
    """PDFs of sheets."""

    def __init__(self, reference_images: Path) -> None:
        """Raises `OSError` or `ValueError` if a file is missing or damaged."""
        self._drawing = SheetDrawing(reference_images)
        self._kept: OrderedDict[tuple[object, ...], Document] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def pdf(
        self, classes: Sequence[int], *, paper: str, rows: int, help: str, language: str
    ) -> Document:
        """The PDF of sheets for the characters with the indices `classes`, of one or more."""
        key = (tuple(classes), paper, rows, help, language)
        if key not in self._kept:
            async with self._one_at_a_time:
                if key not in self._kept:
                    pages = sheets(classes, paper, rows, help)
                    content = await asyncio.to_thread(self._drawing.pdf, pages, language)
                    self._kept[key] = Document(content, "application/pdf")
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]
