"""Negatives for digits: marks that are no Western digit.

Latin letters, signs, letters and digits of Devanagari and Ranjana, scribbles, shapes, stains, dots
and lines. Glyphs that people cannot tell from a digit are left out: O is 0, l is 1, S is 5, Z is 2,
and so are the Devanagari zero and, in many typefaces, the Devanagari one, which is a 9. Only the
text around them says what they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from archive_scripts.letterforms.strokes import Stroke, StrokeLetterform, load_strokes
from archive_scripts.synthesis.negatives import (
    PLAIN_TYPEFACES,
    Negatives,
    Write,
    glyphs_of,
    plain_letterform,
    write_mark,
)
from handlers.arrays import Gray, gray
from handlers.framing import frame_digit

LETTERS = "abcdefghjkmnpqrtuvwxyABCDEFGHJKLMNPQRTUVWXY"
SIGNS = "#$%&*+-<=>?@^_~.:;(){}[]£€¥§©®±÷†•∞√≈≠≤≥←↑→↓★♥♪✓"
DEVANAGARI_LETTERS = "".join(map(chr, range(0x0905, 0x093A)))
OTHER_DIGITS = "२३४५६७८९"
"""Devanagari digits, which a Ranjana typeface draws as Ranjana digits."""

# Digits of other scripts as people write them, letters and signs that are nearly digits: strokes
# as points, xy, on a grid of 10x10.
_WRITTEN = (
    # Devanagari 1 and 4 to 9.
    *("52 40 21 23 44 62 65 47 38 69", "52 40 21 23 44 52 64 46 37 58 89"),
    *("20 44 66 57 48 37 36 44 60", "10 34 57 49 38 36 45 70"),
    "20 23 44 62|60 63 66 79",
    *("60 40 32 44 64|44 25 27 48 68 79", "61 41 32 43 54 35 26 38 58 69"),
    *("11 15 38 68 85 72 52 44 55", "00 04 27 57 74 62 42 34 45"),
    *("70 40 21 25 47 79", "60 30 22 36 58 88"),
    *("61 41 23 34 54 63 52 34|34 25 47 79", "60 30 22 34 55|34 26 48 79"),
    # Ranjana 1 to 3 and 6 to 9.
    *("00 11 20 22 31|71 52 54 75 77 58 37", "00 20 12 22 33|62 41 33 55 67 58 37 36"),
    *("54 65 74 62 53 61 40 21 22 44 65 67 48 38", "53 63 62 51 41 22 34 56 58 49"),
    *("44 46 55 63 52 61 40 21 22 44 65 67 48 38", "53 64 63 51 62 40 21 33 56 48"),
    *("60 63 33 24 36 55 66 67 48 27 15", "70 72 52 33 35 54 65 66 48 26"),
    *("12 21 41 43 46 48 69|43 24", "14 22 42|42 45 48 69"),
    *("31 34 38 59|34 52 62 64", "30 38 69|33 51 71 73"),
    *("72 51 22 28 67 62 32|42 46 56 54|28 19", "61 41 23 45 35 27 57 53|57 49"),
    # A letter a like 9, a question mark like 7 or 2, brackets like 1.
    *("62 42 24 26 47 65|61 66 78", "61 31 13 16 37 66|60 69"),
    *("22 30 60 72 54 46|48 49", "21 41 62 63 44 46|48 49"),
    *("60 42 34 35 47 69", "30 52 64 65 57 39", "60 30 39 69", "30 60 69 39"),
)

GLYPHS = {
    "letters": LETTERS,
    "signs": SIGNS,
    "Devanagari letters": DEVANAGARI_LETTERS,
    "Devanagari digits": OTHER_DIGITS,
}
"""The glyphs of a typeface that are negatives, by kind."""

_SIDE = 112
_PRINTED_PIXELS = 72


class DigitNegatives(Negatives):
    """Draws negatives as MNIST draws digits."""

    def image(self, rng: np.random.Generator) -> Gray:
        """Draws one negative: uint8 of shape (28, 28), white on black."""
        while True:
            ink = self.write(rng, _SIDE)
            if ink.any():
                return frame_digit(ink, ink >= 128)


def digit_negatives(fonts: Iterable[Path] = ()) -> DigitNegatives:
    """Loads the negatives that need no file, and the glyphs of `fonts`.

    Raises OSError for a file that is no font.
    """
    printed: dict[str, list[Write]] = {kind: [] for kind in GLYPHS}
    for font in fonts:
        for kind, glyphs in font_glyphs(font).items():
            printed[kind] += [partial(_write_printed, font, glyph) for glyph in glyphs]
    plain = [
        partial(_write_plain, glyph, font) for glyph in LETTERS for font in range(PLAIN_TYPEFACES)
    ]
    strokes = [form.write for forms in load_strokes() for form in forms]
    # Shares by how hard they are to tell from digits.
    kinds = (
        (0.30, [*plain, *printed["letters"]]),
        (0.17, printed["signs"]),
        (0.04, strokes),
        (0.04, printed["Devanagari letters"]),
        (0.16, printed["Devanagari digits"]),
        (0.22, [_written(each).write for each in _WRITTEN]),
        (0.04, [write_mark]),
        (0.03, [_dot, _lines]),
    )
    return DigitNegatives.of(kinds)


def _written(strokes: str) -> StrokeLetterform:
    """A form of `_WRITTEN`, for a pen of no great width."""
    paths = [[(float(x), float(y)) for x, y in each.split()] for each in strokes.split("|")]
    shared = [Stroke(np.array(path) * (100 / 9), 45, (9, 9, 9)) for path in paths]
    return StrokeLetterform("", False, 2, tuple(shared))


def font_glyphs(font: Path) -> dict[str, str]:
    """The glyphs of `GLYPHS` that a font file has. Raises OSError for another file."""
    known = glyphs_of(font)
    return {
        kind: "".join(glyph for glyph in glyphs if glyph in known)
        for kind, glyphs in GLYPHS.items()
    }


def print_glyph(font: Path, glyph: str, size: int, boldness: int = 0) -> Gray:
    """Prints a glyph, `size` pixels to the em, cropped to its ink: uint8, ink 255 on 0.

    `boldness`, in pixels, widens its strokes on either side. The result is empty for a blank glyph.
    """
    canvas = Image.new("L", (4 * size, 4 * size), 0)
    draw = ImageDraw.Draw(canvas)
    draw.text((size, size), glyph, font=_face(font, size), fill=255, stroke_width=boldness)
    return gray(np.asarray(canvas.crop(canvas.getbbox())))


@cache
def _face(font: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font), size)


def _write_plain(glyph: str, font: int, rng: np.random.Generator, side: int) -> Gray:
    return plain_letterform(glyph, font).write(rng, side)


def _write_printed(font: Path, glyph: str, rng: np.random.Generator, side: int) -> Gray:
    return print_glyph(font, glyph, _PRINTED_PIXELS, int(rng.integers(4)))


def _dot(rng: np.random.Generator, side: int) -> Gray:
    """A full stop, round or square, or a blot."""
    canvas = gray(np.zeros((side, side)))
    axes = (0.3 * side * rng.uniform(0.6, 1, 2)).round().astype(int).tolist()
    middle = (side // 2, side // 2)
    if rng.random() < 0.3:
        points = cv2.boxPoints((middle, (2 * axes[0], 2 * axes[1]), float(rng.uniform(0, 90))))
        return gray(cv2.fillPoly(canvas, [points.round().astype(np.int32)], 255))
    return gray(cv2.ellipse(canvas, middle, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1))


def _lines(rng: np.random.Generator, side: int) -> Gray:
    """A level line, since an upright one is a 1, or a cross of two to four lines."""
    canvas = gray(np.zeros((side, side)))
    count = int(rng.integers(1, 5))
    start = rng.uniform(-40, 40) if count == 1 else rng.uniform(0, 180)
    width = int(rng.integers(4, 14))
    for number in range(count):
        angle = np.deg2rad(start + number * 180 / count + rng.normal(0, 8) * (count > 1))
        reach = 0.45 * side * rng.uniform(0.7, 1) * np.array([np.cos(angle), np.sin(angle)])
        middle = side / 2 + rng.normal(0, 0.04 * side, 2) * (count > 1)
        ends = np.stack([middle - reach, middle + reach]).round().astype(np.int32)
        cv2.polylines(canvas, [ends], False, 255, width, cv2.LINE_AA)
    return canvas
