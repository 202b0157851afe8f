"""The image of a request, or several, however sent: the very bytes of the files, untouched; and
the fields that came along.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
from collections.abc import Sequence
from tempfile import SpooledTemporaryFile
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from auth_api.errors import ApiError, BadRequest, TooLarge, Unavailable, UnsupportedMedia
from auth_api.http.multipart import AT_A_TIME, FormReader, text_of
from auth_api.http.validation import body_type, json_object, validated
from auth_api.schemas.recognition import MOST_IMAGES, BatchJson, ImageJson

logger = logging.getLogger(__name__)

Fields = TypeVar("Fields", bound=BaseModel)

_ONE = ("image", "file")
_MANY = ("images", "image", "files", "file")
_MAX_PARTS = 16
_DATA_URI = re.compile(r"\s*data:[^,;]*(?:;[^,;]*)*?;base64,", re.IGNORECASE)


Upload = bytes | ApiError
"""An encoded image, or why there is none."""


class _NoFields(BaseModel):
    pass


async def read_image(request: Request) -> bytes:
    """The encoded image from a multipart form or from JSON.

    Raises BadRequest, UnsupportedMedia or Unavailable.
    """
    image, _ = await read_upload(request, _NoFields)
    return image


async def read_upload(request: Request, fields: type[Fields]) -> tuple[bytes, Fields]:
    """The encoded image and the other fields of a multipart form or of JSON.

    Raises BadRequest, UnsupportedMedia or Unavailable.
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


async def read_images(request: Request, limit: int) -> list[Upload]:
    """The encoded images of a multipart form or of JSON, in order; in place of one that cannot
    be used, or has more than `limit` bytes, the error.

    Raises BadRequest, UnsupportedMedia or Unavailable.
    """
    kind = body_type(request)
    if kind == "multipart/form-data":
        values = _images(await _read_fields(request, 2 * MOST_IMAGES), _MANY)
        if len(values) > MOST_IMAGES:
            raise BadRequest(
                f"There are {len(values)} images: send up to {MOST_IMAGES} at a time.",
                "too_many_images",
            )
        uploads = [_upload(value) for value in values]
    elif kind == "application/json":
        texts = validated(await json_object(request), BatchJson).images
        uploads = [_decoded(text) for text in texts]
    else:
        raise UnsupportedMedia(
            "Send the images as files 'images' of a multipart form, or as base64 in JSON."
        )
    return [_within(limit, upload) for upload in uploads]


def _decoded(text: str) -> Upload:
    try:
        return decode_base64(text)
    except BadRequest as error:
        return error


def _upload(value: bytes | str) -> Upload:
    try:
        return _file(value)
    except BadRequest as error:
        return error


def _within(limit: int, upload: Upload) -> Upload:
    if upload == b"":
        return _empty()
    if isinstance(upload, bytes) and len(upload) > limit:
        return TooLarge(
            f"The image is too large: up to {limit / (1024 * 1024):g} MB are taken.",
            "image_too_large",
        )
    return upload


def _empty() -> BadRequest:
    return BadRequest("The image is empty.", "empty_image")


class _Field(NamedTuple):
    """A part of a form."""

    name: str
    is_file: bool
    content: SpooledTemporaryFile[bytes]
    """On the disk if it is large: it may be long in coming."""


class _Fields(FormReader):
    """Gathers the fields of a form, in order."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.fields: list[_Field] = []

    def begin(self, name: str, file_name: str | None) -> None:
        """One more."""
        content: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(  # noqa: SIM115 - closed with the form
            max_size=AT_A_TIME
        )
        self.fields.append(_Field(name, file_name is not None, content))

    def add(self, content: bytes) -> None:
        """More of the last one."""
        self.fields[-1].content.write(content)


async def _read_fields(request: Request, most: int) -> list[tuple[str, bytes | str]]:
    """Files as bytes, and texts, by their names."""
    reader = _Fields(most)
    try:
        await reader.read(request)
        return [(field.name, _content(field)) for field in reader.fields]
    except OSError as error:
        logger.exception("an upload cannot be written")
        raise Unavailable(
            "The image cannot be taken at the moment. Please try again.", "storage_unavailable"
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
    values = _images(fields, _ONE)
    if len(values) > 1:
        raise BadRequest("There are several images: send one at a time.", "several_images")
    return _file(values[0]), texts


def _images(fields: Sequence[tuple[str, bytes | str]], names: Sequence[str]) -> list[bytes | str]:
    """At least one. Raises BadRequest."""
    values = [value for name, value in fields if name in names]
    if not values:
        raise BadRequest(f"There is no image: send it as the file '{names[0]}'.", "image_missing")
    return values


def _file(value: bytes | str) -> bytes:
    if isinstance(value, str):
        raise BadRequest(
            "The image is text: send a file (curl: -F image=@photo.jpg).", "image_not_a_file"
        )
    return value


def decode_base64(text: str) -> bytes:
    """The bytes of a base64 text or `data:` URI; white space is ignored.

    Raises BadRequest.
    """
    encoded = "".join(_DATA_URI.sub("", text, count=1).split())
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("The image is not valid base64 or data: URI.", "invalid_base64") from error
