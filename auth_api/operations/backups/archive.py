"""The file of a backup: a tar of plain files, written and read from its beginning to its end.

The last member has the SHA-256 of all others, so that a file that was cut short or changed on its
way is known before anything is done with it. Memory does not grow with the file. The headers are
read here and not by `tarfile`: that would follow links and take names for what they say.
"""

from __future__ import annotations

import errno
import hashlib
import io
import re
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from auth_api.errors import BadRequest

MANIFEST, SECRET, SUMS = "manifest.json", "secret_key", "sums.txt"

_NAME = re.compile(
    r"manifest\.json|secret_key|sums\.txt"
    r"|tables/[a-z_]{1,60}\.jsonl"
    r"|pictures/\d{10}-[0-9a-f]{32}\.[a-z]{1,16}"
    r"|uploads/[0-9a-f]{32}"
    r"|models/[A-Za-z0-9][A-Za-z0-9._+-]{0,91}"
)
_BLOCK = 512
_CHUNK = 256 * 1024


class Damaged(BadRequest):
    """What is said to be a backup is none, or not as it was written."""

    code = "backup_damaged"

    def __init__(self, what: str) -> None:
        super().__init__(f"The backup cannot be used: {what}.")


def is_name(name: str) -> bool:
    """Whether a member may be called so."""
    return _NAME.fullmatch(name) is not None


class Writer:
    """Adds members to a new backup, one after the other."""

    def __init__(self, target: IO[bytes], sums: IO[bytes]) -> None:
        """`sums` is a temporary file, of some 80 bytes a member."""
        self._target = target
        self._sums = sums
        self.members = 0
        """So far."""

    def add(self, name: str, content: IO[bytes], size: int) -> None:
        """Adds the first `size` bytes of `content`. Raises OSError, also where there are fewer."""
        digest = self._write(name, content, size)
        self._sums.write(f"{digest}  {name}\n".encode())
        self.members += 1

    def close(self) -> None:
        """Adds the sums, after which nothing can be added."""
        size = self._sums.tell()
        self._sums.seek(0)
        self._write(SUMS, self._sums, size)
        self._target.write(bytes(2 * _BLOCK))

    def _write(self, name: str, content: IO[bytes], size: int) -> str:
        header = tarfile.TarInfo(name)
        header.size, header.mode, header.mtime = size, 0o600, int(time.time())
        self._target.write(header.tobuf(tarfile.GNU_FORMAT))
        digest = hashlib.sha256()
        rest = size
        while rest:
            chunk = content.read(min(rest, _CHUNK))
            if not chunk:
                raise OSError(errno.EIO, "It became shorter while it was read", name)
            digest.update(chunk)
            self._target.write(chunk)
            rest -= len(chunk)
        self._target.write(bytes(-size % _BLOCK))
        return digest.hexdigest()


@dataclass
class Member:
    """One of the files in a backup, to be read before the next."""

    name: str
    size: int
    content: io.BufferedReader


def members(source: BinaryIO) -> Iterator[Member]:
    """The members of a backup, from its beginning; what is not read of one is passed over.

    Raises Damaged.
    """
    place = 0
    while True:
        source.seek(place)
        block = source.read(_BLOCK)
        if block == bytes(_BLOCK):
            return
        if len(block) < _BLOCK:
            raise Damaged("it is cut short")
        try:
            header = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        except (tarfile.TarError, ValueError) as error:
            raise Damaged("it is no backup, or damaged") from error
        if header.type != tarfile.REGTYPE or not is_name(header.name) or header.size < 0:
            raise Damaged("it has something that no backup has")
        body = _Body(source, header.size)
        yield Member(header.name, header.size, io.BufferedReader(body, _CHUNK))
        place += _BLOCK + header.size + -header.size % _BLOCK


def verify(source: BinaryIO, scratch: Path) -> None:
    """Reads all of a backup. Raises Damaged unless every byte is as it was written.

    `scratch` is a folder for a temporary file, some 80 bytes a member.
    """
    with tempfile.TemporaryFile(dir=scratch) as sums:
        last = ""
        for member in members(source):
            if last == SUMS or (member.name == MANIFEST) != (last == ""):
                raise Damaged("its parts are not in order")
            last = member.name
            if last == SUMS:
                sums.seek(0)
                _require_same(sums, member.content)
            else:
                sums.write(f"{_digest(member.content)}  {last}\n".encode())
        if last != SUMS:
            raise Damaged("it is cut short")


def _require_same(found: IO[bytes], stated: io.BufferedReader) -> None:
    while True:
        one, other = found.read(_CHUNK), stated.read(_CHUNK)
        if one != other:
            raise Damaged("its sums are not those of what is in it")
        if not one:
            return


def _digest(content: io.BufferedReader) -> str:
    digest = hashlib.sha256()
    while chunk := content.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


class _Body(io.RawIOBase):
    """The next `size` bytes of a file, and no more."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source = source
        self._rest = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        chunk = self._source.read(min(len(view), self._rest))
        if not chunk and self._rest and len(view):
            raise Damaged("it is cut short")
        view[: len(chunk)] = chunk
        self._rest -= len(chunk)
        return len(chunk)


@contextmanager
def spooled(source: IO[bytes], folder: Path) -> Iterator[BinaryIO]:
    """What comes from a pipe as a file that can be read again, until the end of the `with`.

    Raises OSError.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        shutil.copyfileobj(source, file, _CHUNK)
        yield file
