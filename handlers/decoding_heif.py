"""Reads HEIC, which phones keep their photographs in, and recognises AVIF. Both are HEIF files."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from PIL import Image, features

from handlers.decoding_files import cut_short, damaged, require_size
from handlers.errors import UnreadableImage

try:
    import pillow_heif
    from pillow_heif import options

    pillow_heif.libheif_version()  # raises ImportError without the library itself
    READS_HEIC = True
except ImportError:  # there is no wheel for every platform
    READS_HEIC = False
else:
    options.DECODE_THREADS = 1
    # They cost time, and none of them is the picture.
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False

HEIC, AVIF = "HEIC", "AVIF"

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    *(b"mif1", b"msf1"),
}
# Beginnings of the boxes that rotate and mirror.
_ROTATIONS = (b"\0\0\0\x09irot", b"\0\0\0\x09imir")
# The box with the brands has some dozen bytes.
_MAX_BRANDS = 256


def heif_format(data: bytes) -> str | None:
    """`HEIC`, `AVIF` or None, from the brands at the beginning of a file."""
    if data[4:8] != b"ftyp":
        return None
    box = data[8 : min(_MAX_BRANDS, int.from_bytes(data[:4]))]
    brands = {box[start : start + 4] for start in range(0, len(box), 4)}
    if brands & _AVIF_BRANDS:
        return AVIF
    return HEIC if brands & _HEIC_BRANDS else None


def require_decoder(kind: str) -> None:
    """Raises UnreadableImage if this installation cannot read `HEIC` or `AVIF`."""
    if not (READS_HEIC if kind == HEIC else features.check("avif")):
        raise UnreadableImage(
            f"This is a picture in the format {kind}, which this server cannot read: please send "
            "it as JPEG. On an iPhone, Settings > Camera > Formats > Most Compatible takes JPEG."
        )


def _is_cut(data: bytes) -> bool:
    """Whether the box with the pixels is longer than the file. libheif leaves out missing tiles."""
    position = 0
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4])
        if length == 1:
            length = int.from_bytes(data[position + 8 : position + 16])
        if data[position + 4 : position + 8] == b"mdat" and position + length > len(data):
            return True
        if length < 8:
            return False
        position += length
    return False


def load_heic(data: bytes, longest: int) -> Image.Image:
    """Loads the main picture of a HEIC in the mode `L` or `RGBA`, with a longer side of at most
    twice `longest` pixels. If the file has no rotation of its own, which EXIF only repeats, the
    picture has the EXIF data.

    Raises DamagedImage or ImageTooLarge.
    """
    if _is_cut(data):
        raise cut_short()
    try:
        file: Any = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
        size, mode = file.size, file.mode
    except Exception as error:  # libheif's errors have several types
        raise damaged() from error
    require_size(size)
    try:
        pixels = np.asarray(file)
        excess = max(size) // longest
        if excess > 1:
            smaller = (max(1, size[0] // excess), max(1, size[1] // excess))
            pixels = cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA)
        picture = Image.fromarray(pixels, mode)
        if not any(box in data for box in _ROTATIONS) and file.info["exif"]:
            picture.info["exif"] = file.info["exif"]
        return picture.convert("RGBA" if picture.has_transparency_data else "L")
    except Exception as error:
        raise damaged() from error
