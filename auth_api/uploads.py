"""The image of a request, however it was sent: the very bytes of the file, untouched."""

from __future__ import annotations

import base64
import binascii
import re

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from auth_api.errors import BadRequest, UnsupportedMedia
from auth_api.schemas import ImageJson
from auth_api.validation import parse_json

_FIELDS = ("image", "file")
_MAX_PARTS = 16
_DATA_URI = re.compile(r"\s*data:[^,;]*(?:;[^,;]*)*?;base64,", re.IGNORECASE)


async def read_image(request: Request) -> bytes:
    """The encoded image from a multipart form or from JSON.

    Raises BadRequest or UnsupportedMedia.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        image = await _from_form(request)
    elif kind == "application/json":
        image = decode_base64((await parse_json(request, ImageJson)).image)
    else:
        raise UnsupportedMedia(
            "Send the image as the file 'image' of a multipart form, or as base64 in JSON."
        )
    if not image:
        raise BadRequest("The image is empty.", "empty_image")
    return image


async def _from_form(request: Request) -> bytes:
    try:
        form = await request.form(max_files=_MAX_PARTS, max_fields=_MAX_PARTS)
    except HTTPException as error:
        raise BadRequest(
            f"The multipart form cannot be read: {error.detail.rstrip('.')}.",
            "malformed_multipart",
        ) from error
    try:
        return await _only_image(form).read()
    finally:
        await form.close()


def _only_image(form: FormData) -> UploadFile:
    values = [value for name, value in form.multi_items() if name in _FIELDS]
    if not values:
        raise BadRequest("There is no image: send it as the file 'image'.", "image_missing")
    if len(values) > 1:
        raise BadRequest("There are several images: send one at a time.", "several_images")
    (value,) = values
    if isinstance(value, str):
        raise BadRequest(
            "The field 'image' is text: send a file (curl: -F image=@photo.jpg).",
            "image_not_a_file",
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
