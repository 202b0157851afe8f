"""Makes pictures to send."""

from __future__ import annotations

import io

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
