"""Decodes image bytes to an upright grey picture, of at most 512 pixels unless told."""

from __future__ import annotations

import io
import warnings
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from handlers.arrays import Gray
from handlers.arrays import gray as to_gray
from handlers.decoding_work import MAX_PIXELS, MAX_WEBP_PIXELS, check_work
from handlers.errors import DamagedImage, ImageTooLarge, UnreadableImage

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
"""The formats that are read, by Pillow's names. The first frame of an animation is read."""

_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")
"""The first bytes of files in these formats."""

LONGEST_SIDE = 512
"""Maximum longer side of a decoded picture, in pixels."""

# A JPEG is decoded at 1/2, 1/4 or 1/8 scale if at least this share of the longest side remains. For
# a 12-megapixel photo that is 1/8 (4000 -> 500), which takes a third of the time and a fiftieth of
# the memory of a full decode.
_REDUCED_SHARE = 480 / 512


def decode(data: bytes, longest: int = LONGEST_SIDE) -> Gray:
    """Decodes an image to grey: uint8 of shape (height, width), 0 black to 255 white.

    The longer side has at most `longest` pixels. Honours the EXIF orientation, lays transparency
    over white and stretches 16-bit values from the range they use. Raises UnreadableImage,
    DamagedImage, ImageTooLarge or ImageTooComplex.
    """
    check_work(data)
    with warnings.catch_warnings():
        # Pillow warns about each odd thing in a file, and a file can have thousands.
        warnings.simplefilter("ignore")
        image = _open(data)
        if image.width * image.height > _max_pixels(image):
            raise _too_large(image)
        try:
            reduction = _REDUCED_SHARE * longest / max(image.size)
            if reduction < 1:
                size = (round(image.width * reduction), round(image.height * reduction))
                image.draft("L", size)
            image.load()
            gray = _gray(image, longest)
        except Exception as error:  # as in `_open`, for broken pixel data
            raise _damaged() from error
    return shrink(gray, longest)


def _open(data: bytes) -> Image.Image:
    """Reads the header."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        if data.startswith(_SIGNATURES):
            raise _damaged() from error
        raise UnreadableImage(
            "This is not an image we can read: send PNG, JPEG, WebP, BMP or GIF."
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except Exception as error:  # Pillow's parsers raise many types for broken headers
        raise _damaged() from error


Picture = TypeVar("Picture", Gray, npt.NDArray[np.uint16])


def shrink(picture: Picture, longest: int) -> Picture:
    """Scales a picture down until its longer side is `longest` pixels; never enlarges it."""
    scale = longest / max(picture.shape)
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    smaller = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, dtype=picture.dtype)


def _gray(image: Image.Image, longest: int) -> Gray:
    if image.mode.startswith("I"):
        deep = np.asarray(_upright(image)).clip(0, 65535).astype(np.uint16)
        return _stretch(shrink(deep, longest))
    mode = "RGBA" if image.has_transparency_data else "L"
    # Copies of a large picture would take too much memory, so it is reduced before any copy.
    picture = image if image.mode == mode else image.convert(mode)
    excess = max(picture.size) // longest
    if excess > 1:
        picture = picture.reduce(excess)
    picture = _upright(picture)
    if picture.mode == "RGBA":
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture).convert("L")
    return np.asarray(picture)


def _upright(image: Image.Image) -> Image.Image:
    """Turns a picture as its EXIF orientation says, if that can be read."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # the picture itself can still be good
        return image


def _stretch(deep: npt.NDArray[np.uint16]) -> Gray:
    """Maps the range in use to 0-255, because 16-bit pictures often hold 10 or 12 bits."""
    low, high = int(deep.min()), int(deep.max())
    if high - low < 256:
        return np.full(deep.shape, 255, np.uint8)
    return to_gray((deep.astype(np.float32) - low) * (255 / (high - low)))


def _damaged() -> DamagedImage:
    return DamagedImage("The image is damaged or cut short and cannot be decoded.")


def _max_pixels(image: Image.Image) -> int:
    return MAX_WEBP_PIXELS if image.format == "WEBP" else MAX_PIXELS


def _too_large(image: Image.Image | None = None) -> ImageTooLarge:
    size = f" of {image.width} x {image.height} pixels" if image else ""
    most = (_max_pixels(image) if image else MAX_PIXELS) // 1_000_000
    return ImageTooLarge(f"The image{size} is too large: up to {most} megapixels are read.")
