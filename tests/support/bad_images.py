"""Images that cannot be read, with the status and the code of each."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image

from tests.support.pictures import encode, reference

_RNG = np.random.default_rng(0)


def one_bit_png(width: int, height: int) -> bytes:
    """A black PNG with one bit a pixel, which is small as a file however large it is decoded."""
    row = b"\0" + bytes((width + 7) // 8)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    compressor = zlib.compressobj(9)
    data = b"".join(compressor.compress(row) for _ in range(height)) + compressor.flush()
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, content) for name, content in chunks)


def huge_png() -> bytes:
    """25 kB as a file, 196 megapixels decoded, which is more than Pillow reads."""
    return one_bit_png(14_000, 14_000)


def png_chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG with its length and checksum."""
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def jpeg_segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def run_length_bmp(width: int, height: int, rows: bytes) -> bytes:
    """A BMP of 256 greys with compressed `rows`."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(rows), 0, 0, 256, 0)
    palette = b"".join(bytes([level, level, level, 0]) for level in range(256))
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + header + palette + rows


def with_gif_blocks(gif: bytes, blocks: bytes) -> bytes:
    """A GIF with more blocks before its picture."""
    start = 13 + (6 << (gif[10] & 7) if gif[10] & 0x80 else 0)
    return gif[:start] + blocks + gif[start:]


def scans(width: int, height: int, count: int, frame: int = 0xC2, layers: int = 1) -> bytes:
    """A JPEG of `count` scans without data, each of which passes over one layer."""
    tables = jpeg_segment(0xDB, b"\0" + b"\1" * 64)
    for destination in (b"\0", b"\x10"):
        tables += jpeg_segment(0xC4, destination + b"\1" + bytes(15) + b"\0")
    described = b"".join(bytes([number + 1, 0x11, 0]) for number in range(layers))
    header = jpeg_segment(frame, struct.pack(">BHHB", 8, height, width, layers) + described)
    scan = jpeg_segment(0xDA, bytes([1, 1, 0, 0, 0 if frame & 2 else 63, 0]))
    return b"\xff\xd8" + tables + header + scan * count + b"\xff\xd9"


def bit_flipped(data: bytes) -> bytes:
    """Flips a bit in about a hundred bytes after the signature."""
    flipped = bytearray(data)
    for position in range(40, len(flipped), max(1, len(flipped) // 100)):
        flipped[position] ^= 0x10
    return bytes(flipped)


def with_size(heif: bytes, width: int, height: int) -> bytes:
    """A HEIC or AVIF whose pictures and tiles all declare another size."""
    start, changed = 0, bytearray(heif)
    while (start := heif.find(b"ispe", start) + 4) >= 4:
        changed[start + 4 : start + 12] = struct.pack(">II", width, height)
    return bytes(changed)


def broken_checksum(png: bytes, name: bytes) -> bytes:
    """A PNG with a wrong checksum in the first chunk of this name."""
    start = png.index(name)
    (length,) = struct.unpack_from(">I", png, start - 4)
    end = start + 4 + length
    return png[:end] + bytes([png[end] ^ 1]) + png[end + 1 :]


_PNG = encode(reference(0))
_HEIC = encode(reference(0), "HEIF")
_TILES = encode(Image.fromarray(reference(0)).convert("RGB"), "HEIF", tile_size=64)
_AVIF = encode(reference(0), "AVIF")
_JPEG = encode(reference(0), "JPEG")
_WEBP = encode(reference(0), "WEBP")
_GIF = encode(reference(0), "GIF")

BAD_IMAGES: dict[str, tuple[bytes, int, str]] = {
    "text": (b"this is no picture\n" * 20, 415, "unreadable_image"),
    "html": (b"<!doctype html><html><body>hello</body></html>", 415, "unreadable_image"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, "unreadable_image"),
    "pdf": (b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n", 415, "unreadable_image"),
    "truncated png": (_PNG[: len(_PNG) // 2], 400, "damaged_image"),
    "truncated jpeg": (_JPEG[: len(_JPEG) // 2], 400, "damaged_image"),
    "png of its signature alone": (_PNG[:8], 400, "damaged_image"),
    "truncated webp": (_WEBP[: len(_WEBP) // 2], 400, "damaged_image"),
    "truncated gif": (_GIF[: len(_GIF) // 2], 400, "damaged_image"),
    "truncated heic": (_HEIC[: len(_HEIC) // 2], 400, "damaged_image"),
    "heic without some of its tiles": (_TILES[:-2000], 400, "damaged_image"),
    "truncated avif": (_AVIF[: len(_AVIF) // 2], 400, "damaged_image"),
    "heic of its brand alone": (_HEIC[:40], 400, "damaged_image"),
    "huge heic": (with_size(_HEIC, 60_000, 60_000), 413, "image_too_large"),
    "heic of another size than its pixels": (with_size(_HEIC, 7000, 5000), 400, "damaged_image"),
    "heic of no size": (with_size(_HEIC, 0, 0), 400, "damaged_image"),
    "film": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(99), 415, "unreadable_image"),
    "png with a wrong checksum of its header": (
        broken_checksum(_PNG, b"IHDR"),
        400,
        "damaged_image",
    ),
    "bit-flipped png": (bit_flipped(_PNG), 400, "damaged_image"),
    "huge png": (huge_png(), 413, "image_too_large"),
    "jpeg of many scans": (scans(4000, 4000, 1500), 413, "image_too_complex"),
    "1x1": (encode(np.zeros((1, 1), np.uint8)), 400, "no_character_found"),
    "1x5000": (encode(np.zeros((5000, 1), np.uint8)), 400, "no_character_found"),
    "5000x1": (encode(_RNG.integers(0, 256, (1, 5000), np.uint8)), 400, "no_character_found"),
    "blank white": (encode(np.full((200, 300), 255, np.uint8)), 400, "no_character_found"),
    "all black": (encode(np.zeros((200, 300), np.uint8)), 400, "no_character_found"),
    "grey paper": (
        encode(_RNG.normal(200, 3, (240, 320)).astype(np.uint8), "JPEG"),
        400,
        "no_character_found",
    ),
    "uniform noise": (
        encode(_RNG.integers(0, 256, (200, 300), np.uint8)),
        400,
        "no_character_found",
    ),
    "colour noise": (
        encode(_RNG.integers(0, 256, (200, 300, 3), np.uint8)),
        400,
        "no_character_found",
    ),
    "salt and pepper": (
        encode((_RNG.random((200, 300)) > 0.5).astype(np.uint8) * 255),
        400,
        "no_character_found",
    ),
    "tiff": (encode(reference(0), "TIFF"), 415, "unreadable_image"),
    "transparent": (
        encode(np.zeros((64, 64, 4), np.uint8)),
        400,
        "no_character_found",
    ),
}
"""Name -> (bytes, status, code)."""
