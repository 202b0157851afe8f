"""Ink on transparency is read whatever its colour; a sheet with round corners stays a sheet."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from handlers.arrays import Gray
from handlers.errors import NoCharacterFound
from handlers.preprocessing import preprocess
from tests.support.pictures import encode, reference, transparent

_COLOURS = {
    "white": (255, 255, 255),
    "yellow": (255, 235, 60),
    "sky": (120, 190, 255),
    "black": (0, 0, 0),
    "red": (210, 30, 30),
    "blue": (20, 40, 160),
}
_INK = 255 - reference(14)


def is_the_character(data: bytes) -> bool:
    expected = preprocess(encode(reference(14))).ink
    found = preprocess(data).ink
    return bool(np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95)


@pytest.mark.parametrize("colour", _COLOURS.values(), ids=_COLOURS)
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "WEBP", "HEIF", "AVIF"])
def test_ink_of_any_colour_on_nothing_is_read(mode: str, colour: tuple[int, int, int]) -> None:
    picture = transparent(_INK, colour)
    if mode in ("WEBP", "HEIF", "AVIF"):
        assert is_the_character(encode(picture, mode))
    elif mode == "P":
        # The palette has the colour twice: transparent and opaque.
        indices = Image.fromarray((_INK > 127).astype(np.uint8), "P")
        indices.putpalette([*colour, *colour])
        assert is_the_character(encode(indices, transparency=b"\x00\xff"))
    else:
        assert is_the_character(encode(picture.convert(mode)))


def test_the_colour_of_what_is_transparent_does_not_matter() -> None:
    for hidden in (0, 255):
        pixels = np.full((256, 256, 4), hidden, np.uint8)
        pixels[_INK > 0, :3] = 255
        pixels[..., 3] = _INK
        assert is_the_character(encode(pixels))


def test_edges_that_a_program_has_darkened_do_not_matter() -> None:
    """White ink that was laid over black, with its opacity kept."""
    pixels = np.repeat(_INK[..., None], 4, axis=2)
    assert is_the_character(encode(pixels))


@pytest.mark.parametrize("opacity", [60, 128, 200, 240])
@pytest.mark.parametrize(("canvas", "ink"), [(25, 255), (60, 230), (235, 10), (210, 60)])
def test_ink_on_a_canvas_that_is_transparent_in_part(canvas: int, ink: int, opacity: int) -> None:
    page = Image.new("RGBA", (256, 256), (canvas, canvas, canvas, opacity))
    page.alpha_composite(transparent(_INK, (ink, ink, ink)))
    assert is_the_character(encode(page))


@pytest.mark.parametrize(("paper", "ink"), [(245, 30), (40, 235), (150, 40)])
def test_a_sheet_with_round_corners_has_no_ink_in_them(paper: int, ink: int) -> None:
    page = Image.new("L", (256, 256), paper)
    page.paste(ink, mask=Image.fromarray(_INK))
    corners = Image.new("L", page.size, 0)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, 255, 255), 70, fill=255)
    page.putalpha(corners)
    assert is_the_character(encode(page.convert("RGBA")))


@pytest.mark.parametrize("level", [0, 255])
def test_a_blank_canvas_is_blank(level: int) -> None:
    blank: Gray = np.full((64, 64, 4), level, np.uint8)
    blank[..., 3] = 255
    with pytest.raises(NoCharacterFound):
        preprocess(encode(blank))
