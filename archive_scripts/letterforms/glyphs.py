"""Printed letterforms, from a font file or a folder of pictures, as 8-bit masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from handlers.arrays import Gray
from handlers.characters import CHARACTERS


def font_glyphs(font: Path, size: int) -> list[Gray]:
    """Draws every character with `font`, `size` pixels to the em.

    Answers one uint8 mask a class, ink 255 on 0, cropped to the ink. Conjuncts need the
    shaping engine raqm, which Pillow's wheels bring; without it this raises ImportError.
    """
    face = ImageFont.truetype(str(font), size, layout_engine=ImageFont.Layout.RAQM)
    return [_draw(face, character.text, size) for character in CHARACTERS]


def _draw(face: ImageFont.FreeTypeFont, text: str, size: int) -> Gray:
    canvas = Image.new("L", (4 * size, 4 * size), 0)
    ImageDraw.Draw(canvas).text((size, size), text, font=face, fill=255)
    return np.asarray(canvas.crop(canvas.getbbox()))


def folder_glyphs(folder: Path) -> list[Gray]:
    """Reads `class_<index>.png`, white on black, for every character of `CHARACTERS`."""
    return [
        np.asarray(Image.open(folder / f"class_{character.index}.png").convert("L"))
        for character in CHARACTERS
    ]
