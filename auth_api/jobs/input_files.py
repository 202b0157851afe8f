"""The images of jobs: one file a job, all of its images one after the other.

A thousand files would each have to be made durable, opened and deleted. A file is complete and
on the disk before its job is queued, and deleted when the job has ended; what a process that
dies in between leaves behind, `auth_api.operations.cleanup` finds.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_NAME_BYTES = 16
# Larger ones are read in a thread; smaller ones are in memory already, or nearly so.
_READ_AT_ONCE = 256 * 1024


class InputFiles:
    """The files under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new(self) -> NewInput:
        """A file of a name that nobody guesses, to be filled; blocks. Raises OSError."""
        self._folder.mkdir(0o700, parents=True, exist_ok=True)
        return NewInput(self._folder / secrets.token_hex(_NAME_BYTES))

    def path_of(self, name: str) -> Path:
        """Where a file is."""
        return self._folder / name

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[OpenInput]:
        """A file, to be read. Raises FileNotFoundError."""
        descriptor = os.open(self._folder / name, os.O_RDONLY)
        try:
            yield OpenInput(descriptor)
        finally:
            os.close(descriptor)

    async def delete(self, names: Sequence[str]) -> None:
        """Deletes files, as far as they are there."""

        def work() -> None:
            for name in names:
                (self._folder / name).unlink(missing_ok=True)

        await asyncio.to_thread(work)

    def older_than(self, seconds: float) -> Iterator[str]:
        """The names of the files that were last written to so long ago; blocks."""
        if not self._folder.exists():
            return
        for entry in os.scandir(self._folder):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - entry.stat().st_mtime >= seconds:
                    yield entry.name


class OpenInput:
    """A file that images are read from, while it is open."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def read(self, start: int, length: int) -> bytes:
        """`length` bytes from `start` on."""
        if length <= _READ_AT_ONCE:
            return os.pread(self._descriptor, length, start)
        return await asyncio.to_thread(os.pread, self._descriptor, length, start)


class NewInput:
    """A file that images are added to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.length = 0
        """Bytes so far."""
        self._file = path.open("xb", buffering=0)
        path.chmod(0o600)

    def write(self, content: bytes) -> None:
        """Adds to the end; blocks."""
        rest = memoryview(content)
        while rest:
            rest = rest[self._file.write(rest) :]
        self.length += len(content)

    def back_to(self, length: int) -> None:
        """Takes what was added since `length` away again."""
        self._file.truncate(length)
        self._file.seek(length)
        self.length = length

    def sync(self) -> None:
        """Closes it with all of it on the disk, its name included; blocks."""
        os.fsync(self._file.fileno())
        self._file.close()
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        """Closes and deletes it."""
        self._file.close()
        self.path.unlink(missing_ok=True)
