"""Reads the images of a request, from a multipart form or from base64 in JSON, with its fields.

Images stay encoded as they were sent.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from tempfile import SpooledTemporaryFile
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from auth_api.errors import ApiError, BadRequest, TooLarge, Unavailable, UnsupportedMedia
from auth_api.http.multipart import CHUNK_BYTES, FormReader, text_of
from auth_api.http.validation import body_type, json_object, validated
from auth_api.schemas.recognition import MAX_IMAGES, BatchJson, ImageJson

logger = logging.getLogger(__name__)

Fields = TypeVar("Fields", bound=BaseModel)
Value = TypeVar("Value")

_NAMES_OF_ONE = ("image", "file")
_NAMES_OF_SEVERAL = ("images", "image", "files", "file")
_MAX_PARTS = 16
_DATA_URI = re.compile(r"\s*data:[^,;]*(?:;[^,;]*)*?;base64,", re.IGNORECASE)

Upload = bytes | ApiError
"""An encoded image, or the error for it."""


class _NoFields(BaseModel):
    pass


async def read_image(request: Request) -> bytes:
    """Reads the encoded image of a request.

    Raises `BadRequest`, `UnsupportedMedia` or `Unavailable`.
    """
    image, _ = await read_upload(request, _NoFields)
    return image


async def read_upload(request: Request, fields: type[Fields]) -> tuple[bytes, Fields]:
    """Reads the encoded image and the other fields of a request.

    Raises `BadRequest`, `UnsupportedMedia` or `Unavailable`.
    """
    kind = body_type(request)
    if kind == "multipart/form-data":
        image, content = await _from_form(request)
    elif kind == "application/json":
        content = await json_object(request)
        image = decode_base64(validated(content, ImageJson).image)
    else:
        raise UnsupportedMedia(
            "Send the image as the file 'image' of a multipart form, or as base64 in JSON."
        )
    if not image:
        raise _empty()
    return image, validated(content, fields)


async def read_images(
    request: Request, limit: int, admit: Callable[[int], Awaitable[None]]
) -> list[Upload]:
    """Reads the encoded images of a request, in order.

    An image that cannot be used, or that has more than `limit` bytes, is replaced by its error.
    `admit` gets their number before any is decoded.

    Raises `BadRequest`, `UnsupportedMedia`, `Unavailable`, and what `admit` raises.
    """
    kind = body_type(request)
    if kind == "multipart/form-data":
        values = _images(await _read_fields(request, 2 * MAX_IMAGES), _NAMES_OF_SEVERAL)
        if len(values) > MAX_IMAGES:
            raise BadRequest(
                f"There are {len(values)} images: send up to {MAX_IMAGES} at a time.",
                "too_many_images",
            )
        await admit(len(values))
        return [_image_or_error(_require_file, value, limit) for value in values]
    if kind == "application/json":
        texts = validated(await json_object(request), BatchJson).images
        await admit(len(texts))
        return [_image_or_error(decode_base64, text, limit) for text in texts]
    raise UnsupportedMedia(
        "Send the images as files 'images' of a multipart form, or as base64 in JSON."
    )


def _image_or_error(decode: Callable[[Value], bytes], value: Value, limit: int) -> Upload:
    try:
        image = decode(value)
    except BadRequest as error:
        return error
    if len(image) > limit:
        return image_too_large(limit)
    return image or _empty()


def image_too_large(limit: int) -> TooLarge:
    """The error for an image of more than `limit` bytes."""
    megabytes = limit / (1024 * 1024)
    return TooLarge(f"The image is too large: the limit is {megabytes:g} MB.", "image_too_large")


def _empty() -> BadRequest:
    return BadRequest("The image is empty.", "empty_image")


class _Field(NamedTuple):
    name: str
    is_file: bool
    content: SpooledTemporaryFile[bytes]
    """Large content is on disk, because a slow upload would hold memory for long."""


class _FieldReader(FormReader):
    """Collects the fields of a form, in order."""

    def __init__(self, max_parts: int) -> None:
        super().__init__(max_parts)
        self.fields: list[_Field] = []

    def begin(self, name: str, file_name: str | None) -> None:
        """Adds a field."""
        content: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(  # noqa: SIM115 - closed by _read_fields
            max_size=CHUNK_BYTES
        )
        self.fields.append(_Field(name, file_name is not None, content))

    def add(self, content: bytes) -> None:
        """Adds content to the last field."""
        self.fields[-1].content.write(content)


async def _read_fields(request: Request, max_parts: int) -> list[tuple[str, bytes | str]]:
    """The fields of a form with their names: files as bytes, all others as text."""
    reader = _FieldReader(max_parts)
    try:
        await reader.read(request)
        return [(field.name, _content(field)) for field in reader.fields]
    except OSError as error:
        logger.exception("cannot write an upload to disk")
        raise Unavailable(
            "The image cannot be stored at the moment. Please try again.", "storage_unavailable"
        ) from error
    finally:
        for field in reader.fields:
            field.content.close()


def _content(field: _Field) -> bytes | str:
    field.content.seek(0)
    content = field.content.read()
    return content if field.is_file else text_of(content)


async def _from_form(request: Request) -> tuple[bytes, dict[str, Any]]:
    fields = await _read_fields(request, _MAX_PARTS)
    texts = {name: value for name, value in fields if isinstance(value, str)}
    values = _images(fields, _NAMES_OF_ONE)
    if len(values) > 1:
        raise BadRequest("There are several images: send one at a time.", "several_images")
    return _require_file(values[0]), texts


def _images(fields: Sequence[tuple[str, bytes | str]], names: Sequence[str]) -> list[bytes | str]:
    """The values of the fields called so. Raises `BadRequest` if there are none."""
    values = [value for name, value in fields if name in names]
    if not values:
        raise BadRequest(f"There is no image: send it as the file '{names[0]}'.", "image_missing")
    return values


def _require_file(value: bytes | str) -> bytes:
    if isinstance(value, str):
        raise BadRequest(
            "The image is text: send a file (curl: -F image=@photo.jpg).", "image_not_a_file"
        )
    return value


def decode_base64(text: str) -> bytes:
    """The bytes of a base64 text or `data:` URI; white space is ignored. Raises `BadRequest`."""
    encoded = "".join(_DATA_URI.sub("", text, count=1).split())
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("The image is not valid base64 or data: URI.", "invalid_base64") from error
