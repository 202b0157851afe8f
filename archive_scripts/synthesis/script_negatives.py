"""Negatives for characters: marks that are no single Ranjana character.

Latin letters and digits, letters of Devanagari and other scripts, scribbles, shapes and stains,
characters that are joined to another or cut to a part. Glyphs that people cannot tell from a
Ranjana character are left out: O is the zero, r the eight, and many Devanagari letters differ from
the Ranjana ones in nothing but the pen.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from archive_scripts.letterforms.pictured import PicturedLetterform
from archive_scripts.synthesis.digit_negatives import print_glyph
from archive_scripts.synthesis.negatives import (
    PLAIN_TYPEFACES,
    Kind,
    Negatives,
    Write,
    glyphs_of,
    plain_letterform,
    write_mark,
)
from handlers.arrays import Gray, gray

LATIN = "".join(sorted({*string.ascii_letters, *string.digits} - {*"OosS059qre"}))
DEVANAGARI = "कखघङछजझञटथफभरशअइईउऊऋऌएऐओऔ१५६७८९"
# The letters of Oriya, Tamil, Telugu, Kannada, Malayalam, Sinhala, Thai, Lao, Tibetan, Myanmar and
# Khmer.
_OTHER_SCRIPTS = (
    *((0x0B05, 0x0B3A), (0x0B85, 0x0BBA), (0x0C05, 0x0C3A), (0x0C85, 0x0CBA), (0x0D05, 0x0D3A)),
    *((0x0D85, 0x0DC7), (0x0E01, 0x0E2F), (0x0E81, 0x0EAF), (0x0F40, 0x0F6D), (0x1000, 0x1021)),
    (0x1780, 0x17A3),
)
_OTHERS = frozenset(chr(code) for start, end in _OTHER_SCRIPTS for code in range(start, end))

_PRINTED_PIXELS = 120


def script_negatives(characters: Sequence[Write], fonts: Iterable[Path] = ()) -> Negatives:
    """Loads the negatives. `characters` write whole characters, which are joined and cut; `fonts`
    are typefaces of Devanagari or other scripts.

    Raises OSError for a file that is no font.
    """
    devanagari: list[Write] = []
    others: list[Write] = []
    for font in fonts:
        for glyph in sorted(glyphs_of(font) & {*DEVANAGARI, *_OTHERS}):
            printed = print_glyph(font, glyph, _PRINTED_PIXELS)
            if np.count_nonzero(printed >= 128) > 100:
                kind = devanagari if glyph in DEVANAGARI else others
                kind.append(PicturedLetterform.from_mask(printed).write)
    latin = [
        plain_letterform(glyph, font).write for glyph in LATIN for font in range(PLAIN_TYPEFACES)
    ]
    kinds: tuple[Kind, ...] = (
        (0.25, latin),
        (0.20, devanagari),
        (0.15, others),
        (0.25, [write_mark]),
        (0.10, [partial(_joined, characters)]),
        (0.05, [partial(_cut, characters)]),
    )
    return Negatives.of(kinds)


def _joined(characters: Sequence[Write], rng: np.random.Generator, side: int) -> Gray:
    """Two or three characters that touch, side by side."""
    count = int(rng.integers(2, 4))
    letters = [_letter(characters, rng, side) for _ in range(count)]
    height = max(letter.shape[0] for letter in letters)
    row = np.zeros((height, sum(letter.shape[1] for letter in letters)), np.uint8)
    left = 0
    for letter in letters:
        top = int(rng.integers(height - letter.shape[0] + 1))
        place = row[top : top + letter.shape[0], left : left + letter.shape[1]]
        np.maximum(place, letter, out=place)
        left += round(letter.shape[1] * rng.uniform(0.8, 1))
    return _fitted(row[:, : left + 1], side)


def _cut(characters: Sequence[Write], rng: np.random.Generator, side: int) -> Gray:
    """A third to a half of a character, which could be a part of several."""
    letter = _letter(characters, rng, side)
    share = rng.uniform(0.3, 0.5)
    height, width = letter.shape
    if rng.random() < 0.5:
        length = max(4, round(share * height))
        letter = letter[:length] if rng.random() < 0.5 else letter[-length:]
    else:
        length = max(4, round(share * width))
        letter = letter[:, :length] if rng.random() < 0.5 else letter[:, -length:]
    return _fitted(letter, side)


def _letter(characters: Sequence[Write], rng: np.random.Generator, side: int) -> Gray:
    """A character, cropped to its ink."""
    while True:
        ink = characters[rng.integers(len(characters))](rng, side)
        x, y, width, height = cv2.boundingRect(ink)
        if min(width, height) > 8:
            return ink[y : y + height, x : x + width]


def _fitted(ink: Gray, side: int) -> Gray:
    """Scales to 0.65 of the page, as letterforms are."""
    scale = 0.65 * side / max(ink.shape)
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    letter = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    page = gray(np.zeros((side, side)))
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    page[top : top + size[1], left : left + size[0]] = gray(letter >= 128) * 255
    return page
