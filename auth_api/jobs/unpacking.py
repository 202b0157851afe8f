"""Reads one image from an input file, whether the file is a zip or holds the images as they are.

A zip may lie about its entries, so no more is read and unpacked than the entry says.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from auth_api.errors import BadRequest

_CHUNK_BYTES = 64 * 1024


class Place(NamedTuple):
    """Where an image lies in an input file, in bytes."""

    start: int
    length: int
    """Of the image itself."""
    packed: int | None = None
    """Bytes that it takes in the file if it is deflated there, as in a zip."""
    crc: int | None = None
    """Its CRC-32, which a zip states."""


def unpacked(descriptor: int, place: Place, chunk_bytes: int = _CHUNK_BYTES) -> Iterator[bytes]:
    """The content of an image in chunks of up to `chunk_bytes`, from an open file; blocks.

    Raises `BadRequest` as soon as the image is seen to be damaged or larger than the zip says.
    """
    length, crc = 0, 0
    pieces = _stored if place.packed is None else _inflated
    try:
        for piece in pieces(descriptor, place, chunk_bytes):
            length += len(piece)
            if length > place.length:
                raise BadRequest("The image is larger than the zip says.", "zip_bomb")
            crc = zlib.crc32(piece, crc)
            yield piece
    except zlib.error as error:
        raise _damaged() from error
    if length < place.length or place.crc not in (None, crc):
        raise _damaged()


def _stored(descriptor: int, place: Place, chunk_bytes: int) -> Iterator[bytes]:
    position, end = place.start, place.start + place.length
    while piece := os.pread(descriptor, min(chunk_bytes, end - position), position):
        yield piece
        position += len(piece)


def _inflated(descriptor: int, place: Place, chunk_bytes: int) -> Iterator[bytes]:
    """The length of a chunk is bounded, because a kilobyte can unpack to a megabyte."""
    assert place.packed is not None
    position, end = place.start, place.start + place.packed
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    while not inflating.eof:
        rest = inflating.unconsumed_tail
        if not rest:
            rest = os.pread(descriptor, min(chunk_bytes, end - position), position)
            position += len(rest)
        piece = inflating.decompress(rest, chunk_bytes)
        if piece:
            yield piece
        elif not rest:
            return


def _damaged() -> BadRequest:
    return BadRequest("The image is damaged in the zip and cannot be read.", "damaged_zip")
