"""What a request to TorchServe has: an image or strokes as its raw body, or a form with options.

TorchServe hands a raw body over as `body`, and the fields of a form by their names: bytes, or text
where a field says that it is text.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from handlers.errors import ImageTooLarge, InvalidOption, UnreadableImage

Request = Mapping[str, Any]

DEFAULT_MAX_BYTES = 11 * 1024 * 1024
MAX_BYTES = int(
    os.environ.get("TS_MAX_REQUEST_SIZE") or os.environ.get("MAX_IMAGE_BYTES") or DEFAULT_MAX_BYTES
)
"""Of an image. The launcher sets it, a little above `MAX_BODY_BYTES`. TorchServe takes more,
because its own refusal has no words; but not where operators set its limit."""

_IMAGES = ("body", "data", "image", "file")
_STROKES = "strokes"
_MAX_OPTION_LENGTH = 64
_SHOWN = 5


def image_bytes(request: Request) -> bytes:
    """The strokes of a request as JSON, the field `strokes`, or its encoded image: its raw body, or
    the field `image`, `file` or `data`.

    Raises UnreadableImage if it has none, ImageTooLarge.
    """
    strokes = request.get(_STROKES)
    if isinstance(strokes, str):
        return strokes.encode()
    if isinstance(strokes, (bytes, bytearray)):
        return bytes(strokes)
    image = next((request[name] for name in _IMAGES if name in request), None)
    if isinstance(image, str):
        raise UnreadableImage("The image is text: send a file.")
    if not isinstance(image, (bytes, bytearray)) or not image:
        fields = ", ".join(f"'{name}'" for name in list(request)[:_SHOWN] if name not in _IMAGES)
        has = f" The form has {fields} instead." if fields else ""
        raise UnreadableImage(
            "There is no image in the request: send it as the body, or as the file 'image' of a "
            f"form.{has}"
        )
    if len(image) > MAX_BYTES:
        raise ImageTooLarge(f"The request is too large: the limit is {MAX_BYTES / 1024**2:g} MB.")
    return bytes(image)


def with_options(headers: Mapping[str, str], request: Request) -> Mapping[str, str]:
    """Returns `headers`, whose names are in lower case, with the fields of a form: `target_class`
    is the header `X-Target-Class`.

    Raises InvalidOption if a field and a header disagree.
    """
    if "body" in request:
        return headers
    found = dict(headers)
    if _STROKES in request:
        found["x-source"] = _STROKES
    for field, value in request.items():
        if field in (*_IMAGES, _STROKES) or not isinstance(value, (bytes, bytearray, str, int)):
            continue
        if isinstance(value, (bytes, bytearray)):
            value = value.decode("utf-8", "replace")
        text = str(value).strip()
        if len(text) > _MAX_OPTION_LENGTH:
            continue
        name = f"x-{field.lower().removeprefix('x-').replace('_', '-')}"
        if found.setdefault(name, text) != text:
            raise InvalidOption(f"{field}: the header says {found[name]}, and the form {text}.")
    return found
