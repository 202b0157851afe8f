"""Makes pictures to send."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image

from archive_scripts.archives.building import ROOT

pillow_heif.register_heif_opener()  # `encode` writes HEIC

REFERENCES = ROOT / "reference_images"


def encode(
    picture: npt.NDArray[np.uint8] | Image.Image, kind: str = "PNG", **options: object
) -> bytes:
    """Encodes a picture with Pillow; `options` go to its writer."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def transparent(
    ink: npt.NDArray[np.uint8], colour: tuple[int, int, int] = (0, 0, 0)
) -> Image.Image:
    """Ink of one colour on nothing: `RGBA`. `ink` is 255 where the ink is opaque."""
    picture = Image.new("RGBA", ink.shape[::-1], (*colour, 0))
    picture.putalpha(Image.fromarray(ink))
    return picture


def reference(index: int) -> npt.NDArray[np.uint8]:
    """The reference picture of a class: 256x256, black ink on white."""
    return np.asarray(Image.open(REFERENCES / f"class_{index}.png"))


class Page(NamedTuple):
    """A picture of several characters."""

    picture: npt.NDArray[np.uint8]
    """Black ink on white."""
    boxes: list[tuple[int, int, int, int]]
    """Left, top, width and height of each in pixels, in reading order."""


def page(
    classes: Sequence[int],
    columns: int,
    *,
    sizes: Sequence[int] = (80,),
    gap: float = 0.5,
    slope: float = 0.0,
) -> Page:
    """Reference characters in rows of `columns`.

    `sizes` are their heights in pixels, in turn; `gap` is the least gap between them by the largest
    size; `slope` is that of the rows.
    """
    size, start = max(sizes), 40
    step = round(size * (1 + gap))
    rows = -(-len(classes) // columns)
    width = 2 * start + columns * round(1.5 * step)
    ink = np.zeros((2 * start + rows * step + round(slope * width), width), np.uint8)
    boxes = []
    left = start
    for position, index in enumerate(classes):
        row, column = divmod(position, columns)
        left = start if column == 0 else left
        glyph = 255 - reference(index)
        glyph = glyph[glyph.any(axis=1)][:, glyph.any(axis=0)]
        height = sizes[position % len(sizes)]
        drawn = Image.fromarray(glyph).resize((height * glyph.shape[1] // glyph.shape[0], height))
        top = start + row * step + (size - height) // 2 + round(slope * left)
        ink[top : top + height, left : left + drawn.width] = np.asarray(drawn)
        boxes.append((left, top, drawn.width, height))
        left += drawn.width + round(gap * size)
    return Page(255 - ink, boxes)
