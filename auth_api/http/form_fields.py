"""Receives the images and the text fields of a multipart form."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from auth_api.errors import ApiError
from auth_api.http.body_memory import BodyMemory, memory_of
from auth_api.http.multipart import FormReader
from auth_api.http.spool import Spool

# A large image, and a copy that is sent to the model server.
_COPIES = 2


@dataclass
class Field:
    """An image. `start` and `length` locate it in the spool of its form, in bytes."""

    start: int
    length: int = 0
    error: ApiError | None = None
    """Why it cannot be used."""


class Form:
    """A complete form. Large content is on disk."""

    def __init__(self, reader: _Reader, spool: Spool, memory: BodyMemory) -> None:
        self.images = reader.images
        """In order."""
        self._reader = reader
        self._spool = spool
        self._memory = memory

    @property
    def texts(self) -> dict[str, Any]:
        """As in `FormReader`."""
        return self._reader.texts

    @property
    def others(self) -> list[str]:
        """As in `FormReader`."""
        return self._reader.others

    async def load(self, image: Field, held: ExitStack) -> bytes:
        """Loads an image, when there is room for it until the end of `held`.

        Raises its error, and `Unavailable`.
        """
        if image.error:
            raise image.error
        await self._memory.make_room(held, image.length, _COPIES)
        return await self._spool.load(image.start, image.length)

    def close(self) -> None:
        """Forgets what is not loaded."""
        self._spool.close()


async def receive_form(
    request: Request,
    max_parts: int,
    images: Collection[str],
    fields: Collection[str],
    held: ExitStack,
) -> Form:
    """Receives a form, and forgets it at the end of `held`. `images` are the names of its images,
    `fields` those of its texts.

    Raises `BadRequest` or `Unavailable`.
    """
    memory = memory_of(request)
    spool = Spool(memory)
    held.callback(spool.close)
    reader = _Reader(max_parts, images, fields, spool)
    await reader.read(request)
    return Form(reader, spool, memory)


class _Reader(FormReader):
    def __init__(
        self, max_parts: int, images: Collection[str], fields: Collection[str], spool: Spool
    ) -> None:
        super().__init__(max_parts, images, fields)
        self._spool = spool
        self.images: list[Field] = []

    def begin(self, name: str, file_name: str | None) -> None:
        """Starts an image."""
        self.images.append(Field(self._spool.length))

    def add(self, content: bytes) -> None:
        """Adds content to the image."""
        self._spool.write(content)
        self.images[-1].length += len(content)

    def fail(self, error: ApiError) -> None:
        """Keeps the error of the image."""
        self.images[-1].error = error
