"""Checks an uploaded zip and reads the images in it.

The whole zip is refused if one entry is dangerous or unreadable: a path that leads out of the zip,
a link, an encrypted entry, a zip in the zip, more data than declared or plausible (a zip bomb).
Folders and files that desktop systems add are ignored.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO

from auth_api.errors import BadRequest, TooLarge

_MAX_COMPRESSION_RATIO = 200
# Exempt from the ratio. Photographs hardly compress, but a blank drawing of 1000x1000 pixels in an
# uncompressed format compresses a thousandfold, and is harmless because it is small.
_SMALL_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_ZIP_SIGNATURES = b"PK\x03\x04", b"PK\x05\x06"
_IGNORED = frozenset({".ds_store", "thumbs.db", "desktop.ini"})


class Entry:
    """One file in a zip. Whether it is an image is not checked."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self.name = info.filename
        self._archive = archive
        self._info = info

    def chunks(self) -> Iterator[bytes]:
        """The content in chunks; blocks. Raises `BadRequest`."""
        left = self._info.file_size
        try:
            with self._archive.open(self._info) as content:
                while chunk := content.read(_CHUNK_BYTES):
                    is_first = left == self._info.file_size
                    if is_first and chunk.startswith(_ZIP_SIGNATURES):
                        raise _refused(f"{self.name} is a zip itself", "nested_zip")
                    left -= len(chunk)
                    if left < 0:
                        raise _refused(f"{self.name} is larger than the zip says", "zip_bomb")
                    yield chunk
        except BadRequest:
            raise
        except Exception as error:  # zipfile and its decompressors raise many kinds
            raise _damaged() from error


def entries(file: IO[bytes], max_entries: int, max_bytes: int) -> list[Entry]:
    """The images in a zip, in its order; blocks.

    `max_bytes` limits the sum of their unpacked sizes. Raises `BadRequest`, `TooLarge`.
    """
    try:
        archive = zipfile.ZipFile(file)
        infos = archive.infolist()
    except Exception as error:  # as above
        raise _damaged() from error
    images = [info for info in infos if not _is_ignored(info)]
    if len(images) > max_entries:
        message = f"There are {len(images)} images: send up to {max_entries} at a time."
        raise BadRequest(message, "too_many_images")
    for info in infos:
        _require_harmless(info)
    if sum(info.file_size for info in images) > max_bytes:
        megabytes = max_bytes / (1024 * 1024)
        raise TooLarge(f"The zip unpacks to more than {megabytes:g} MB.", "zip_bomb")
    if not images:
        raise BadRequest("There is no image in the zip.", "image_missing")
    return [Entry(archive, info) for info in images]


def _is_ignored(info: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(info.filename)
    return info.is_dir() or "__MACOSX" in path.parts or path.name.lower() in _IGNORED


def _require_harmless(info: zipfile.ZipInfo) -> None:
    name = info.filename
    path = PurePosixPath(name.replace("\\", "/"))
    has_drive = name[1:2] == ":" and name[0].isalpha()
    if path.is_absolute() or ".." in path.parts or has_drive:
        raise _refused(f"{_shown(name)} leads out of the zip", "unsafe_path")
    if any(ord(letter) < 32 for letter in name):
        raise _refused("a name has control characters", "unsafe_path")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(f"{_shown(name)} is a link or a device", "unsafe_path")
    if info.flag_bits & 0x1:
        raise _refused(f"{_shown(name)} is encrypted", "encrypted_zip")
    if name.lower().endswith(".zip"):
        raise _refused(f"{_shown(name)} is a zip itself", "nested_zip")
    if info.file_size > max(_SMALL_BYTES, _MAX_COMPRESSION_RATIO * info.compress_size):
        times = f"{_MAX_COMPRESSION_RATIO} times its size"
        raise _refused(f"{_shown(name)} unpacks to more than {times}", "zip_bomb")


def _shown(name: str) -> str:
    return name.encode("ascii", "backslashreplace").decode()[:80]


def _refused(reason: str, code: str) -> BadRequest:
    return BadRequest(f"The zip is refused: {reason}.", code)


def _damaged() -> BadRequest:
    return BadRequest("The zip is damaged and cannot be read.", "damaged_zip")
