"""JPEGs of many scans or segments, put together by hand because no writer makes them.

All are grey and blank. A scan of a progressive JPEG visits every block of 8x8 pixels, and a run of
the ends of 32,767 blocks takes 29 bits: work of seconds takes few bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from tests.support.bad_images import jpeg_segment

_START, _END = b"\xff\xd8", b"\xff\xd9"
_PROGRESSIVE, _PROGRESSIVE_ARITHMETIC = 0xC2, 0xCA
_TABLE, _SCAN, _QUANTISATION, _COMMENT = 0xC4, 0xDA, 0xDB, 0xFE
# The run of 2^14 to 2^15 - 1 ends of blocks, and the bits that complete its length.
_LONGEST_RUN, _EXTRA_BITS = 0xE0, 14
_MAX_RUN = 2**15 - 1


def many_scans(scans: int, side: int) -> bytes:
    """A progressive JPEG: one scan of the mean values, then `scans` that refine all others."""
    blocks = (side // 8) ** 2
    refinement = _scan(1, 63, 1, 0) + _ends_of_blocks(blocks)
    return b"".join([*_opening(_PROGRESSIVE, side), *_means(blocks), refinement * scans, _END])


def many_bands(scans: int, side: int) -> bytes:
    """The same with first scans of single frequencies, each of which may come again."""
    blocks = (side // 8) ** 2
    ends = _ends_of_blocks(blocks)
    bands = (_scan(1 + number % 63, 1 + number % 63, 0, 0) + ends for number in range(scans))
    return b"".join([*_opening(_PROGRESSIVE, side), *_means(blocks), *bands, _END])


def arithmetic_scans(scans: int, side: int) -> bytes:
    """Scans without content: an arithmetic decoder reads zeros beyond the end of its data."""
    refinement = _scan(1, 63, 1, 0) + b"\0"
    opening = _opening(_PROGRESSIVE_ARITHMETIC, side)
    return b"".join([*opening, _scan(0, 0, 0, 1), b"\0", refinement * scans, _END])


def many_segments(count: int, picture: bytes) -> bytes:
    """`picture`, a JPEG, after `count` empty comments."""
    return _START + jpeg_segment(_COMMENT, b"") * count + picture[len(_START) :]


def filled(count: int, picture: bytes) -> bytes:
    """`picture`, a JPEG, after `count` fill bytes, which may stand before any marker."""
    return _START + b"\xff" * count + picture[len(_START) :]


def _opening(kind: int, side: int) -> Iterable[bytes]:
    yield _START
    yield jpeg_segment(_QUANTISATION, b"\0" + b"\1" * 64)
    yield jpeg_segment(kind, struct.pack(">BHHBBBB", 8, side, side, 1, 1, 0x11, 0))
    yield jpeg_segment(_TABLE, b"\0" + _codes(0))  # a mean value that does not differ: the bit 0
    yield jpeg_segment(_TABLE, b"\x10" + _codes(0, _LONGEST_RUN))


def _codes(*symbols: int) -> bytes:
    """A Huffman table that gives the symbols the codes 0, 10, 110 and so on."""
    lengths = [1] * len(symbols) + [0] * (16 - len(symbols))
    return bytes([*lengths, *symbols])


def _means(blocks: int) -> Iterable[bytes]:
    yield _scan(0, 0, 0, 0)
    yield bytes(blocks // 8 + 1)


def _ends_of_blocks(blocks: int) -> bytes:
    bits = ""
    while blocks > 0:
        run = min(blocks, _MAX_RUN)
        if run < 2**_EXTRA_BITS:
            bits, blocks = bits + "0", blocks - 1
        else:
            bits += f"10{run - 2**_EXTRA_BITS:0{_EXTRA_BITS}b}"
            blocks -= run
    bits += "1" * (-len(bits) % 8)
    data = bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits), 8))
    return data.replace(b"\xff", b"\xff\0")


def _scan(first: int, last: int, before: int, after: int) -> bytes:
    """The head of a scan of frequencies `first` to `last`, from bit `before` to bit `after`."""
    return jpeg_segment(_SCAN, bytes([1, 1, 0, first, last, before << 4 | after]))
