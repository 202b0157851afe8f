"""The images of jobs: one file a job, which is a zip as it was sent, or holds all images one after
the other.

One file is synced, opened and deleted faster than a thousand. It is complete and on the disk
before its job is queued, and deleted when the job has ended. `auth_api.operations.cleanup` deletes
the files that a crashed process leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from anyio import CapacityLimiter

from auth_api.errors import Unavailable
from auth_api.http.spool import OFF_LOOP_BYTES
from auth_api.jobs.unpacking import Place, unpacked

logger = logging.getLogger(__name__)

_NAME_BYTES = 16
_ZIPS_AT_ONCE = 2


class InputFiles:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.zip_checks = CapacityLimiter(_ZIPS_AT_ONCE)
        """Limits the threads that check zips, which takes memory and processor time."""

    def new(self) -> NewInput:
        """Creates an empty file with a name that nobody can guess; blocks. Raises `OSError`."""
        self._folder.mkdir(0o700, parents=True, exist_ok=True)
        return NewInput(self._folder / secrets.token_hex(_NAME_BYTES))

    @contextlib.asynccontextmanager
    async def receiving(self) -> AsyncIterator[NewInput]:
        """Creates a file for an upload, and deletes it if the block raises. Turns `OSError` into
        `Unavailable`.
        """
        try:
            file = await asyncio.to_thread(self.new)
            try:
                yield file
            except BaseException:
                file.discard()
                raise
        except OSError as error:
            logger.exception("cannot save an upload")
            message = "The upload cannot be saved at the moment. Please try again."
            raise Unavailable(message, "storage_unavailable") from error

    def free_bytes(self) -> int:
        """Free room on the disk of the files; blocks. Raises `OSError`."""
        self._folder.mkdir(0o700, parents=True, exist_ok=True)
        return shutil.disk_usage(self._folder).free

    def path_of(self, name: str) -> Path:
        return self._folder / name

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[OpenInput]:
        """Opens a file for reading. Raises `FileNotFoundError`."""
        with (self._folder / name).open("rb", buffering=0) as file:
            yield OpenInput(file.fileno())

    async def delete(self, names: Sequence[str]) -> None:
        """Deletes files that may or may not exist."""

        def work() -> None:
            for name in names:
                self.path_of(name).unlink(missing_ok=True)

        await asyncio.to_thread(work)

    def older_than(self, seconds: float) -> Iterator[str]:
        """Names of the files whose last write is at least `seconds` ago; blocks."""
        for path in self._folder.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime >= seconds:
                    yield path.name


class OpenInput:
    """A file that is open for reading."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def read(self, place: Place) -> bytes:
        """Reads an image. Raises `BadRequest` if it is damaged in a zip."""
        if place.crc is not None:
            return await asyncio.to_thread(lambda: b"".join(unpacked(self._descriptor, place)))
        if place.length <= OFF_LOOP_BYTES:  # mostly in the page cache
            return os.pread(self._descriptor, place.length, place.start)
        return await asyncio.to_thread(os.pread, self._descriptor, place.length, place.start)


class NewInput:
    """A file that images are appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.length = 0
        """Bytes so far."""
        self._file = path.open("xb", buffering=0)
        path.chmod(0o600)

    def write(self, content: bytes) -> None:
        """Appends `content`; blocks."""
        rest = memoryview(content)
        while rest:
            rest = rest[self._file.write(rest) :]
        self.length += len(content)

    def truncate(self, length: int) -> None:
        """Removes everything after the first `length` bytes."""
        self._file.truncate(length)
        self._file.seek(length)
        self.length = length

    def sync(self) -> None:
        """Closes the file, with its content and its folder entry on the disk; blocks."""
        os.fsync(self._file.fileno())
        self._file.close()
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        """Closes and deletes the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)
