"""The pictures of the history: their names, and what any store of them does.

An entry has one name, `media`: the hour and 128 random bits. Its pictures are `<media>.<kind>` in
a folder an hour, so that pictures written together share a folder. Nobody can guess a name, and no
picture is public. Pictures are written before the row is committed, and deleted after its deletion
is. A process that dies in between may leave pictures without a row, never a row without pictures.
`auth_api.operations.cleanup` deletes such pictures.

`picture_folder` and `picture_bucket` are the two stores.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from auth_api.database.columns import now
from auth_api.errors import Unavailable, UnsupportedMedia

logger = logging.getLogger(__name__)

HOUR_FORMAT = "%Y%m%d%H"
"""Of the folders."""

_RANDOM_BYTES = 16
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

PREDICTION_KINDS = (IMAGE, SHOWN)
COMPARISON_KINDS = ("user", "reference", "overlay")
"""Of a comparison: the user's ink, the reference, one over the other."""

KINDS = (*PREDICTION_KINDS, *COMPARISON_KINDS)
"""All kinds of pictures."""

MEDIA_TYPES = (*_SIGNATURES.values(), _HEIC, _AVIF, _UNKNOWN)
"""All media types that `media_type` returns."""

Pictures = Mapping[str, bytes]
"""Encoded pictures by kind, one of `KINDS`."""


def new_media() -> str:
    """An unguessable name for the pictures of a new entry."""
    return f"{now():{HOUR_FORMAT}}-{secrets.token_hex(_RANDOM_BYTES)}"


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


def name_of(media: str, kind: str) -> str:
    """The name of a picture in its store: `2026112201/2026112201-3f...image`."""
    return f"{media.partition('-')[0]}/{media}.{kind}"


class PictureStore(ABC):
    """Keeps pictures. Methods raise `Unavailable` if the store fails."""

    @abstractmethod
    def write(self, media: str, pictures: Pictures, *, early: bool = False) -> asyncio.Future[None]:
        """Starts to write the pictures of an entry.

        Once the future is done they survive a power failure. If it raises, none of them is kept,
        at the latest after the next clean-up. `early`: there is time to write them together with
        others.
        """

    @abstractmethod
    async def finish(self) -> None:
        """Waits until everything is written."""

    @abstractmethod
    async def read_all(self, names: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """Encoded pictures, given as (media, kind). None for one that does not exist."""

    @abstractmethod
    async def delete(self, medias: Sequence[str]) -> None:
        """Deletes all pictures of some entries. Missing ones are ignored."""

    @abstractmethod
    def older_than(self, seconds: float, *, whole: bool = True) -> AsyncIterator[Sequence[str]]:
        """Yields each `media` whose newest picture is at least `seconds` old, in batches.

        Without `whole`, a store whose names cost money gives those of recent entries, those that
        could not be deleted, and some of the others, so that hourly calls give all in a week.
        """

    @abstractmethod
    async def tidy(self) -> None:
        """Removes what is left of deleted pictures, such as empty folders."""

    @abstractmethod
    async def is_empty(self) -> bool:
        """Whether there is no picture."""

    @abstractmethod
    def adopt(self, folder: Path) -> None:
        """Takes all pictures of a folder, which has the same layout, and leaves no file there.

        Blocks. Raises `OSError`, `Unavailable`.
        """

    async def read(self, media: str, kind: str) -> bytes | None:
        """An encoded picture, or None if it does not exist."""
        return (await self.read_all([(media, kind)]))[0]

    async def displayable(self, media: str, kind: str) -> bytes | None:
        """As `read`, but a picture that browsers show instead of a HEIC."""
        picture = await self.read(media, kind)
        if picture is None or media_type(picture) != _HEIC:
            return picture
        return await self.read(media, SHOWN) or picture

    async def digest(self, media: str, kind: str) -> str | None:
        """SHA-256 of a picture, hexadecimal, or None if it does not exist."""
        picture = await self.read(media, kind)
        if picture is None:
            return None
        return await asyncio.to_thread(lambda: hashlib.sha256(picture).hexdigest())

    async def discard(self, medias: Sequence[str]) -> bool:
        """Deletes pictures that have no row any more. If that fails, the clean-up does it later.

        Returns whether they are deleted.
        """
        try:
            await self.delete(medias)
        except Unavailable:
            logger.warning("pictures are left to the clean-up", extra={"entries": len(medias)})
            return False
        return True
