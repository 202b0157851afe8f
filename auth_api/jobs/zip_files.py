"""What is taken out of a zip that somebody sent, and what is refused.

A zip is refused as a whole where something in it is meant to do harm or cannot be read: names
that lead out of the folder, links, encrypted entries, zips in the zip, more data than was
promised or than anybody photographs (zip bombs). Folders and what desktop systems add of their own
accord are passed over.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO

from auth_api.errors import BadRequest, TooLarge

MOST_TIMES = 200
"""So many times its packed size may an entry have. Photographs hardly pack at all; a blank drawing
of 1000x1000 in an uncompressed format packs a thousandfold, but as a whole it is small."""

_SMALL = 8 * 1024 * 1024
_CHUNK = 64 * 1024
_ZIP = b"PK\x03\x04", b"PK\x05\x06"
_PASSED_OVER = frozenset({".ds_store", "thumbs.db", "desktop.ini"})


class Entry:
    """One image to be."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self.name = info.filename
        self._archive = archive
        self._info = info

    def chunks(self) -> Iterator[bytes]:
        """Its content, a little at a time; blocks. Raises BadRequest."""
        left = self._info.file_size
        try:
            with self._archive.open(self._info) as content:
                first = True
                while chunk := content.read(_CHUNK):
                    if first and chunk.startswith(_ZIP):
                        raise _refused(f"{self.name} is a zip itself", "nested_zip")
                    first = False
                    left -= len(chunk)
                    if left < 0:
                        raise _refused(f"{self.name} is larger than it says", "zip_bomb")
                    yield chunk
        except BadRequest:
            raise
        except Exception as error:  # zipfile and its decompressors raise many kinds
            raise _damaged() from error


def entries(file: IO[bytes], most: int, most_bytes: int) -> list[Entry]:
    """The images in a zip, in its order; blocks. `most` may be in it, of `most_bytes` in all.

    Raises BadRequest or TooLarge.
    """
    try:
        archive = zipfile.ZipFile(file)
        infos = archive.infolist()
    except Exception as error:  # as above
        raise _damaged() from error
    images = [info for info in infos if not _is_passed_over(info)]
    if len(images) > most:
        raise BadRequest(
            f"There are {len(images)} images: send up to {most} at a time.", "too_many_images"
        )
    for info in infos:
        _require_harmless(info)
    if sum(info.file_size for info in images) > most_bytes:
        megabytes = most_bytes / (1024 * 1024)
        raise TooLarge(f"The zip unpacks to more than {megabytes:g} MB.", "zip_bomb")
    if not images:
        raise BadRequest("There is no image in the zip.", "image_missing")
    return [Entry(archive, info) for info in images]


def _is_passed_over(info: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(info.filename)
    return info.is_dir() or "__MACOSX" in path.parts or path.name.lower() in _PASSED_OVER


def _require_harmless(info: zipfile.ZipInfo) -> None:
    name = info.filename
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or _has_drive(name):
        raise _refused(f"{_shown(name)} leads out of the zip", "unsafe_path")
    if any(ord(letter) < 32 for letter in name):
        raise _refused("a name has control characters", "unsafe_path")
    mode = info.external_attr >> 16
    if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
        raise _refused(f"{_shown(name)} is a link or a device", "unsafe_path")
    if info.flag_bits & 0x1:
        raise _encrypted(_shown(name))
    if name.lower().endswith(".zip"):
        raise _refused(f"{_shown(name)} is a zip itself", "nested_zip")
    if info.file_size > max(_SMALL, MOST_TIMES * info.compress_size):
        raise _refused(f"{_shown(name)} unpacks to more than {MOST_TIMES} times", "zip_bomb")


def _has_drive(name: str) -> bool:
    return len(name) > 1 and name[1] == ":" and name[0].isalpha()


def _shown(name: str) -> str:
    return name.encode("ascii", "backslashreplace").decode()[:80]


def _refused(reason: str, code: str) -> BadRequest:
    return BadRequest(f"The zip is refused: {reason}.", code)


def _encrypted(name: str) -> BadRequest:
    return _refused(f"{name} is encrypted", "encrypted_zip")


def _damaged() -> BadRequest:
    return BadRequest("The zip is damaged and cannot be read.", "damaged_zip")
