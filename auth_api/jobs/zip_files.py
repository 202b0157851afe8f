"""Checks an uploaded zip and finds the images in it, without unpacking them.

The whole zip is refused if one entry is dangerous: a path that leads out of the zip, a link, an
encrypted entry, a zip in the zip, data that is another entry's too. It is also refused if its
entries together unpack to more than a job may have, or than is plausible (a zip bomb). A blank
bitmap compresses a thousandfold and is plausible. Folders and files that desktop systems add are
ignored. An image that turns out to be damaged when it is read fails alone: see `unpacking`.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from itertools import pairwise
from typing import IO, NamedTuple

from auth_api.errors import BadRequest, TooLarge
from auth_api.jobs import zip_directory
from auth_api.jobs.unpacking import Place, unpacked
from auth_api.jobs.zip_directory import damaged, refused
from auth_api.jobs.zip_names import is_ignored, leads_out, name_of, printable, raw_name

_MAX_COMPRESSION_RATIO = 200
# Exempt from the ratio, in the whole zip. Photographs hardly compress, but a blank drawing of
# 1000x1000 pixels in an uncompressed format compresses a thousandfold; a few are harmless.
_ALLOWANCE_BYTES = 16 * 1024 * 1024
# Deflate adds a few bytes to data that it cannot compress. More would be work for nothing.
_MAX_GROWTH, _SMALL_GROWTH_BYTES = 2, 1024
_HEAD_BYTES = 512
_ZIP_SIGNATURES = b"PK\x03\x04", b"PK\x05\x06"
# A bitmap: where its pixels start, width, height, bits a pixel.
_BITMAP = struct.Struct("<2s8xI4xii2xH")
_BITMAP_SIGNATURE = b"BM"
_BITMAP_ALLOWANCE = 1024
_METHODS = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED

# The header in front of an entry: signature, flags, method, lengths of name and extra field.
_HEADER = struct.Struct("<4s2x2H16x2H")
_HEADER_SIGNATURE = b"PK\x03\x04"
# Encrypted, patched, strongly encrypted, header masked.
_UNREADABLE_FLAGS = 0x1 | 0x20 | 0x40 | 0x2000


class Entry(NamedTuple):
    """One file in a zip. Whether it is an image is not checked."""

    name: str
    place: Place


def entries(file: IO[bytes], max_images: int, max_bytes: int) -> list[Entry]:
    """The images in a zip, in its order; blocks.

    `max_bytes` limits the sum of the unpacked sizes of all entries. Raises `BadRequest`,
    `TooLarge`.
    """
    directory = zip_directory.locate(file, max_images)
    descriptor = file.fileno()
    images: list[Entry] = []
    spans: list[tuple[int, int]] = []
    packed = length = 0
    for info in zip_directory.infos(file, directory, max_images):
        name = name_of(info)
        _require_harmless(info, name)
        start = directory.shift + info.header_offset
        if not start < directory.start:
            raise damaged()
        data = _data_start(descriptor, info, start)
        spans.append((start, data + info.compress_size))
        packed += info.compress_size
        length += info.file_size
        if not is_ignored(name):
            images.append(Entry(printable(name), _place(info, data)))
    _require_apart(spans, directory.start)
    if length > max_bytes:
        megabytes = max_bytes / (1024 * 1024)
        raise TooLarge(f"The zip unpacks to more than {megabytes:g} MB.", "zip_bomb")
    if len(images) > max_images:
        message = f"There are {len(images)} images: send up to {max_images} at a time."
        raise BadRequest(message, "too_many_images")
    for image in images:
        head = next(unpacked(descriptor, image.place, _HEAD_BYTES), b"")
        if head.startswith(_ZIP_SIGNATURES):
            raise refused(f"{_shown(image.name)} is a zip itself", "nested_zip")
        if _is_bitmap(head, image.place.length):
            length -= image.place.length
    if length > _ALLOWANCE_BYTES + _MAX_COMPRESSION_RATIO * packed:
        reason = f"it unpacks to more than {_MAX_COMPRESSION_RATIO} times its size"
        raise refused(reason, "zip_bomb")
    if not images:
        raise BadRequest("There is no image in the zip.", "image_missing")
    return images


def _is_bitmap(head: bytes, length: int) -> bool:
    """Whether a file of `length` bytes is an uncompressed bitmap whose pixels need them."""
    if len(head) < _BITMAP.size:
        return False
    signature, start, width, height, bits = _BITMAP.unpack_from(head)
    row_bytes = (width * bits + 31) // 32 * 4
    explained = start + row_bytes * abs(height) + _BITMAP_ALLOWANCE
    return bool(signature == _BITMAP_SIGNATURE and width > 0 and length <= explained)


def _require_harmless(info: zipfile.ZipInfo, name: str) -> None:
    if leads_out(name):
        raise refused(f"{_shown(name)} leads out of the zip", "unsafe_path")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refused(f"{_shown(name)} is a link or a device", "unsafe_path")
    if info.flag_bits & _UNREADABLE_FLAGS:
        raise refused(f"{_shown(name)} is encrypted", "encrypted_zip")
    if name.lower().endswith(".zip") and not is_ignored(name):
        raise refused(f"{_shown(name)} is a zip itself", "nested_zip")
    if info.compress_type not in _METHODS:
        reason = f"{_shown(name)} is packed by another method than Deflate"
        raise refused(reason, "unsupported_zip")


def _data_start(descriptor: int, info: zipfile.ZipInfo, start: int) -> int:
    """The offset of an entry's data, behind its header. The header must say what the directory
    says.
    """
    name = raw_name(info)
    head = os.pread(descriptor, _HEADER.size + len(name), start)
    if len(head) < _HEADER.size + len(name):
        raise damaged()
    signature, flags, method, name_bytes, extra_bytes = _HEADER.unpack_from(head)
    if flags & _UNREADABLE_FLAGS:
        raise refused(f"{_shown(info.filename)} is encrypted", "encrypted_zip")
    stated = signature, method, head[_HEADER.size :], name_bytes
    if stated != (_HEADER_SIGNATURE, info.compress_type, name, len(name)):
        raise damaged()
    return start + len(head) + int(extra_bytes)


def _place(info: zipfile.ZipInfo, data: int) -> Place:
    """Raises `BadRequest` if the two sizes of an entry cannot both be true."""
    packed, length = info.compress_size, info.file_size
    is_stored = info.compress_type == zipfile.ZIP_STORED
    most = length if is_stored else _MAX_GROWTH * length + _SMALL_GROWTH_BYTES
    if packed > most or (is_stored and packed < length):
        raise damaged()
    return Place(data, length, None if is_stored else packed, info.CRC)


def _require_apart(spans: list[tuple[int, int]], end: int) -> None:
    """Raises `BadRequest` if entries share bytes with each other or with what follows `end`.

    With shared bytes, a small zip can unpack to any size.
    """
    spans.sort()
    spans.append((end, end))
    if any(before[1] > after[0] for before, after in pairwise(spans)):
        raise refused("its files overlap", "zip_bomb")


def _shown(name: str) -> str:
    return printable(name).encode("ascii", "backslashreplace").decode()[:80]
