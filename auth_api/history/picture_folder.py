"""Pictures as files of a folder."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from auth_api.database.columns import now
from auth_api.database.micro_batching import MicroBatcher
from auth_api.errors import Unavailable
from auth_api.history.pictures import HOUR_FORMAT, KINDS, Pictures, PictureStore, name_of
from auth_api.storage.batches import in_batches

logger = logging.getLogger(__name__)

_THREADS = 4
# A sync costs as much for one picture as for ten.
_LINGER_SECONDS = 0.003
_EARLY_LINGER_SECONDS = 0.012

_Item = tuple[str, Pictures]


class PictureFolder(PictureStore):
    """Pictures under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # During inference there is time to wait for other pictures to write in the same batch.
        self._early = MicroBatcher(self._write_batch, linger=_EARLY_LINGER_SECONDS)
        self._soon = MicroBatcher(self._write_batch, linger=_LINGER_SECONDS)

    def write(self, media: str, pictures: Pictures, *, early: bool = False) -> asyncio.Future[None]:
        return (self._early if early else self._soon).submit((media, pictures))

    async def finish(self) -> None:
        await self._early.finish()
        await self._soon.finish()

    async def write_all(self, items: Sequence[_Item]) -> None:
        """Writes the pictures of some entries, given as (media, pictures).

        Raises `OSError`, and then keeps the files written so far.
        """
        # After each file system call a thread waits for Python's GIL: several wait together.
        parts = [part for start in range(_THREADS) if (part := items[start::_THREADS])]
        for outcome in await asyncio.gather(
            *(asyncio.to_thread(self._write, part) for part in parts), return_exceptions=True
        ):
            if isinstance(outcome, BaseException):
                raise outcome

    async def read_all(self, names: Sequence[tuple[str, str]]) -> list[bytes | None]:
        return await asyncio.to_thread(lambda: [self._read(*name) for name in names])

    async def delete(self, medias: Sequence[str]) -> None:
        try:
            await asyncio.to_thread(self._delete, medias)
        except OSError as error:
            raise _unavailable("deleted") from error

    def older_than(self, seconds: float, *, whole: bool = True) -> AsyncIterator[Sequence[str]]:
        return in_batches(self._older_than(seconds))

    async def tidy(self) -> None:
        """Deletes empty folders of past hours."""
        # Nobody writes to older folders any more.
        oldest_in_use = f"{now() - timedelta(hours=2):{HOUR_FORMAT}}"

        def work() -> None:
            for folder in self._folder.glob("[0-9]*"):
                if folder.name < oldest_in_use:
                    with contextlib.suppress(OSError):  # not empty
                        folder.rmdir()

        await asyncio.to_thread(work)

    async def is_empty(self) -> bool:
        folders = self._folder.glob("[0-9]*")
        return await asyncio.to_thread(lambda: not any(any(each.iterdir()) for each in folders))

    def adopt(self, folder: Path) -> None:
        for path in folder.glob("[0-9]*/*"):
            target = self._folder / path.relative_to(folder)
            target.parent.mkdir(0o700, parents=True, exist_ok=True)
            path.replace(target)

    def path_of(self, media: str, kind: str) -> Path:
        """The file of a picture, whether it exists or not."""
        return self._folder / name_of(media, kind)

    async def _write_batch(self, items: Sequence[_Item]) -> Sequence[Exception | None]:
        try:
            await self.write_all(items)
        except OSError as error:
            # None of them gets a row, and a full disk needs their space.
            with contextlib.suppress(Unavailable):
                await self.delete([media for media, _ in items])
            raise _unavailable("kept") from error
        return [None] * len(items)

    def _read(self, media: str, kind: str) -> bytes | None:
        try:
            return self.path_of(media, kind).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unavailable("read") from error

    def _older_than(self, seconds: float) -> Iterator[str]:
        for folder in sorted(self._folder.glob("[0-9]*")):
            newest: dict[str, float] = {}
            for entry in os.scandir(folder):
                media = entry.name.partition(".")[0]
                with contextlib.suppress(FileNotFoundError):  # another process deleted it
                    newest[media] = max(newest.get(media, 0), entry.stat().st_mtime)
            yield from (media for media, at in newest.items() if time.time() - at >= seconds)

    def _write(self, items: Sequence[_Item]) -> None:
        folders = {self.path_of(media, "").parent for media, _ in items}
        for folder in folders:
            if not folder.exists():
                folder.mkdir(0o700, parents=True, exist_ok=True)
                _sync(str(self._folder))
        descriptors: list[int] = []
        try:
            # All writes start before the first fsync, so that the file system writes its journal
            # once for several files.
            for media, pictures in items:
                for kind, picture in pictures.items():
                    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
                    descriptors.append(os.open(self.path_of(media, kind), flags, 0o600))
                    _start_writing(descriptors[-1], picture)
            for descriptor in descriptors:
                os.fsync(descriptor)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        for folder in folders:
            _sync(str(folder))

    def _delete(self, medias: Iterable[str]) -> None:
        for media in medias:
            for kind in KINDS:
                self.path_of(media, kind).unlink(missing_ok=True)


def _unavailable(done: str) -> Unavailable:
    """The error for an `OSError` that is being handled, which it logs."""
    logger.exception("pictures cannot be %s", done)
    return Unavailable(
        f"The picture cannot be {done} at the moment. Please try again.", "storage_unavailable"
    )


def _start_writing(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    if hasattr(os, "posix_fadvise"):  # not on macOS
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _sync(folder: str) -> None:
    """Makes the names of new files in a folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
