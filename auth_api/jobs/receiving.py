"""An upload of any size -> the file of a job, with a megabyte or two of it in memory."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from auth_api.errors import (
    ApiError,
    BadRequest,
    TooLarge,
    Unavailable,
    UnsupportedMedia,
    error_body,
)
from auth_api.jobs import zips
from auth_api.jobs.inputs import Inputs, NewInput
from auth_api.jobs.tables import JobItem
from auth_api.validation import body_type

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

logger = logging.getLogger(__name__)

MOST_IMAGES = 1000
"""In one job."""

_FIELDS = frozenset({"images", "image", "files", "file", "zip"})
_MOST_PARTS = 2 * MOST_IMAGES
_LONGEST_NAME = 255
_AT_A_TIME = 1024 * 1024
_ZIP = b"PK"


@dataclass(frozen=True)
class Limits:
    """In bytes: of one image, of all that is sent, of all that a zip unpacks to."""

    image: int
    upload: int


@dataclass
class Received:
    """What was sent: a file, which is the receiver's to keep, and where in it each image is."""

    file: NewInput
    items: list[JobItem]


async def receive(request: Request, inputs: Inputs, limits: Limits) -> Received:
    """Takes the images of a multipart form, or those in the one zip that it has.

    What cannot be an image is an item with an answer already. Raises ApiError, and nothing is
    left behind.
    """
    if body_type(request) != "multipart/form-data":
        raise UnsupportedMedia(
            "Send the images as files 'images' of a multipart form, or one zip as the file 'zip'."
        )
    try:
        return await _receive(request, inputs, limits)
    except OSError as error:
        logger.exception("an upload cannot be kept")
        raise Unavailable(
            "The images cannot be kept at the moment. Please try again.", "storage_unavailable"
        ) from error


async def _receive(request: Request, inputs: Inputs, limits: Limits) -> Received:
    file = await asyncio.to_thread(inputs.new)
    kept = False
    try:
        parts = await _parts(request, file, limits)
        zipped = [part for part in parts if part.is_zip]
        if zipped and len(parts) > 1:
            raise BadRequest("Send either images or one zip, not both.", "several_uploads")
        if zipped and zipped[0].error:
            raise zipped[0].error
        if zipped:
            return await asyncio.to_thread(_unpacked, file, inputs, limits)
        if not parts:
            raise BadRequest("There is no image: send it as the file 'images'.", "image_missing")
        items = [
            _item(place, part.name, part.start, part.length, part.error)
            for place, part in enumerate(parts)
        ]
        await asyncio.to_thread(file.sync)
        kept = True
        return Received(file, items)
    finally:
        if not kept:
            file.discard()


def _unpacked(zipped: NewInput, inputs: Inputs, limits: Limits) -> Received:
    """What is in a zip, one entry after the other. Blocks."""
    file = inputs.new()
    try:
        with zipped.path.open("rb") as source:
            items = [
                _unpack(place, entry, file, limits.image)
                for place, entry in enumerate(zips.entries(source, MOST_IMAGES, limits.upload))
            ]
        file.sync()
    except BaseException:
        file.discard()
        raise
    return Received(file, items)


def _unpack(place: int, entry: zips.Entry, file: NewInput, limit: int) -> JobItem:
    start, error = file.length, None
    for chunk in entry.chunks():
        if file.length - start + len(chunk) > limit:
            file.back_to(start)
            error = _too_large(limit)
            break
        file.write(chunk)
    return _item(place, entry.name, start, file.length - start, error)


def _item(place: int, name: str, start: int, length: int, error: ApiError | None) -> JobItem:
    if not length and error is None:
        error = BadRequest("The image is empty.", "empty_image")
    return JobItem(
        job_id=0,
        position=place,
        file=_plain(name),
        start=start,
        length=length,
        answer=error_body(error) if error else None,
    )


def _plain(name: str) -> str:
    """A name as it can be stored and shown: no NUL, nothing beyond what file systems take."""
    return name.replace("\0", "")[:_LONGEST_NAME]


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The image is too large: up to {limit / (1024 * 1024):g} MB are taken.", "image_too_large"
    )


@dataclass
class _Part:
    name: str
    start: int
    length: int = 0
    head: bytes = b""
    error: ApiError | None = None

    @property
    def is_zip(self) -> bool:
        """By its content; no image begins like that."""
        return self.head.startswith(_ZIP)


async def _parts(request: Request, file: NewInput, limits: Limits) -> list[_Part]:
    _, options = parse_options_header(request.headers["content-type"])
    boundary = options.get(b"boundary")
    if not boundary:
        raise _malformed("it has no boundary")
    form = _Form(file, limits)
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
    return form.parts


def _malformed(reason: str) -> BadRequest:
    return BadRequest(f"The multipart form cannot be read: {reason}.", "malformed_multipart")


@dataclass
class _Form:
    """Writes the files of a form one after the other, as its parser comes upon them."""

    file: NewInput
    limits: Limits
    parts: list[_Part] = field(default_factory=list)
    complete: bool = False
    _seen: int = 0
    _name: bytes = b""
    _value: bytes = b""
    _disposition: bytes = b""
    _open: bool = False

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
        name = _text(options.get(b"name", b""))
        self._open = name in _FIELDS
        if not self._open:
            return
        if len(self.parts) == MOST_IMAGES:
            raise BadRequest(
                f"There are too many images: send up to {MOST_IMAGES} at a time.",
                "too_many_images",
            )
        error = None
        if b"filename" not in options:
            error = BadRequest("The image is text: send a file.", "image_not_a_file")
        file_name = PurePosixPath(_text(options.get(b"filename", b"")).replace("\\", "/")).name
        self.parts.append(_Part(file_name or name, self.file.length, error=error))

    def _data(self, data: bytes, start: int, end: int) -> None:
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
            part.length, part.error = 0, _too_large(limit)
            return
        self.file.write(content)
        part.length += len(content)

    def _end(self) -> None:
        self.complete = True


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
