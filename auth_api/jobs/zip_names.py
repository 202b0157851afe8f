"""Names in a zip, as desktop systems write them. They are shown and never used as paths."""

from __future__ import annotations

import re
import zipfile
from contextlib import suppress
from pathlib import PurePosixPath

UTF8_FLAG = 0x800

# Written by the systems of Macs, Windows and network disks beside the files of their users.
_IGNORED_FOLDERS = frozenset(
    {"__macosx", "$recycle.bin", "system volume information", "@eadir", "#recycle"}
)
# `Icon\r` is the icon of a folder; disks of Windows store the line break as U+F00D.
_IGNORED_FILES = frozenset(
    {"thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "icon\r", "icon\uf00d"}
)
_DRIVE = re.compile(r"[A-Za-z]:/")
_CONTROLS = dict.fromkeys([*range(32), *range(127, 160)])


def raw_name(info: zipfile.ZipInfo) -> bytes:
    """The name as it is in the file."""
    return info.orig_filename.encode("utf-8" if info.flag_bits & UTF8_FLAG else "cp437")


def name_of(info: zipfile.ZipInfo) -> str:
    """The name with slashes between folders. A Mac writes UTF-8 without saying so."""
    name = info.filename
    raw = raw_name(info)
    if not info.flag_bits & UTF8_FLAG and not raw.isascii():
        with suppress(UnicodeDecodeError):
            name = raw.decode().partition("\0")[0]
    return name.replace("\\", "/")


def leads_out(name: str) -> bool:
    """Whether a name would lead out of the zip if it were a path. A colon does not: Macs write one
    for a slash in a name.
    """
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or bool(_DRIVE.match(name))


def is_ignored(name: str) -> bool:
    """Whether it is a folder, hidden, or a file that systems add."""
    parts = PurePosixPath(name.lower()).parts
    hidden = any(part.startswith(".") or part in _IGNORED_FOLDERS for part in parts)
    return name.endswith("/") or hidden or not parts or parts[-1] in _IGNORED_FILES


def printable(name: str) -> str:
    """The name without control characters."""
    return name.translate(_CONTROLS)
