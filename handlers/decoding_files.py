"""Opens image files with Pillow and loads them small, whatever their pixels are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, UnidentifiedImageError

from handlers.arrays import Gray
from handlers.arrays import gray as to_gray
from handlers.decoding_work import MAX_JPEG_PIXELS, MAX_PIXELS, MAX_WEBP_PIXELS
from handlers.errors import DamagedImage, ImageTooLarge, UnreadableImage

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "AVIF")
"""The formats that Pillow reads here, by its names. The first frame of an animation is read."""

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG"
"""The first bytes of files in these formats."""

_MAX_PIXELS = {"JPEG": MAX_JPEG_PIXELS, "WEBP": MAX_WEBP_PIXELS}
_SIGNATURES = (JPEG, PNG, b"GIF8", b"RIFF", b"BM")
_AVIF = (b"ftypavif", b"ftypavis", b"ftypmif1", b"ftypmsf1")

LONGEST_SIDE = 512
"""Maximum longer side of a decoded picture, in pixels."""

# A JPEG is decoded at 1/2, 1/4 or 1/8 scale if at least this share of the longest side remains. For
# a 12-megapixel photo that is 1/8 (4000 -> 500), which takes a third of the time and a fiftieth of
# the memory of a full decode.
_REDUCED_SHARE = 480 / 512

# Where the header of a PNG says how many bits a sample has.
_DEPTH = 24
# Levels of 256 that are too few to tell ink from paper.
_FEW_LEVELS = 64


def open_file(data: bytes) -> Image.Image:
    """Reads the header. Raises UnreadableImage, DamagedImage or ImageTooLarge."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        if data.startswith(_SIGNATURES) or data[4:12] in _AVIF:
            raise damaged() from error
        raise UnreadableImage(
            "This is not an image we can read: send JPEG, PNG, WebP, HEIC, AVIF, BMP or GIF."
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except Exception as error:  # Pillow's parsers raise many types for broken headers
        raise damaged() from error
    require_size(image.size, _MAX_PIXELS.get(str(image.format), MAX_PIXELS))
    return image


def load_small(
    image: Image.Image, data: bytes, longest: int, reduction: float | None = None
) -> Image.Image:
    """Loads a picture in the mode `L`, or `RGBA` if it has transparency. The longer side may be
    left larger than `longest` pixels. `reduction` is the least scale of a JPEG.

    Raises DamagedImage.
    """
    try:
        reduction = reduction or _REDUCED_SHARE * longest / max(image.size)
        if reduction < 1:
            size = (round(image.width * reduction), round(image.height * reduction))
            image.draft("L", size)
        image.load()
        if image.mode.startswith("I"):
            samples = np.asarray(image).clip(0, 65535).astype(np.uint16)
            return _with_metadata(_stretch(shrink(samples, longest)), image)
        if data.startswith(PNG) and data[_DEPTH] == 16 and np.asarray(image).max() < _FEW_LEVELS:
            return _with_metadata(_deep_colours(data, longest), image)
        # Copies of a large picture take too much memory, so it is reduced before any copy.
        mode = "RGBA" if image.has_transparency_data else "L"
        picture = image if image.mode == mode else image.convert(mode)
    except Exception as error:  # as in `open_file`, for broken pixel data
        raise damaged() from error
    excess = max(picture.size) // longest
    return picture.reduce(excess) if excess > 1 else picture


Picture = TypeVar("Picture", Gray, npt.NDArray[np.uint16])


def shrink(picture: Picture, longest: int) -> Picture:
    """Scales a picture down until its longer side is `longest` pixels; never enlarges it."""
    scale = longest / max(picture.shape)
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    smaller = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, dtype=picture.dtype)


def _with_metadata(levels: Gray, image: Image.Image) -> Image.Image:
    picture = Image.fromarray(levels)
    picture.info = image.info
    return picture


def _deep_colours(data: bytes, longest: int) -> Gray:
    """A PNG of 16 bits in several channels, as grey or as red, green, blue and opacity. Pillow
    keeps the upper eight bits of these, which are nearly empty if the values are small.
    """
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    samples = shrink(np.asarray(decoded, dtype=np.uint16), longest)
    grey = np.asarray(cv2.cvtColor(samples[..., :3], cv2.COLOR_BGR2GRAY), dtype=np.uint16)
    if samples.shape[2] == 3:
        return _stretch(grey)
    # Black ink may be all that can be seen, so black stays black.
    return to_gray(np.stack([_scaled(each) for each in (grey, grey, grey, samples[..., 3])], 2))


def _stretch(deep: npt.NDArray[np.uint16]) -> Gray:
    """Maps the range in use to 0-255: 16-bit pictures often hold values of 8, 10 or 12 bits."""
    if deep.max() == deep.min():
        return np.full(deep.shape, 255, np.uint8)
    return to_gray(_scaled(deep - deep.min()))


def _scaled(values: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
    return values.astype(np.float32) * np.float32(255 / max(1, int(values.max())))


@contextmanager
def tolerating_damage() -> Iterator[None]:
    """Lets Pillow open a PNG with wrong checksums in chunks that are not needed for its pixels, and
    leave out the pixels that a file lacks.
    """
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def require_size(size: tuple[int, int], limit: int = MAX_PIXELS) -> None:
    """Raises ImageTooLarge if a picture of `size` has more than `limit` pixels."""
    if size[0] * size[1] > limit:
        raise _too_large(size)


def damaged() -> DamagedImage:
    """The refusal of a broken file."""
    return DamagedImage("The image is damaged or cut short and cannot be decoded.")


def cut_short() -> DamagedImage:
    """The refusal of a picture whose missing part may have ink."""
    return DamagedImage(
        "The image is cut short, and a part of the character may be missing: please send it again."
    )


def _too_large(size: tuple[int, int] | None = None) -> ImageTooLarge:
    described = f" of {size[0]} x {size[1]} pixels" if size else ""
    return ImageTooLarge(
        f"The image{described} is too large: up to {MAX_PIXELS // 1_000_000} megapixels are read, "
        "of a JPEG 64, of a WebP 16."
    )
