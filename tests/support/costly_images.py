"""Pictures whose decoding takes far more work than their size says, a little above each limit."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.support.bad_images import jpeg_segment, png_chunk, run_length_bmp, scans, with_gif_blocks
from tests.support.pictures import encode

_PNG = encode(np.full((64, 64), 255, np.uint8))
_JPEG = encode(np.full((64, 64), 255, np.uint8), "JPEG")
_GIF = encode(np.full((64, 64), 255, np.uint8), "GIF")
_MEGABYTE = zlib.compress(b"\xff" * 1_000_000, 9)

_DCT, _ARITHMETIC, _PROGRESSIVE_ARITHMETIC = 0xC0, 0xC9, 0xCA


def _jpeg(extra: bytes) -> bytes:
    return _JPEG[:2] + extra + _JPEG[2:]


def _png(extra: bytes = b"", after: bytes = b"") -> bytes:
    end = len(_PNG) - 12
    return _PNG[:33] + extra + _PNG[33:end] + after + _PNG[end:]


def _flat_png(width: int, height: int, depth: int, colour: int, interlaced: bool = False) -> bytes:
    """Declares a large picture; whether its pixels are there makes no difference."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return _PNG[:8] + png_chunk(b"IHDR", header) + _PNG[33:]


def _run_length_bmp(width: int, height: int) -> bytes:
    """All rows end at once, which Pillow fills pixel by pixel."""
    return run_length_bmp(width, height, b"\1\1\0\0" * height + b"\0\1")


COSTLY_IMAGES: dict[str, Callable[[], bytes]] = {
    "progressive of many scans": lambda: scans(4000, 4000, 60),
    "progressive, small, of more scans": lambda: scans(640, 480, 3000),
    "scans between comments": lambda: scans(4000, 4000, 60).replace(
        b"\xff\xda", jpeg_segment(0xFE, b"\xff\xd9") + b"\xff\xda"
    ),
    "one layer again and again": lambda: scans(4000, 4000, 60, _DCT, layers=3),
    "coefficients of four layers": lambda: scans(7000, 5000, 1, layers=4),
    "arithmetic coding": lambda: scans(8000, 5000, 3, _ARITHMETIC, layers=3),
    "progressive arithmetic coding": lambda: scans(4000, 3000, 10, _PROGRESSIVE_ARITHMETIC),
    "many segments": lambda: _jpeg(jpeg_segment(0xE5, b"") * 11_000),
    "many quantisation tables": lambda: _jpeg(jpeg_segment(0xDB, (b"\0" + b"\1" * 64) * 900) * 12),
    "EXIF in many pieces": lambda: _jpeg(jpeg_segment(0xE1, b"Exif\0\0" + b"x" * 60_000) * 80),
    "padding before a segment": lambda: _jpeg(b"\xff" * 70_000),
    "junk before a segment": lambda: _jpeg(jpeg_segment(0xE5, b"") + b"\0" * 70_000),
    "many chunks": lambda: _png(png_chunk(b"teSt", b"") * 11_000),
    "many chunks after the pixels": lambda: _png(after=png_chunk(b"teSt", b"") * 11_000),
    "many empty pieces of pixels": lambda: _png(after=png_chunk(b"IDAT", b"") * 11_000),
    "compressed texts": lambda: _png(png_chunk(b"zTXt", b"a\0\0" + _MEGABYTE) * 40),
    "compressed texts of no text": lambda: _png(
        png_chunk(b"iTXt", b"a\0\1\0\0\0" + _MEGABYTE) * 40
    ),
    "colour profiles": lambda: _png(png_chunk(b"iCCP", b"a\0\0" + _MEGABYTE) * 40),
    "deep colours": lambda: _flat_png(8000, 5000, 16, 6),
    "interlaced": lambda: _flat_png(8000, 5000, 8, 6, interlaced=True),
    "a second header": lambda: _png(
        png_chunk(b"IHDR", struct.pack(">IIBBBBB", 8000, 5000, 16, 6, 0, 0, 0))
    ),
    "many comments": lambda: _gif(b"!\xfe" + b"\1a" * 11_000 + b"\0"),
    "many extensions": lambda: _gif(b"!\1\1a\0" * 6_000),
    "no block at all": lambda: _gif(b"\1" * 11_000),
    "run lengths": lambda: _run_length_bmp(4000, 1100),
    "run lengths upside down": lambda: _run_length_bmp(4000, -1100),
}
"""Name -> bytes."""


def _gif(blocks: bytes) -> bytes:
    return with_gif_blocks(_GIF, blocks)


def photograph(width: int, height: int, kind: str = "JPEG", **options: object) -> bytes:
    """A large smooth picture in colour."""
    channels = [Image.linear_gradient("L"), Image.radial_gradient("L"), Image.linear_gradient("L")]
    picture = Image.merge("RGB", channels).resize((width, height))
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()
