"""Reads the images of a request, from a multipart form or from base64 in JSON, with its fields.

Images stay encoded as they were sent. A large one waits for room in memory. It has this room until
the end of the `ExitStack` that its reader passes.
"""

from __future__ import annotations

import asyncio
import binascii
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from auth_api.errors import BadRequest, TooLarge, UnsupportedMedia
from auth_api.http.form_fields import Field, Form, receive_form
from auth_api.http.spool import OFF_LOOP_BYTES
from auth_api.http.validation import body_type, json_object, validated
from auth_api.schemas.recognition import MAX_IMAGES, BatchJson, ImageJson

Fields = TypeVar("Fields", bound=BaseModel)

_NAMES_OF_ONE = frozenset({"image", "file"})
_NAMES_OF_SEVERAL = frozenset({"images", "image", "files", "file"})
_MAX_PARTS = 16

_SPACES = b" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"
_WIDE_SPACES = (
    "\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# A `data:` URI has a media type and its parameters before the comma.
_MAX_URI_HEAD = 1024

Upload = Callable[[ExitStack], Awaitable[bytes]]
"""Loads an encoded image, when there is room for it until the end of the stack. Raises the error of
an image that cannot be used, and `Unavailable`."""


class _NoFields(BaseModel):
    pass


async def read_image(request: Request, held: ExitStack) -> bytes:
    """Reads the encoded image of a request; `held` holds the room for it.

    Raises `BadRequest`, `UnsupportedMedia` or `Unavailable`.
    """
    image, _ = await read_upload(request, _NoFields, held)
    return image


async def read_upload(
    request: Request, fields: type[Fields], held: ExitStack
) -> tuple[bytes, Fields]:
    """Reads the encoded image and the other fields of a request; `held` holds the room for it.

    Raises `BadRequest`, `UnsupportedMedia` or `Unavailable`.
    """
    kind = body_type(request)
    if kind == "multipart/form-data":
        form = await receive_form(request, _MAX_PARTS, _NAMES_OF_ONE, held)
        images = _images(form, "image")
        if len(images) > 1:
            raise BadRequest("There are several images: send one at a time.", "several_images")
        image = await form.load(_require_file(images[0]), held)
        form.close()
        return _require_content(image), validated(dict(form.texts), fields)
    if kind == "application/json":
        content = await json_object(request, held)
        image = await _decode(validated(content, ImageJson).image)
        return _require_content(image), validated(content, fields)
    raise UnsupportedMedia(
        "Send the image as the file 'image' of a multipart form, or as base64 in JSON."
    )


async def read_images(request: Request, limit: int, held: ExitStack) -> Sequence[Upload]:
    """Receives the encoded images of a request, in order, until the end of `held`. Each may have
    `limit` bytes.

    Raises `BadRequest`, `UnsupportedMedia`, `Unavailable`.
    """
    kind = body_type(request)
    if kind == "multipart/form-data":
        form = await receive_form(request, 2 * MAX_IMAGES, _NAMES_OF_SEVERAL, held)
        images = _images(form, "images")
        if len(images) > MAX_IMAGES:
            raise BadRequest(
                f"There are {len(images)} images: send up to {MAX_IMAGES} at a time.",
                "too_many_images",
            )
        return [partial(_load_part, form, field, limit) for field in images]
    if kind == "application/json":
        texts = validated(await json_object(request, held), BatchJson).images
        return [partial(_load_text, text, limit) for text in texts]
    raise UnsupportedMedia(
        "Send the images as files 'images' of a multipart form, or as base64 in JSON."
    )


async def _load_part(form: Form, field: Field, limit: int, held: ExitStack) -> bytes:
    _require_size(_require_file(field).length, limit)
    return _require_content(await form.load(field, held))


async def _load_text(text: str, limit: int, held: ExitStack) -> bytes:
    # The room of the whole body is enough for its images.
    image = await _decode(text)
    _require_size(len(image), limit)
    return _require_content(image)


def image_too_large(limit: int) -> TooLarge:
    """The error for an image of more than `limit` bytes."""
    megabytes = limit / (1024 * 1024)
    return TooLarge(f"The image is too large: the limit is {megabytes:g} MB.", "image_too_large")


def _require_size(size: int, limit: int) -> None:
    if size > limit:
        raise image_too_large(limit)


def _require_content(image: bytes) -> bytes:
    if not image:
        raise BadRequest("The image is empty.", "empty_image")
    return image


def _images(form: Form, name: str) -> list[Field]:
    """The images of a form. Raises `BadRequest` if there are none; it says to send `name`."""
    if not form.images:
        raise BadRequest(f"There is no image: send it as the file '{name}'.", "image_missing")
    return form.images


def _require_file(field: Field) -> Field:
    if not field.is_file:
        raise BadRequest(
            "The image is text: send a file (curl: -F image=@photo.jpg).", "image_not_a_file"
        )
    return field


async def _decode(text: str) -> bytes:
    if len(text) > OFF_LOOP_BYTES:
        return await asyncio.to_thread(decode_base64, text)
    return decode_base64(text)


def decode_base64(text: str) -> bytes:
    """The bytes of a base64 text or `data:` URI; white space is ignored. Raises `BadRequest`.

    Takes time and memory in proportion to the text, whatever is in it.
    """
    if not text.isascii():
        for space in _WIDE_SPACES:
            text = text.replace(space, "")
    text = text.lstrip()
    if text[:5].lower() == "data:":
        head, comma, _ = text[:_MAX_URI_HEAD].partition(",")
        if comma and head.lower().endswith(";base64"):
            text = text[len(head) + 1 :]
    try:
        return binascii.a2b_base64(text.encode("ascii").translate(None, _SPACES), strict_mode=True)
    except ValueError as error:
        raise BadRequest("The image is not valid base64 or data: URI.", "invalid_base64") from error
