"""Reads what is there of a file that is cut short, unless the cut may go through the ink.

Decoders fill what is missing with grey, black or nothing. Two readings that differ only in what
they put there show where it begins.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

from handlers.arrays import Gray, gray
from handlers.decoding_files import (
    JPEG,
    LONGEST_SIDE,
    PNG,
    cut_short,
    damaged,
    load_small,
    open_file,
    shrink,
    tolerating_damage,
)

_END_OF_JPEG = b"\xff\xd9"
# Without a marker of a JPEG. It begins with the second half of an escaped byte 255, of which the
# first half may be the last byte that is there.
_NONSENSE = b"\0" + bytes(range(1, 241)) * 8
# What decoders put in the place of missing pixels of a JPEG.
_FILL = 128
# Two readings of a pixel that is there differ by less, of 255: a scan that is cut can lack the last
# bit of the brightness of a block.
_SAME = 4
# If a larger share of the rows is missing, detached parts of the character could be among them.
_MAX_MISSING = 1 / 3
# Shares of the picture's width: no stroke of a pen is wider, no bar of a character is longer.
_WIDEST_STROKE, _LONGEST_BAR = 1 / 8, 1 / 2
# The least contrast of ink at the cut, of 255, and as a share of the contrast of the other ink.
_LEAST_CONTRAST, _CONTRAST_SHARE = 25, 0.5


def may_be_cut(data: bytes, picture: Image.Image) -> bool:
    """Whether a picture that was read may still lack its end: zeros fill up the file of a download
    that broke off, and some programs add an end to a JPEG that is cut.
    """
    if not data.startswith(JPEG):
        return False
    if data.endswith(bytes(16)):
        return True
    if picture.getpixel((0, picture.height - 1)) != _FILL:
        return False
    return picture.crop((0, picture.height - 1, *picture.size)).getextrema() == (_FILL, _FILL)


def read_damaged(data: bytes, longest: int) -> tuple[Image.Image, bool]:
    """Reads a damaged file. Returns the rows that are there, as `load_small` does, and whether rows
    are missing below them.

    A PNG with a wrong checksum of a chunk without pixels is read as if it were right. Raises
    DamagedImage if too many rows are missing or if the pixels are damaged.
    """
    if data.startswith(PNG) and _has_all_chunks(data):
        with tolerating_damage():
            image = open_file(data)
        return load_small(image, data, longest), False
    if data.startswith(JPEG):
        body = data.rstrip(b"\0").removesuffix(_END_OF_JPEG)
        data = body + _END_OF_JPEG
        readings = (_coarse(data), _coarse(body + _NONSENSE + _END_OF_JPEG))
        share = _share_present(*readings)
        picture = load_small(open_file(data), data, longest)
    elif data.startswith(PNG):
        with tolerating_damage():
            picture, other = _png_readings(data, longest)
        share = _share_present(picture, other)
    else:
        raise damaged()
    if share == 1:
        return picture, False
    if 1 - share > _MAX_MISSING:
        raise cut_short()
    return picture.crop((0, 0, picture.width, max(1, int(share * picture.height)))), True


def require_whole_ink(picture: Gray) -> None:
    """Raises DamagedImage if ink reaches the bottom of a picture, where the rest is missing."""
    small = shrink(picture, 256)
    stroke, bar = (
        max(1, round(share * small.shape[1])) for share in (_WIDEST_STROKE, _LONGEST_BAR)
    )
    dark, light = _valleys(small, stroke), _valleys(255 - small, stroke)
    ink, strokes = (small, dark) if dark.sum() > light.sum() else (255 - small, light)
    at_cut = _valleys(gray(ink[-2:].mean(axis=0, keepdims=True)), bar)
    least = max(_LEAST_CONTRAST, _CONTRAST_SHARE * float(np.percentile(strokes, 99.5)))
    if at_cut.max() > least:
        raise cut_short()


def _valleys(picture: Gray, width: int) -> Gray:
    """How much darker each pixel is than others of its row on both sides, at most `width` away."""
    wide = cv2.copyMakeBorder(picture, 0, 0, width, width, cv2.BORDER_REPLICATE)
    kernel = np.ones((1, width | 1), np.uint8)
    return gray(cv2.morphologyEx(wide, cv2.MORPH_BLACKHAT, kernel)[:, width:-width])


def _share_present(first: Image.Image, second: Image.Image) -> float:
    """The share of rows, from the top, in which two readings agree."""
    pixels = [np.asarray(each.convert("L"), dtype=np.int16) for each in (first, second)]
    differs = (np.abs(pixels[0] - pixels[1]) > _SAME).any(axis=1)
    if not differs.any():
        return 1
    # The last of them may be there only in part.
    return max(0, int(differs.argmax()) - 1) / len(differs)


def _coarse(jpeg: bytes) -> Image.Image:
    """A JPEG at an eighth of its scale: the brightness of each block. Finer detail of blocks may
    be missing from a progressive JPEG that shows everything.
    """
    return load_small(open_file(jpeg), jpeg, LONGEST_SIDE, 1 / 16)


def _png_readings(png: bytes, longest: int) -> Iterator[Image.Image]:
    """Missing pixels keep what the picture held before: black, then white."""
    for level in (0, 255):
        image = open_file(png)
        bands = len(image.getbands())
        fill = level if bands == 1 else (level,) * bands
        image.im = Image.new(image.mode, image.size, fill).im
        yield load_small(image, png, longest)


def _has_all_chunks(png: bytes) -> bool:
    position = 8
    while position + 12 <= len(png):
        if png[position + 4 : position + 8] == b"IEND":
            return True
        position += 12 + int.from_bytes(png[position : position + 4])
    return False
