"""Refuses pictures that cost far more work than their size says, before they are decoded.

A few kilobytes can hold a picture of a thousand scans, or a million empty chunks. Decoding them
would keep a worker for minutes, some of it in single calls that nothing can interrupt. The limits
here are several times what cameras, phones and programs write. Each check reads a few dozen bytes
of an ordinary file. `handlers.cpu_limit` ends whatever else takes too long.
"""

from __future__ import annotations

import re

from handlers.errors import ImageTooComplex

MAX_PIXELS = 40_000_000
"""An image that declares more pixels is refused undecoded. Three 12-megapixel photos."""

MAX_JPEG_PIXELS = 65_000_000
"""The same for a JPEG, which is decoded at a reduced scale. What phones call 64 megapixels is up to
64.4 million pixels."""

MAX_WEBP_PIXELS = 16_000_000
"""The same for WebP, which is decoded whole: each pixel takes up to 60 nanoseconds and 8 bytes."""

MAX_SCANNED_SAMPLES = 800_000_000
"""Samples that all scans of a JPEG pass over: 8 to 14 for each pixel of an ordinary progressive
picture in colour. A scan costs about a nanosecond a sample, however few bytes it has."""

MAX_COEFFICIENT_BYTES = 260_000_000
"""Memory for the coefficients of a JPEG of several scans, all of which are kept until the last
scan, two bytes a sample. 64 megapixels take 193 MB if the colours have half the resolution."""

MAX_RAW_PNG_BYTES = 110_000_000
"""Uncompressed bytes of a PNG: an A4 page in colour, scanned at 600 dpi, has 104 million."""

MAX_RUN_LENGTH_PIXELS = 4_000_000
"""Pixels of a compressed BMP. Pillow decodes them in Python, some of them one by one."""

MAX_STEPS = 10_000
"""Chunks, segments or blocks that are read before and after the pixels. Each costs Pillow
microseconds."""

_MAX_COMPRESSED_TEXTS = 32
"""Chunks of a PNG that may each unpack to a megabyte."""
_MAX_EXIF_SEGMENTS = 64
"""Pillow copies all earlier ones for each."""
_MAX_PADDING = 65_536
"""Bytes between the segments of a JPEG."""

# Arithmetic coding, which cameras do not use, packs a whole scan of slow symbols into few bytes.
_ARITHMETIC_FACTOR = 10
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_COMPRESSED_TEXTS = (b"zTXt", b"iTXt", b"iCCP")

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""Any JPEG marker except restarts, which belong to the data of a scan."""
_EOI, _SOS, _DQT, _EXIF = 0xD9, 0xDA, 0xDB, 0xE1
_WITHOUT_LENGTH = (0x01, 0xD8, _EOI)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def check_work(data: bytes) -> None:
    """Raises ImageTooComplex if decoding `data` would take far too much work.

    Ignores damage and unknown formats, which the decoder refuses.
    """
    if data.startswith(b"\xff\xd8\xff"):
        _check_jpeg(data)
    elif data.startswith(b"\x89PNG"):
        _check_png(data)
    elif data.startswith(b"GIF8"):
        _check_gif(data)
    elif data.startswith(b"BM"):
        _check_bmp(data)


def too_complex() -> ImageTooComplex:
    """The refusal of a picture that takes too much work."""
    return ImageTooComplex(
        "The image takes too much work to read: please save it again as an ordinary JPEG or PNG."
    )


def _check_jpeg(data: bytes) -> None:
    """Follows the markers to the first scan, and to the last if the decoder reads them all."""
    position, steps, padding, exif = 2, 0, 0, 0
    samples: dict[int, int] = {}
    factor, scanned, progressive = 1, 0, False
    while found := _MARKER.search(data, position):
        if not scanned:
            padding += found.start() - position
        marker, position = data[found.end() - 1], found.end()
        steps += 1
        if marker in _WITHOUT_LENGTH:
            if marker == _EOI and scanned:
                return
            continue
        length = _big_endian(data[position : position + 2])
        if marker in _FRAMES:
            samples = _component_samples(data[position + 2 : position + length])
            factor = _ARITHMETIC_FACTOR if marker > 0xC8 else 1
            progressive = marker & 3 == 2
        elif marker == _DQT:
            steps += length // 65
        elif marker == _EXIF:
            exif += data[position + 2 : position + 8] == b"Exif\0\0"
        elif marker == _SOS:
            layers = data[position + 3 : position + length - 3 : 2]
            # libjpeg reads all scans before it shows the first row, unless one has everything.
            alone = not scanned and not progressive and len(layers) >= len(samples)
            scanned += factor * sum(samples.get(layer, 0) for layer in layers)
            if alone and scanned <= MAX_SCANNED_SAMPLES:
                return
            if 2 * sum(samples.values()) > MAX_COEFFICIENT_BYTES:
                raise too_complex()
        if (
            steps > MAX_STEPS
            or padding > _MAX_PADDING
            or exif > _MAX_EXIF_SEGMENTS
            or scanned > MAX_SCANNED_SAMPLES
        ):
            raise too_complex()
        position += max(2, length)


def _component_samples(frame: bytes) -> dict[int, int]:
    """The samples of each component of a JPEG by its id, from the header of its frame."""
    height, width = _big_endian(frame[1:3]), _big_endian(frame[3:5])
    layers = [
        (frame[start], frame[start + 1] >> 4, frame[start + 1] & 15)
        for start in range(6, len(frame) - 2, 3)
    ]
    widest, tallest = (max((layer[side] for layer in layers), default=1) or 1 for side in (1, 2))
    return {
        layer: _padded(width * across // widest) * _padded(height * down // tallest)
        for layer, across, down in layers
    }


def _check_png(data: bytes) -> None:
    position, chunks, texts = 8, 0, 0
    while position + 8 <= len(data):
        length, kind = _big_endian(data[position : position + 4]), data[position + 4 : position + 8]
        chunks += 1
        texts += kind in _COMPRESSED_TEXTS
        if kind == b"IEND":
            return
        if chunks > MAX_STEPS or texts > _MAX_COMPRESSED_TEXTS:
            raise too_complex()
        # A later header replaces the first.
        if kind == b"IHDR" and len(header := data[position + 8 : position + 21]) == 13:
            width, height = _big_endian(header[:4]), _big_endian(header[4:8])
            row = width * header[8] * _CHANNELS.get(header[9], 4) // 8 + 1
            passes = 2 if header[12] else 1  # interlaced pixels are set one by one
            too_large = width * height > MAX_PIXELS  # which has a clearer refusal
            if passes * row * height > MAX_RAW_PNG_BYTES and not too_large:
                raise too_complex()
        position += 12 + length


def _check_gif(data: bytes) -> None:
    """Counts the blocks before the first picture; no other picture is read."""
    flags = data[10] if len(data) > 10 else 0
    position = 13 + (6 << (flags & 7) if flags & 128 else 0)
    in_extension = False
    for _ in range(MAX_STEPS):
        if position >= len(data):
            return
        byte = data[position]
        if in_extension:
            position += 1 + byte
            in_extension = byte > 0
        elif byte in b",;":
            return
        else:
            in_extension = byte == ord("!")
            position += 2 if in_extension else 1
    raise too_complex()


def _check_bmp(data: bytes) -> None:
    width = int.from_bytes(data[18:22], "little")
    height = abs(int.from_bytes(data[22:26], "little", signed=True))
    run_length = int.from_bytes(data[30:34], "little") in (1, 2)
    if run_length and data[14:15] != b"\x0c" and width * height > MAX_RUN_LENGTH_PIXELS:
        raise too_complex()


def _padded(pixels: int) -> int:
    """Up to the largest block of a scan."""
    return -(-pixels // 32) * 32


def _big_endian(data: bytes) -> int:
    return int.from_bytes(data, "big")
