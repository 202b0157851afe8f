"""Draws the reference pictures that learners compare their own writing with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from archive_scripts.letterforms.glyphs import font_glyphs

REFERENCE_SIZE = 256
"""Side of a reference picture in pixels."""

_MARGIN = 20
_OVERSAMPLING = 4


def draw_references(font: Path, output: Path) -> None:
    """Writes `class_0.png` to `class_61.png`: 256x256 grey, black ink on white, centred.

    Every character fills the square within a margin and keeps its aspect ratio.
    """
    output.mkdir(parents=True, exist_ok=True)
    room = REFERENCE_SIZE - 2 * _MARGIN
    for index, mask in enumerate(font_glyphs(font, _OVERSAMPLING * REFERENCE_SIZE)):
        scale = room / max(mask.shape)
        size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
        glyph = Image.fromarray(np.subtract(255, mask)).resize(size, Image.Resampling.LANCZOS)
        picture = Image.new("L", (REFERENCE_SIZE, REFERENCE_SIZE), 255)
        picture.paste(glyph, ((REFERENCE_SIZE - size[0]) // 2, (REFERENCE_SIZE - size[1]) // 2))
        picture.save(output / f"class_{index}.png", optimize=True)
