"""The pictures that are sent to servers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from functools import cache

import numpy as np

from archive_scripts.synthesis.photographs import photograph
from tests.support.pictures import encode, reference

_BOUNDARY = "benchmark"
FORM_TYPE = f"multipart/form-data; boundary={_BOUNDARY}"
"""The content type of `form`."""


@cache
def drawings() -> list[bytes]:
    """Drawings as the web page sends them."""
    return [encode(reference(index)) for index in range(12)]


@cache
def photographs() -> list[bytes]:
    """Photographs as a phone app sends them."""
    rng = np.random.default_rng(0)
    pictures = [
        photograph(255 - reference(index), rng, size=(1600, 1200), chalk=False)
        for index in range(12)
    ]
    return [encode(picture[..., ::-1].copy(), "JPEG", quality=85) for picture in pictures]


def pictures_by_kind() -> dict[str, list[bytes]]:
    """Drawings and photographs, by a description."""
    return {
        f"drawings of 256x256 (PNG, {_kilobytes(drawings())} kB)": drawings(),
        f"photographs of 1600x1200 (JPEG, {_kilobytes(photographs())} kB)": photographs(),
    }


def _kilobytes(images: Sequence[bytes]) -> int:
    return round(statistics.mean(map(len, images)) / 1000)


def form(image: bytes, **fields: str) -> bytes:
    """A multipart form with the file `image`."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    head = 'Content-Disposition: form-data; name="image"; filename="image"'
    opening = "".join([*parts, f"--{_BOUNDARY}\r\n{head}\r\n\r\n"])
    return b"".join([opening.encode(), image, f"\r\n--{_BOUNDARY}--\r\n".encode()])
