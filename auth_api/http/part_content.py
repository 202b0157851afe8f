"""Decodes what a part of a form contains: the bytes of a file, or a text that stands for them."""

from __future__ import annotations

import binascii
from typing import Protocol

from auth_api.errors import ApiError, BadRequest, UnsupportedMedia
from auth_api.http.base64_text import Base64Decoder, beginning, looks_like_base64
from auth_api.http.part_headers import PartHeaders

HEAD_BYTES = 64
"""Bytes of an image that tell whether it is text. Every image format has control characters or
letters beyond ASCII in them."""

_TEXT_CONTROLS = b"\t\n\r\f"
_CONTROLS = bytes(code for code in range(32) if code not in _TEXT_CONTROLS) + b"\x7f"
_MAX_LINE_BREAK = 3


class Decoder(Protocol):
    """Decodes content that arrives in pieces. All methods raise `ValueError`."""

    def feed(self, piece: bytes) -> bytes: ...

    def finish(self) -> bytes: ...


class QuotedPrintableDecoder:
    """Decodes `Content-Transfer-Encoding: quoted-printable`."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """The bytes that are complete with the next piece."""
        text = self._rest + piece
        # An escape or a soft line break may go on in the next piece.
        start = text.rfind(b"=", -_MAX_LINE_BREAK + 1)
        self._rest = text[start:] if start >= 0 else b""
        return binascii.a2b_qp(text[:start] if start >= 0 else text)

    def finish(self) -> bytes:
        """The rest."""
        return binascii.a2b_qp(self._rest)


def declared_decoder(encoding: bytes) -> Decoder | None:
    """The decoder for a `Content-Transfer-Encoding`, None if the content is as it is."""
    if encoding == b"base64":
        return Base64Decoder()
    return QuotedPrintableDecoder() if encoding == b"quoted-printable" else None


def image_decoder(head: bytes, part: PartHeaders) -> Decoder | None:
    """The decoder for an image that begins with `head`, None if it is an image as it is. Some
    clients declare an encoding that they do not use.

    Raises `BadRequest` for a text that stands for no image.
    """
    encoding = part.encoding
    if encoding == b"base64" and looks_like_base64(head, 1):
        return Base64Decoder()
    if encoding == b"quoted-printable" and _is_text(head):
        return QuotedPrintableDecoder()
    if looks_like_base64(head):
        return Base64Decoder()
    if part.file_name is None and head and _is_text(head):
        shown = beginning(head.decode("ascii"))
        raise BadRequest(
            f"The image is a text that begins with {shown}: send a file (curl: -F "
            "image=@photo.jpg), or its content in base64.",
            "image_not_a_file",
        )
    return None


def undecodable(part: PartHeaders) -> ApiError:
    """The error for an image that began like base64 and is none."""
    if part.file_name is not None:
        return UnsupportedMedia("The file is a text, not an image.", "unreadable_image")
    return BadRequest("The image is not valid base64 or data: URI.", "invalid_base64")


def _is_text(head: bytes) -> bool:
    return head.isascii() and head == head.translate(None, _CONTROLS)
