"""The file of a backup: a tar of plain files, written and read as a stream.

The last member holds the SHA-256 of all others, so that a truncated or changed file is noticed
before it is used. Memory does not grow with the file. Headers are parsed here, because `tarfile`
would follow links and trust names.
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
_BLOCK_BYTES = 512
_CHUNK_BYTES = 256 * 1024


class Damaged(BadRequest):
    """The file is not a backup, or it was changed."""

    code = "backup_damaged"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The backup cannot be used: {reason}.")


def is_name(name: str) -> bool:
    """Whether a member may have this name."""
    return _NAME.fullmatch(name) is not None


class Writer:
    """Adds members to a new backup, one after another."""

    def __init__(self, target: IO[bytes], sums: IO[bytes]) -> None:
        """`sums` is a temporary file. It grows by about 80 bytes a member."""
        self._target = target
        self._sums = sums
        self.members = 0

    def add(self, name: str, content: IO[bytes], size: int) -> None:
        """Adds the first `size` bytes of `content`. Raises `OSError`, also if there are fewer."""
        digest = self._write(name, content, size)
        self._sums.write(f"{digest}  {name}\n".encode())
        self.members += 1

    def close(self) -> None:
        """Adds the checksums. Nothing can be added afterwards."""
        size = self._sums.tell()
        self._sums.seek(0)
        self._write(SUMS, self._sums, size)
        self._target.write(bytes(2 * _BLOCK_BYTES))

    def _write(self, name: str, content: IO[bytes], size: int) -> str:
        header = tarfile.TarInfo(name)
        header.size, header.mode, header.mtime = size, 0o600, int(time.time())
        self._target.write(header.tobuf(tarfile.GNU_FORMAT))
        digest = hashlib.sha256()
        remaining = size
        while remaining:
            chunk = content.read(min(remaining, _CHUNK_BYTES))
            if not chunk:
                raise OSError(errno.EIO, "The file became shorter while it was read", name)
            digest.update(chunk)
            self._target.write(chunk)
            remaining -= len(chunk)
        self._target.write(bytes(-size % _BLOCK_BYTES))
        return digest.hexdigest()


@dataclass
class Member:
    """A file in a backup. Its content must be read before the next member."""

    name: str
    size: int
    content: io.BufferedReader


def members(source: BinaryIO) -> Iterator[Member]:
    """The members of a backup, from the beginning. Unread content is skipped. Raises `Damaged`."""
    position = 0
    while True:
        source.seek(position)
        block = source.read(_BLOCK_BYTES)
        if block == bytes(_BLOCK_BYTES):
            return
        if len(block) < _BLOCK_BYTES:
            raise Damaged("it is cut short")
        try:
            header = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        except (tarfile.TarError, ValueError) as error:
            raise Damaged("it is no backup, or damaged") from error
        if header.type != tarfile.REGTYPE or not is_name(header.name) or header.size < 0:
            raise Damaged("it contains something that no backup has")
        body = _Body(source, header.size)
        yield Member(header.name, header.size, io.BufferedReader(body, _CHUNK_BYTES))
        position += _BLOCK_BYTES + header.size + -header.size % _BLOCK_BYTES


def verify(source: BinaryIO, scratch: Path) -> None:
    """Reads the whole backup. Raises `Damaged` if any byte was changed.

    `scratch` is the folder of a temporary file of about 80 bytes a member.
    """
    with tempfile.TemporaryFile(dir=scratch) as sums:
        last = ""
        for member in members(source):
            if last == SUMS or (member.name == MANIFEST) != (last == ""):
                raise Damaged("its parts are not in order")
            last = member.name
            if last == SUMS:
                sums.seek(0)
                _require_equal(sums, member.content)
            else:
                sums.write(f"{_digest(member.content)}  {last}\n".encode())
        if last != SUMS:
            raise Damaged("it is cut short")


def _require_equal(computed: IO[bytes], stated: io.BufferedReader) -> None:
    while True:
        left, right = computed.read(_CHUNK_BYTES), stated.read(_CHUNK_BYTES)
        if left != right:
            raise Damaged("its checksums do not match its content")
        if not left:
            return


def _digest(content: io.BufferedReader) -> str:
    digest = hashlib.sha256()
    while chunk := content.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


class _Body(io.RawIOBase):
    """The next `size` bytes of a file."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source = source
        self._remaining = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        chunk = self._source.read(min(len(view), self._remaining))
        if not chunk and self._remaining and len(view):
            raise Damaged("it is cut short")
        view[: len(chunk)] = chunk
        self._remaining -= len(chunk)
        return len(chunk)


@contextmanager
def spooled(source: IO[bytes], folder: Path) -> Iterator[BinaryIO]:
    """A temporary copy of a pipe, which can be read twice. Raises `OSError`."""
    with tempfile.TemporaryFile(dir=folder) as file:
        shutil.copyfileobj(source, file, _CHUNK_BYTES)
        yield file
