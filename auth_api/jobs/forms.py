"""A multipart form of any size, whose files are written one after the other as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from auth_api.errors import ApiError, BadRequest, TooLarge
from auth_api.jobs.inputs import NewInput

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_IMAGES = 1000
"""In one job."""

IMAGES = frozenset({"images", "image", "files", "file", "zip"})
"""What the files of a job that reads images may be called."""

_MOST_PARTS = 2 * MOST_IMAGES
_AT_A_TIME = 1024 * 1024
_ZIP = b"PK"


@dataclass(frozen=True)
class Limits:
    """In bytes: of one image, of all that is sent, of all that a zip unpacks to."""

    image: int
    upload: int


@dataclass
class Part:
    """A file of a form: what it is called, and where its content is."""

    name: str
    start: int
    length: int = 0
    head: bytes = b""
    error: ApiError | None = None

    @property
    def is_zip(self) -> bool:
        """By its content; no image begins like that."""
        return self.head.startswith(_ZIP)


@dataclass
class Form:
    """What was in a form."""

    parts: list[Part] = field(default_factory=list)
    """The files, in order."""
    texts: dict[str, str] = field(default_factory=dict)
    """The other fields; of a repeated one the last."""


async def read_form(
    request: Request, file: NewInput, limits: Limits, files: Collection[str], most_text: int = 0
) -> Form:
    """Writes those `files` of a form to `file` that are called so. Its other fields may have
    `most_text` bytes together; 0 leaves them aside.

    Raises BadRequest, or OSError.
    """
    _, options = parse_options_header(request.headers["content-type"])
    boundary = options.get(b"boundary")
    if not boundary:
        raise _malformed("it has no boundary")
    form = _Reader(file, limits, files, most_text)
    waiting = bytearray()
    try:
        parser = MultipartParser(boundary, form.callbacks())
        async for chunk in request.stream():
            waiting += chunk
            if len(waiting) >= _AT_A_TIME:
                await asyncio.to_thread(parser.write, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(parser.write, bytes(waiting))
        parser.finalize()
    except FormParserError as error:
        raise _malformed("it breaks the rules of multipart/form-data") from error
    if not form.complete:
        raise _malformed("it ends too early")
    return form.content()


def _malformed(reason: str) -> BadRequest:
    return BadRequest(f"The multipart form cannot be read: {reason}.", "malformed_multipart")


@dataclass
class _Reader:
    """Writes the files of a form one after the other, as its parser comes upon them."""

    file: NewInput
    limits: Limits
    files: Collection[str]
    most_text: int
    parts: list[Part] = field(default_factory=list)
    complete: bool = False
    _texts: dict[str, bytearray] = field(default_factory=dict)
    _text: bytearray | None = None
    _seen: int = 0
    _name: bytes = b""
    _value: bytes = b""
    _disposition: bytes = b""
    _open: bool = False

    def content(self) -> Form:
        """What there was. Raises BadRequest."""
        try:
            texts = {name: value.decode() for name, value in self._texts.items()}
        except UnicodeDecodeError as error:
            raise _malformed("a field is not UTF-8") from error
        return Form(self.parts, texts)

    def callbacks(self) -> MultipartCallbacks:
        """For `MultipartParser`."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._seen += 1
        if self._seen > _MOST_PARTS:
            raise _malformed("it has too many parts")
        self._disposition = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = _plain(options.get(b"name", b""))
        self._open = name in self.files
        self._text = None
        if not self._open:
            if self.most_text and b"filename" not in options:
                self._text = self._texts[name] = bytearray()
            return
        if len(self.parts) == MOST_IMAGES:
            raise BadRequest(
                f"There are too many images: send up to {MOST_IMAGES} at a time.",
                "too_many_images",
            )
        error = None
        if b"filename" not in options:
            error = BadRequest("The image is text: send a file.", "image_not_a_file")
        file_name = PurePosixPath(_plain(options.get(b"filename", b"")).replace("\\", "/")).name
        self.parts.append(Part(file_name or name, self.file.length, error=error))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._text is not None:
            self._text += data[start:end]
            self.most_text -= end - start
            if self.most_text <= 0:
                raise _malformed("its fields are too long")
        if not self._open:
            return
        part = self.parts[-1]
        content = data[start:end]
        part.head = (part.head + content[:4])[:4]
        if part.error:
            return
        limit = self.limits.upload if part.is_zip else self.limits.image
        if part.length + len(content) > limit:
            self.file.back_to(part.start)
            part.length, part.error = 0, too_large(limit)
            return
        self.file.write(content)
        part.length += len(content)

    def _end(self) -> None:
        self.complete = True


def _plain(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def too_large(limit: int) -> TooLarge:
    """What is said of an image of more than `limit` bytes."""
    return TooLarge(
        f"The image is too large: up to {limit / (1024 * 1024):g} MB are taken.", "image_too_large"
    )
