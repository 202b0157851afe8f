"""Negatives: marks that are no character. A model trained with them is not confident about others.

Latin letters and digits in plain typefaces, scribbles, shapes, faces and stains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from fontTools.ttLib import TTFont, TTLibError
from PIL import Image, ImageDraw, ImageFont

from archive_scripts.letterforms.nib import draw, random_nib, roughen
from archive_scripts.letterforms.pictured import PicturedLetterform
from archive_scripts.letterforms.splines import catmull_rom
from archive_scripts.letterforms.writer_style import bend, bent_grid, smooth_noise
from handlers.arrays import Gray, gray

_STROKE_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
)
PLAIN_TYPEFACES = len(_STROKE_FONTS) + 1
"""Number of typefaces of `plain_letterform`."""
_FONT_PIXELS = 120


Write = Callable[[np.random.Generator, int], Gray]
"""Draws a mark once: uint8 of shape (side, side), ink 255 on 0."""

Kind = tuple[float, Sequence[Write]]
"""The share of one kind of negatives, relative to the others, and its marks."""


@dataclass(frozen=True)
class Negatives:
    """Draws negatives of several kinds."""

    kinds: Sequence[Kind]
    """Each has a mark at least."""

    @classmethod
    def of(cls, kinds: Iterable[Kind]) -> Self:
        """Leaves out kinds without marks."""
        return cls([(share, marks) for share, marks in kinds if marks])

    def write(self, rng: np.random.Generator, side: int) -> Gray:
        """Draws one negative: uint8 of shape (side, side), ink 255 on 0."""
        shares = np.array([share for share, _ in self.kinds])
        _, marks = self.kinds[rng.choice(len(self.kinds), p=shares / shares.sum())]
        return marks[rng.integers(len(marks))](rng, side)


def glyphs_of(font: Path) -> frozenset[str]:
    """The characters that a font file has. Raises OSError for another file."""
    try:
        with font.open("rb") as file, TTFont(file, fontNumber=0, lazy=True) as opened:
            return frozenset(map(chr, opened.getBestCmap() or {}))
    except TTLibError as error:
        raise OSError(f"{font} is no font: {error}") from None


def write_mark(rng: np.random.Generator, side: int) -> Gray:
    """Draws a scribble, shapes or a stain: uint8 of shape (side, side), ink 255 on 0."""
    kind = rng.random()
    if kind < 0.4:
        return _scribble(rng, side)
    if kind < 0.7:
        return _shapes(rng, side)
    return _stain(rng, side)


@cache
def plain_letterform(glyph: str, font: int) -> PicturedLetterform:
    """The form of a Latin letter or digit in typeface `font`, below `PLAIN_TYPEFACES`.

    The first are OpenCV's, the last is Pillow's own.
    """
    size = 2 * _FONT_PIXELS
    if font < len(_STROKE_FONTS):
        canvas = gray(np.zeros((size, size)))
        place = (_FONT_PIXELS // 2, size - _FONT_PIXELS // 2)
        cv2.putText(canvas, glyph, place, _STROKE_FONTS[font], 4, 255, 11, cv2.LINE_AA)
        return PicturedLetterform.from_mask(canvas)
    picture = Image.new("L", (size, size), 0)
    place = (_FONT_PIXELS // 2, _FONT_PIXELS // 4)
    face = ImageFont.load_default(_FONT_PIXELS)
    ImageDraw.Draw(picture).text(place, glyph, font=face, fill=255)
    return PicturedLetterform.from_mask(np.asarray(picture))


def _scribble(rng: np.random.Generator, side: int) -> Gray:
    """One to four curves with a random pen."""
    canvas = gray(np.zeros((side, side)))
    nib, angle = random_nib(rng), float(rng.uniform(0, 180))
    unit = side / 150
    for _ in range(rng.integers(1, 5)):
        path = rng.uniform(-0.7, 0.7, (rng.integers(2, 9), 2))
        curve = (catmull_rom(len(path), 8 * len(path)) @ path + 1) * (side / 2)
        draw(canvas, curve, angle, np.full(len(curve), rng.uniform(2, 18)), nib, unit)
    return roughen(canvas, nib.radius(float(rng.uniform(0.8, 3))) * unit, rng)


def _shapes(rng: np.random.Generator, side: int) -> Gray:
    """Ellipses, triangles and boxes, or a face, bent as writers bend letters."""
    canvas = gray(np.zeros((side, side)))
    face = rng.random() < 0.4
    rings = [(0.0, 0.0, 0.6, 0.7, False)] if face else []
    if face:
        rings += [(x, -0.2, 0.1, 0.06, rng.random() < 0.5) for x in (-0.25, 0.25)]
        rings += [(0.0, 0.35, rng.uniform(0.15, 0.3), rng.uniform(0.02, 0.1), False)]
    else:
        for _ in range(rng.integers(1, 5)):
            rings.append(
                (*rng.uniform(-0.45, 0.45, 2), *rng.uniform(0.05, 0.5, 2), rng.random() < 0.4)
            )
    grid = bent_grid(rng)
    thickness = int(rng.integers(1, max(2, side // 14)))
    corners = np.linspace(
        0, 2 * np.pi, 33 if face or rng.random() < 0.6 else int(rng.integers(4, 6))
    )
    for x, y, width, height, filled in rings:
        outline = np.stack([x + width * np.cos(corners), y + height * np.sin(corners)], axis=1)
        points = np.round((bend(outline, grid) + 1) * (side / 2)).astype(np.int32)
        if filled:
            cv2.fillPoly(canvas, [points], 255)
        else:
            cv2.polylines(canvas, [points], False, 255, thickness)
    return canvas


def _stain(rng: np.random.Generator, side: int) -> Gray:
    """A patch of light and dark, like a thresholded face, leaf or shadow."""
    pattern = smooth_noise(rng, int(rng.integers(3, 14)), side)
    pattern += rng.uniform(0, 0.8) * smooth_noise(rng, int(rng.integers(14, 40)), side)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    reach = (x / rng.uniform(0.4, 0.9)) ** 2 + (y / rng.uniform(0.4, 0.9)) ** 2
    return gray((pattern > rng.uniform(-0.6, 0.6)) & (reach < 1)) * 255
