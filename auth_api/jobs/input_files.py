"""The images of jobs: one file a job, which is a zip as it was sent, or holds all images one after
the other.

One file is synced, opened and deleted faster than a thousand. It is complete and stored
before its job is queued, and deleted when the job has ended. `auth_api.operations.cleanup` deletes
the files that a crashed process leaves.

With a bucket, an upload under way is a file of the folder, and becomes an object when it is
complete. A job reads a temporary copy of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from anyio import CapacityLimiter

from auth_api.errors import Unavailable
from auth_api.http.spool import OFF_LOOP_BYTES
from auth_api.jobs.unpacking import Place, unpacked
from auth_api.storage.batches import in_batches

if TYPE_CHECKING:
    from auth_api.storage.bucket import Bucket

logger = logging.getLogger(__name__)

_FOLDER = "jobs"
_NAME_BYTES = 16
# A job fails if a bucket does not answer within this time.
_OUTAGE_SECONDS = 600.0
_FIRST_RETRY_SECONDS, _MAX_RETRY_SECONDS = 0.2, 5.0
_ZIPS_AT_ONCE = 2


class InputFiles:
    def __init__(self, folder: Path, bucket: Bucket | None = None) -> None:
        self._folder = folder
        self._bucket = bucket
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
        except OSError as error:  # of the disk; a bucket raises `Unavailable`
            logger.exception("cannot save an upload")
            message = "The upload cannot be saved at the moment. Please try again."
            raise Unavailable(message, "storage_unavailable") from error

    def free_bytes(self) -> int:
        """Free room on the disk of the files; blocks. Raises `OSError`."""
        self._folder.mkdir(0o700, parents=True, exist_ok=True)
        return shutil.disk_usage(self._folder).free

    def path_of(self, name: str) -> Path:
        """The file, if there is no bucket."""
        return self._folder / name

    async def store(self, file: NewInput) -> None:
        """Completes a new file: it survives a power failure, and every process can read it.

        Raises `OSError`, `Unavailable`.
        """
        if self._bucket is None:
            await asyncio.to_thread(file.sync)
            return
        await asyncio.to_thread(file.close)
        await self._bucket.upload(_key(file.path.name), file.path)
        await asyncio.to_thread(file.discard)

    @contextlib.asynccontextmanager
    async def opened(self, name: str) -> AsyncIterator[OpenInput]:
        """Opens a file for reading. With a bucket, waits for it up to ten minutes.

        Raises `FileNotFoundError`, `Unavailable`.
        """
        if self._bucket is None:
            with self.path_of(name).open("rb") as file:
                yield OpenInput(file)
            return
        self._folder.mkdir(0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self._folder) as copy:
            await self._download(self._bucket, name, copy)
            yield OpenInput(copy)

    async def delete(self, names: Sequence[str]) -> None:
        """Deletes files that may or may not exist. Raises `OSError`, `Unavailable`."""

        def work() -> None:
            for name in names:
                self.path_of(name).unlink(missing_ok=True)

        await asyncio.to_thread(work)
        if self._bucket:
            await self._bucket.delete([_key(name) for name in names])

    async def discard(self, names: Sequence[str]) -> None:
        """Deletes files that no job needs. If that fails, the clean-up does it later."""
        try:
            await self.delete(names)
        except (OSError, Unavailable) as error:
            extra = {"uploads": len(names), "reason": str(error)}
            logger.warning("uploads are left to the clean-up", extra=extra)

    async def older_than(self, seconds: float) -> AsyncIterator[list[str]]:
        """Names of the files whose last write is at least `seconds` ago, in batches."""
        async for names in in_batches(self._older_than(seconds)):
            yield names
        if self._bucket:
            async for page in self._bucket.listed(_FOLDER):
                yield [key.rpartition("/")[2] for key, age in page if age >= seconds]

    async def is_empty(self) -> bool:
        """Whether there is no file."""
        if self._bucket and not await self._bucket.is_empty(_FOLDER):
            return False
        return await asyncio.to_thread(lambda: not any(self._folder.glob("*")))

    def adopt(self, folder: Path) -> None:
        """Takes all files of a folder, and leaves none there.

        Blocks. Raises `OSError`, `Unavailable`.
        """
        files = [*folder.glob("*")]
        if self._bucket:
            self._bucket.copy((_key(path.name), path) for path in files)
            for path in files:
                path.unlink()
        elif files:
            self._folder.mkdir(0o700, parents=True, exist_ok=True)
            for path in files:
                path.replace(self.path_of(path.name))

    async def _download(self, bucket: Bucket, name: str, copy: IO[bytes]) -> None:
        delay, deadline = _FIRST_RETRY_SECONDS, time.monotonic() + _OUTAGE_SECONDS
        while True:
            try:
                await bucket.download(_key(name), copy)
                copy.seek(0)  # also makes it complete for readers of its descriptor
                return
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(delay)
            delay = min(2 * delay, _MAX_RETRY_SECONDS)
            await asyncio.to_thread(copy.truncate, 0)
            copy.seek(0)

    def _older_than(self, seconds: float) -> Iterator[str]:
        for path in self._folder.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime >= seconds:
                    yield path.name


class OpenInput:
    """A file that is open for reading."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self._descriptor = file.fileno()

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

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def discard(self) -> None:
        """Closes and deletes the file."""
        self.close()
        self.path.unlink(missing_ok=True)


def _key(name: str) -> str:
    return f"{_FOLDER}/{name}"
