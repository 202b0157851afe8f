"""Where the pictures of the history are kept: files of random names, none of them public.

A row of the history has one name, `media`: the hour and 128 random bits. Its pictures are
`<media>.<kind>`, in a folder an hour, so that those that are written together share one. They
are on the disk before the row is committed, and deleted after its deletion is: what a process
that dies in between leaves behind is a file without a row, never a row without its files.
`auth_api.operations.cleanup` finds such files.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from auth_api.database.columns import now

_NAME_BYTES = 16
_HOUR = "%Y%m%d%H"
_WRITERS = 4
_MAGIC = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
}

KINDS = ("image", "user", "reference", "overlay")
"""Of pictures: what was recognised; what was compared, with what, and the two together."""

MEDIA_TYPES = (*_MAGIC.values(), "application/octet-stream")
"""All that `media_type` answers."""

Pictures = Mapping[str, bytes]
"""From a kind, one of the four above, to an encoded picture."""


def new_media() -> str:
    """A name that nobody guesses."""
    return f"{now():{_HOUR}}-{secrets.token_hex(_NAME_BYTES)}"


def media_type(picture: bytes) -> str:
    """What a picture is sent as, by its first bytes; of the kinds that handlers read."""
    for magic, kind in _MAGIC.items():
        if picture.startswith(magic):
            return kind
    return "application/octet-stream"


class PictureStore:
    """The pictures under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def write(self, items: Sequence[tuple[str, Pictures]]) -> None:
        """Writes the pictures of some rows; on return they would survive a power failure.

        Raises OSError; what is written by then stays.
        """
        # Each call into the file system is a wait for Python's lock: some threads wait together.
        parts = [part for start in range(_WRITERS) if (part := items[start::_WRITERS])]
        for outcome in await asyncio.gather(
            *(asyncio.to_thread(self._write, part) for part in parts), return_exceptions=True
        ):
            if isinstance(outcome, BaseException):
                raise outcome

    async def read(self, media: str, kind: str) -> bytes | None:
        """A picture, None if there is none."""
        try:
            return await asyncio.to_thread(self.path_of(media, kind).read_bytes)
        except FileNotFoundError:
            return None

    async def digest(self, media: str, kind: str) -> str | None:
        """SHA-256 of a picture in hexadecimal, None if there is none."""

        def work() -> str:
            return hashlib.sha256(self.path_of(media, kind).read_bytes()).hexdigest()

        try:
            return await asyncio.to_thread(work)
        except FileNotFoundError:
            return None

    async def delete(self, medias: Sequence[str]) -> None:
        """Deletes all pictures of some rows, as far as they are there."""
        await asyncio.to_thread(self._delete, medias)

    def older_than(self, seconds: float) -> Iterator[str]:
        """The names of the rows whose pictures all were written so long ago; blocks."""
        newest: dict[str, float] = {}
        for folder in sorted(self._folder.glob("[0-9]*")):
            newest.clear()
            for entry in os.scandir(folder):
                media = entry.name.partition(".")[0]
                with contextlib.suppress(FileNotFoundError):  # somebody else cleans up too
                    newest[media] = max(newest.get(media, 0), entry.stat().st_mtime)
            yield from (media for media, at in newest.items() if time.time() - at >= seconds)

    def delete_empty_folders(self) -> None:
        """Deletes the folders of past hours that have no pictures any more; blocks."""
        current = f"{now() - timedelta(hours=2):{_HOUR}}"  # nobody writes to those before it
        for folder in self._folder.glob("[0-9]*"):
            if folder.name < current:
                with contextlib.suppress(OSError):  # has pictures
                    folder.rmdir()

    def path_of(self, media: str, kind: str) -> Path:
        """Where a picture is, or would be."""
        return self._folder_of(media) / f"{media}.{kind}"

    def _folder_of(self, media: str) -> Path:
        return self._folder / media.partition("-")[0]

    def _write(self, items: Sequence[tuple[str, Pictures]]) -> None:
        folders = {self._folder_of(media) for media, _ in items}
        for folder in folders:
            if not folder.exists():
                folder.mkdir(0o700, parents=True, exist_ok=True)
                _sync(str(self._folder))
        written: list[int] = []
        try:
            # All are on their way to the disk before the first is waited for: the file system
            # then writes its journal once for several.
            for media, pictures in items:
                path = f"{self._folder_of(media)}/{media}."
                for kind, picture in pictures.items():
                    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
                    written.append(os.open(path + kind, flags, 0o600))
                    _start_writing(written[-1], picture)
            for descriptor in written:
                os.fsync(descriptor)
        finally:
            for descriptor in written:
                os.close(descriptor)
        for folder in folders:
            _sync(str(folder))

    def _delete(self, medias: Iterable[str]) -> None:
        for media in medias:
            for kind in KINDS:
                self.path_of(media, kind).unlink(missing_ok=True)


def _start_writing(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    if hasattr(os, "posix_fadvise"):  # not on macOS
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _sync(folder: str) -> None:
    """Makes the names of new files in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
