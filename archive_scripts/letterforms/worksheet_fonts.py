"""Makes the fonts of worksheets: Nithya Ranjana with the characters of the models, and a text font.

PDF files embed them, so they have only what is printed: a small font is quick to embed.
"""

from __future__ import annotations

from pathlib import Path

import uharfbuzz
from fontTools.varLib.instancer import instantiateVariableFont

from archive_scripts.letterforms.font_subsets import open_font, subset_options, write_subset
from handlers.characters import CHARACTERS

# Latin letters, digits and signs, Devanagari, the degree sign, and the joiners.
_TEXT = (*range(0x20, 0x7F), *range(0x0900, 0x0980), 0xB0, 0x200C, 0x200D)
_REGULAR = {"wght": 400, "wdth": 100}


def write_ranjana_font(font: Path, output: Path) -> None:
    """Writes the glyphs that the characters of the models take, and what forms their conjuncts.

    Raises `OSError` if `font` cannot be read, and `ValueError` if it is no font.
    """
    options = subset_options()
    options.layout_closure = False  # conjuncts of other characters are left out
    whole = open_font(font, options)
    texts = [character.text for character in CHARACTERS]
    shaped = uharfbuzz.Font(uharfbuzz.Face(font.read_bytes()))
    glyphs = {glyph for text in texts for glyph in _shape(shaped, text)}
    write_subset(whole, output, options, {ord(letter) for letter in "".join(texts)}, glyphs)


def write_text_font(font: Path, output: Path) -> None:
    """Writes the letters of English and Nepali, of a variable font only its regular weight.

    Raises as `write_ranjana_font` does.
    """
    options = subset_options()
    whole = open_font(font, options)
    if "fvar" in whole:
        regular = {axis.axisTag: _REGULAR.get(axis.axisTag) for axis in whole["fvar"].axes}
        instantiateVariableFont(whole, regular, inplace=True)
    write_subset(whole, output, options, _TEXT)


def _shape(font: uharfbuzz.Font, text: str) -> list[int]:
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    uharfbuzz.shape(font, buffer)
    return [info.codepoint for info in buffer.glyph_infos]
