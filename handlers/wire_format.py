"""Several images in one request; the other end is `auth_api.torchserve.wire_format`.

A request costs TorchServe as much with one small image as with eight, so the service combines
images that wait for the same workers. The header `X-Images` is a JSON array with one object per
image, `{"bytes": 5012, "headers": {"X-Target-Class": "12"}}`; `headers` may be left out. The body
is the images, one after the other. The answer is `{"answers": [{"status": 200, "answer": {...}},
...]}` in the same order, and its own status is always 200.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from handlers.errors import InvalidOption

HEADER = "x-images"
MAX_IMAGES = 64
"""Per request."""


class ImagePart(NamedTuple):
    """One image of a request."""

    image: bytes
    headers: Mapping[str, str]
    """By their names in lower case."""


def split(description: str, body: bytes, headers: Mapping[str, str]) -> list[ImagePart]:
    """Splits a body into its images. `headers` apply to every image that does not override them.

    Raises InvalidOption if `description`, the value of `X-Images`, does not fit the body.
    """
    parts, start = [], 0
    for length, own in _parse(description):
        image = body[start : start + length]
        parts.append(ImagePart(image, {**headers, **{name.lower(): own[name] for name in own}}))
        start += length
    if start != len(body):
        raise InvalidOption(f"X-Images describes {start} bytes, the body has {len(body)}.")
    return parts


def join(answers: Sequence[tuple[int, bytes]]) -> bytes:
    """Joins the statuses and JSON documents of a request's images into one document."""
    encoded = [b'{"status": %d, "answer": %b}' % answer for answer in answers]
    return b'{"answers": [%b]}' % b", ".join(encoded)


def _parse(description: str) -> list[tuple[int, Mapping[str, str]]]:
    try:
        images = json.loads(description)
    except (ValueError, RecursionError):
        images = None
    if not isinstance(images, list) or not 1 <= len(images) <= MAX_IMAGES:
        raise InvalidOption(
            f"X-Images must be a JSON array that describes 1 to {MAX_IMAGES} images."
        )
    return [_parse_image(image) for image in images]


def _parse_image(image: Any) -> tuple[int, Mapping[str, str]]:
    length = image.get("bytes") if isinstance(image, dict) else None
    headers = image.get("headers", {}) if isinstance(image, dict) else None
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise InvalidOption("X-Images must give each image's length as 'bytes'.")
    if not isinstance(headers, dict) or not all(isinstance(each, str) for each in headers.values()):
        raise InvalidOption("X-Images must give an image's 'headers' as texts by their names.")
    return length, headers
