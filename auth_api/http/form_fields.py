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
    """An image or a long text. `start` and `length` locate it in the form's spool, in bytes."""

    start: int
    length: int = 0
    error: ApiError | None = None
    """Why it cannot be used."""


class Form:
    """A complete form. Large content is on disk."""

    def __init__(self, reader: _Reader, spool: Spool, memory: BodyMemory) -> None:
        self.images = reader.images
        """In order."""
        self.long_texts = reader.long_texts
        """By name; the last of a repeated field."""
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

    async def load(self, field: Field, held: ExitStack) -> bytes:
        """Loads a field, when there is room for it until the end of `held`.

        Raises its error, and `Unavailable`.
        """
        if field.error:
            raise field.error
        await self._memory.make_room(held, field.length, _COPIES)
        return await self._spool.load(field.start, field.length)

    def close(self) -> None:
        """Forgets what is not loaded."""
        self._spool.close()


async def receive_form(
    request: Request,
    max_parts: int,
    images: Collection[str],
    fields: Collection[str],
    held: ExitStack,
    long_texts: Collection[str] = (),
) -> Form:
    """Receives a form, and forgets it at the end of `held`. `images` are the names of its images,
    `fields` and `long_texts` those of its texts.

    Raises `BadRequest` or `Unavailable`.
    """
    memory = memory_of(request)
    spool = Spool(memory)
    held.callback(spool.close)
    reader = _Reader(spool, max_parts, images, fields, long_texts)
    await reader.read(request)
    return Form(reader, spool, memory)


class _Reader(FormReader):
    def __init__(
        self,
        spool: Spool,
        max_parts: int,
        images: Collection[str],
        fields: Collection[str],
        long_texts: Collection[str],
    ) -> None:
        super().__init__(max_parts, images, fields, long_texts)
        self._spool = spool
        self._current: Field
        self.images: list[Field] = []
        self.long_texts: dict[str, Field] = {}

    def begin(self, name: str, file_name: str | None) -> None:
        """Starts an image or a long text."""
        self._current = Field(self._spool.length)
        if name in self._images:
            self.images.append(self._current)
        else:
            self.long_texts[name] = self._current

    def add(self, content: bytes) -> None:
        """Adds content to it."""
        self._spool.write(content)
        self._current.length += len(content)

    def fail(self, error: ApiError) -> None:
        """Keeps the error of the image."""
        self._current.error = error
