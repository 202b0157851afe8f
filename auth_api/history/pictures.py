"""Stores the pictures of the history as files with random names, none of them public.

An entry has one name, `media`: the hour and 128 random bits. Its pictures are `<media>.<kind>` in
a folder an hour, so that pictures written together share a folder. Pictures are written before
the row is committed, and deleted after its deletion is. A process that dies in between may leave
files without a row, never a row without files. `auth_api.operations.cleanup` deletes such files.
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
from auth_api.errors import UnsupportedMedia

_RANDOM_BYTES = 16
_HOUR_FORMAT = "%Y%m%d%H"
_THREADS = 4
_SIGNATURES = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
}

_BRANDS_END = 32
_HEIC, _AVIF = "image/heic", "image/avif"
_UNKNOWN = "application/octet-stream"

IMAGE = "image"
"""The kind of a recognised picture as it was sent."""

SHOWN = "shown"
"""The kind of a recognised picture that browsers show instead of one in a format of few."""

KINDS = (IMAGE, SHOWN, "user", "reference", "overlay")
"""The recognised picture. Of a comparison: the user's ink, the reference, one over the other."""

MEDIA_TYPES = (*_SIGNATURES.values(), _HEIC, _AVIF, _UNKNOWN)
"""All media types that `media_type` returns."""

Pictures = Mapping[str, bytes]
"""Encoded pictures by kind, one of `KINDS`."""


def new_media() -> str:
    """An unguessable name for the pictures of a new entry."""
    return f"{now():{_HOUR_FORMAT}}-{secrets.token_hex(_RANDOM_BYTES)}"


def media_type(picture: bytes) -> str:
    """The media type of an encoded picture, from its first bytes."""
    if picture[4:8] == b"ftyp":
        # The main brand, and those that it is compatible with.
        return _AVIF if b"avi" in picture[8:_BRANDS_END] else _HEIC
    kinds = (kind for signature, kind in _SIGNATURES.items() if picture.startswith(signature))
    return next(kinds, _UNKNOWN)


def require_picture(content: bytes) -> None:
    """Requires that content which no model reads begins as a picture does.

    Raises `UnsupportedMedia`.
    """
    if media_type(content) == _UNKNOWN:
        raise UnsupportedMedia("The image beside the strokes is no image.", "unreadable_image")


def extension(picture: bytes) -> str:
    """The file name extension of an encoded picture, without the dot."""
    return media_type(picture).rpartition("/")[2]


class PictureStore:
    """Pictures under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def write(self, items: Sequence[tuple[str, Pictures]]) -> None:
        """Writes the pictures of some entries, given as (media, pictures).

        They survive a power failure once this returns. Raises `OSError`, and then keeps the files
        written so far.
        """
        # After each file system call a thread waits for Python's GIL: several wait together.
        parts = [part for start in range(_THREADS) if (part := items[start::_THREADS])]
        for outcome in await asyncio.gather(
            *(asyncio.to_thread(self._write, part) for part in parts), return_exceptions=True
        ):
            if isinstance(outcome, BaseException):
                raise outcome

    async def read(self, media: str, kind: str) -> bytes | None:
        """An encoded picture, or None if there is no such file."""
        try:
            return await asyncio.to_thread(self.path_of(media, kind).read_bytes)
        except FileNotFoundError:
            return None

    async def displayable(self, media: str, kind: str) -> bytes | None:
        """As `read`, but a picture that browsers show instead of a HEIC."""
        picture = await self.read(media, kind)
        if picture is None or media_type(picture) != _HEIC:
            return picture
        return await self.read(media, SHOWN) or picture

    async def digest(self, media: str, kind: str) -> str | None:
        """SHA-256 of a picture, hexadecimal, or None if there is no such file."""
        path = self.path_of(media, kind)
        try:
            return await asyncio.to_thread(lambda: hashlib.sha256(path.read_bytes()).hexdigest())
        except FileNotFoundError:
            return None

    async def delete(self, medias: Sequence[str]) -> None:
        """Deletes all pictures of some entries. Missing files are ignored."""
        await asyncio.to_thread(self._delete, medias)

    def older_than(self, seconds: float) -> Iterator[str]:
        """Yields each `media` whose newest picture is at least `seconds` old. Blocks."""
        for folder in sorted(self._folder.glob("[0-9]*")):
            newest: dict[str, float] = {}
            for entry in os.scandir(folder):
                media = entry.name.partition(".")[0]
                with contextlib.suppress(FileNotFoundError):  # another process deleted it
                    newest[media] = max(newest.get(media, 0), entry.stat().st_mtime)
            yield from (media for media, at in newest.items() if time.time() - at >= seconds)

    def delete_empty_folders(self) -> None:
        """Deletes empty folders of past hours. Blocks."""
        # Nobody writes to older folders any more.
        oldest_in_use = f"{now() - timedelta(hours=2):{_HOUR_FORMAT}}"
        for folder in self._folder.glob("[0-9]*"):
            if folder.name < oldest_in_use:
                with contextlib.suppress(OSError):  # not empty
                    folder.rmdir()

    def path_of(self, media: str, kind: str) -> Path:
        """The file of a picture, whether it exists or not."""
        return self._folder_of(media) / f"{media}.{kind}"

    def _folder_of(self, media: str) -> Path:
        return self._folder / media.partition("-")[0]

    def _write(self, items: Sequence[tuple[str, Pictures]]) -> None:
        folders = {self._folder_of(media) for media, _ in items}
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
