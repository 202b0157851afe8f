"""Opens fonts and writes them with fewer glyphs, without hints. Copyright and licence stay."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font
from fontTools.ttLib import TTFont, TTLibError


def subset_options() -> Options:
    """What all subsets have in common."""
    options = Options()
    options.hinting = False
    options.harfbuzz_repacker = False  # its result depends on whether uharfbuzz is installed
    options.name_IDs = ["*"]
    return options


def open_font(font: Path, options: Options) -> TTFont:
    """Reads a whole font. Raises `OSError` if it cannot be read, `ValueError` if it is no font."""
    content = font.read_bytes()
    try:
        return load_font(BytesIO(content), options)
    except TTLibError as error:
        raise ValueError(f"{font} is no font that can be read: {error}") from error


def write_subset(
    font: TTFont,
    output: Path,
    options: Options,
    code_points: Iterable[int],
    glyphs: Iterable[int] = (),
) -> None:
    """Writes the glyphs of code points, and those with the numbers `glyphs`."""
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=code_points, gids=glyphs)
    subsetter.subset(font)
    output.parent.mkdir(parents=True, exist_ok=True)
    save_font(font, output, options)
