"""Reads printed glyphs from a font file or a folder of pictures, as 8-bit masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from handlers.arrays import Gray, gray
from handlers.characters import CHARACTERS


def font_glyphs(font: Path, size: int) -> list[Gray]:
    """Draws every character with `font`, `size` pixels to the em.

    Returns one uint8 mask per class, ink 255 on 0, cropped to the ink. Raises ImportError without
    the shaping engine raqm, which conjuncts need; Pillow's wheels include it.
    """
    face = ImageFont.truetype(str(font), size, layout_engine=ImageFont.Layout.RAQM)
    return [_draw(face, character.text, size) for character in CHARACTERS]


def _draw(face: ImageFont.FreeTypeFont, text: str, size: int) -> Gray:
    canvas = Image.new("L", (4 * size, 4 * size), 0)
    ImageDraw.Draw(canvas).text((size, size), text, font=face, fill=255)
    return np.asarray(canvas.crop(canvas.getbbox()))


def folder_glyphs(folder: Path) -> list[Gray | None]:
    """Reads `class_<index>.png`, white on black, for every character that has one; else None."""
    paths = [folder / f"class_{character.index}.png" for character in CHARACTERS]
    return [gray(Image.open(path).convert("L")) if path.exists() else None for path in paths]
