"""Several images in one request, each with headers of its own.

A request costs TorchServe as much with one small image as with eight: the service puts those
together that wait for the same workers. The header `X-Images` is a JSON array with one object an
image, `{"bytes": 5012, "headers": {"X-Target-Class": "12"}}`, `headers` only where an image has
some; the body is the images, one after the other. The answer is
`{"answers": [{"status": 200, "answer": {...}}, ...]}` in the same order, itself always a 200.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from handlers.errors import InvalidOption

HEADER = "x-images"
MOST = 64
"""Images in one request."""


class Part(NamedTuple):
    """One image of a request."""

    image: bytes
    headers: Mapping[str, str]
    """By their names in lower case."""


def split(description: str, body: bytes, headers: Mapping[str, str]) -> list[Part]:
    """The images of a request; `headers` are those of all of them.

    Raises InvalidOption when `description`, the value of `X-Images`, does not fit the body.
    """
    parts, start = [], 0
    for length, own in _described(description):
        image = body[start : start + length]
        parts.append(Part(image, {**headers, **{name.lower(): own[name] for name in own}}))
        start += length
    if start != len(body):
        raise InvalidOption(f"X-Images tells of {start} bytes, the body has {len(body)}.")
    return parts


def join(answers: Sequence[tuple[int, bytes]]) -> bytes:
    """One document of the statuses and JSON documents of a request's images."""
    shown = [b'{"status": %d, "answer": %b}' % answer for answer in answers]
    return b'{"answers": [%b]}' % b", ".join(shown)


def _described(description: str) -> list[tuple[int, Mapping[str, str]]]:
    try:
        images = json.loads(description)
    except (ValueError, RecursionError):
        images = None
    if not isinstance(images, list) or not 1 <= len(images) <= MOST:
        raise InvalidOption(f"X-Images must be a JSON array that describes 1 to {MOST} images.")
    return [_one(image) for image in images]


def _one(image: Any) -> tuple[int, Mapping[str, str]]:
    length = image.get("bytes") if isinstance(image, dict) else None
    headers = image.get("headers", {}) if isinstance(image, dict) else None
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise InvalidOption("X-Images must give each image's length as 'bytes'.")
    if not isinstance(headers, dict) or not all(isinstance(each, str) for each in headers.values()):
        raise InvalidOption("X-Images must give an image's 'headers' as texts by their names.")
    return length, headers
