"""The image of a request, however it was sent: the very bytes of the file, untouched; and
the fields that came along with it.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from auth_api.errors import BadRequest, UnsupportedMedia
from auth_api.schemas.recognition import ImageJson
from auth_api.validation import body_type, json_object, validated

Fields = TypeVar("Fields", bound=BaseModel)

_FIELDS = ("image", "file")
_MAX_PARTS = 16
_DATA_URI = re.compile(r"\s*data:[^,;]*(?:;[^,;]*)*?;base64,", re.IGNORECASE)


class _NoFields(BaseModel):
    pass


async def read_image(request: Request) -> bytes:
    """The encoded image from a multipart form or from JSON.

    Raises BadRequest or UnsupportedMedia.
    """
    image, _ = await read_upload(request, _NoFields)
    return image


async def read_upload(request: Request, fields: type[Fields]) -> tuple[bytes, Fields]:
    """The encoded image and the other fields of a multipart form or of JSON.

    Raises BadRequest or UnsupportedMedia.
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
        raise BadRequest("The image is empty.", "empty_image")
    return image, validated(content, fields)


async def _from_form(request: Request) -> tuple[bytes, dict[str, Any]]:
    try:
        form = await request.form(max_files=_MAX_PARTS, max_fields=_MAX_PARTS)
    except HTTPException as error:
        raise BadRequest(
            f"The multipart form cannot be read: {error.detail.rstrip('.')}.",
            "malformed_multipart",
        ) from error
    try:
        texts = {name: value for name, value in form.items() if isinstance(value, str)}
        return await _only_image(form).read(), texts
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
