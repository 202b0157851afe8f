"""Reads the central directory of a zip within bounds, because nobody knows who made it.

`zipfile.ZipFile` makes an object of every entry before its caller can count them: of a million
entries it makes 340 MB. Here the end record is read first, and the zip is refused by what that
says. The records are then counted one by one, because the end record may lie, and `zipfile` only
parses a few of them at a time. It never sees the rest of the file.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

from auth_api.errors import BadRequest

_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_END_64 = struct.Struct("<4sQ2H2L4Q")
_END_64_SIGNATURE = b"PK\x06\x06"
_LOCATOR_64 = struct.Struct("<4sLQL")
_LOCATOR_64_SIGNATURE = b"PK\x06\x07"
# Signature, and the lengths of the name, the extra field and the comment that follow.
_RECORD = struct.Struct("<4s24x3H12x")
_RECORD_SIGNATURE = b"PK\x01\x02"
_MAX_COMMENT_BYTES = 0xFFFF

# A Mac adds a file to each image, and a folder of one image adds two entries.
_ENTRIES_PER_IMAGE = 4
_DIRECTORY_BYTES_PER_IMAGE = 1024
_SMALL_DIRECTORY_BYTES = 64 * 1024
# Parsing takes quadratic time. Tools write at most some hundred bytes.
_MAX_EXTRA_BYTES = 1024
_BATCH_SIZE = 500


class Directory(NamedTuple):
    """Where the directory of a zip lies, and how many entries the end record says it has."""

    start: int
    """In bytes from the start of the file. The entries end here."""
    size: int
    """In bytes."""
    entries: int
    shift: int
    """Bytes in front of the zip, such as a program that unpacks it. Offsets do not count them."""


def locate(file: IO[bytes], max_images: int) -> Directory:
    """Finds the directory of a zip that is to hold up to `max_images` images; blocks.

    Raises `BadRequest` if the zip has no directory, or one that is too large.
    """
    found = _end_of(file)
    if found.start < 0 or found.shift < 0:
        raise damaged()
    if found.entries > max_images * _ENTRIES_PER_IMAGE:
        raise _too_many(max_images)
    if found.size > _SMALL_DIRECTORY_BYTES + max_images * _DIRECTORY_BYTES_PER_IMAGE:
        raise _too_long()
    return found


def infos(file: IO[bytes], directory: Directory, max_images: int) -> Iterator[zipfile.ZipInfo]:
    """The entries in the directory, in its order; blocks. Raises `BadRequest`."""
    count = 0
    records = _records(file, directory)
    while batch := list(islice(records, _BATCH_SIZE)):
        count += len(batch)
        if count > max_images * _ENTRIES_PER_IMAGE:
            raise _too_many(max_images)
        yield from _parsed(batch)
    # Some tools count modulo 2^16.
    if (count - directory.entries) % 0x10000:
        raise damaged()


def ends_like_zip(path: Path) -> bool:
    """Whether a file has the end of a zip, whatever it begins with; blocks."""
    with path.open("rb") as file:
        length = file.seek(0, io.SEEK_END)
        file.seek(max(0, length - _END.size - _MAX_COMMENT_BYTES))
        return _END_SIGNATURE in file.read()


def refused(reason: str, code: str) -> BadRequest:
    """The error for a zip. `reason` completes the sentence "The zip is refused: ..."."""
    return BadRequest(f"The zip is refused: {reason}.", code)


def damaged() -> BadRequest:
    """The error for a zip that cannot be read."""
    return BadRequest("The zip is damaged and cannot be read.", "damaged_zip")


def _end_of(file: IO[bytes]) -> Directory:
    length = file.seek(0, io.SEEK_END)
    tail_bytes = min(length, _END.size + _MAX_COMMENT_BYTES + _LOCATOR_64.size + _END_64.size)
    file.seek(length - tail_bytes)
    tail = file.read(tail_bytes)
    place = tail.rfind(_END_SIGNATURE)
    if place < 0 or place + _END.size > len(tail):
        raise damaged()
    _, disk, first_disk, _, entries, size, offset, _ = _END.unpack_from(tail, place)
    end, locator = place, place - _LOCATOR_64.size
    if locator >= 0 and tail.startswith(_LOCATOR_64_SIGNATURE, locator):
        end = locator - _END_64.size
        if end < 0 or not tail.startswith(_END_64_SIGNATURE, end):
            raise damaged()
        disk, first_disk, _, entries, size, offset = _END_64.unpack_from(tail, end)[4:]
    if disk or first_disk:  # the zip continues in another file
        raise damaged()
    start = length - tail_bytes + end - size
    return Directory(start, size, entries, start - offset)


def _records(file: IO[bytes], directory: Directory) -> Iterator[bytes]:
    left = directory.size
    file.seek(directory.start)
    while left:
        head = file.read(min(left, _RECORD.size))
        if len(head) < _RECORD.size:
            raise damaged()
        signature, name, extra, comment = _RECORD.unpack(head)
        size = _RECORD.size + name + extra + comment
        if signature != _RECORD_SIGNATURE or size > left:
            raise damaged()
        if extra > _MAX_EXTRA_BYTES:
            raise _too_long()
        yield head + file.read(size - _RECORD.size)
        left -= size


def _parsed(records: list[bytes]) -> list[zipfile.ZipInfo]:
    content = b"".join(records)
    count = len(records)
    end = _END.pack(_END_SIGNATURE, 0, 0, count, count, len(content), 0, 0)
    try:
        return zipfile.ZipFile(io.BytesIO(content + end)).infolist()
    except Exception as error:  # zipfile raises many kinds
        raise damaged() from error


def _too_long() -> BadRequest:
    return refused("its list of files is too long", "zip_bomb")


def _too_many(max_images: int) -> BadRequest:
    return BadRequest(
        f"There are more than {max_images * _ENTRIES_PER_IMAGE} files in the zip: send up to "
        f"{max_images} images at a time.",
        "too_many_images",
    )
