"""Decodes images that are sent as base64 or as `data:` URIs.

Takes time and memory in proportion to the text, whatever is in it.
"""

from __future__ import annotations

import binascii

from auth_api.errors import BadRequest

_WIDE_SPACES = (
    "\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
# A JSON text inside a form field has quotes.
_IGNORED = b' \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"'
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
# Letters that URLs escape, in base64, its line breaks and the head of a `data:` URI.
_ESCAPES = [
    (escape, bytes([letter]))
    for letter in b"+/=\n\r ,:;"
    for escape in {b"%%%02X" % letter, b"%%%02x" % letter}
]
_ESCAPE_BYTES = 3
# A `data:` URI has a media type and its parameters before the comma.
_MAX_URI_HEAD = 1024
_HEAD_BYTES = 64
_LETTERS = b'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=%\r\n"'
_SHOWN_LETTERS = 40


class Base64Decoder:
    """Decodes a text that arrives in pieces: base64, url-safe base64 or a `data:` URI, with or
    without padding, line breaks and percent encoding.

    All methods raise `ValueError` if the text is none of these.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._is_begun = False

    def feed(self, piece: bytes) -> bytes:
        """The bytes that are complete with the next piece of the text."""
        text = self._rest + piece
        if not self._is_begun:
            text = text.lstrip()
            if len(text) < _MAX_URI_HEAD:
                self._rest = text
                return b""
        half_escape = text.rfind(b"%", len(text) - _ESCAPE_BYTES + 1)
        escaped = text[half_escape:] if half_escape >= 0 else b""
        text = self._plain(text[:half_escape] if escaped else text)
        whole = len(text) - len(text) % 4
        self._rest = text[whole:] + escaped
        return binascii.a2b_base64(text[:whole], strict_mode=True)

    def finish(self, piece: bytes = b"") -> bytes:
        """The rest, with the last piece of the text."""
        text = self._plain(self._rest + piece)
        if len(text) % 4:
            text = text.rstrip(b"=")
            text += b"=" * (-len(text) % 4)
        return binascii.a2b_base64(text, strict_mode=True)

    def _plain(self, text: bytes) -> bytes:
        """The text in the plain alphabet, without what stands before it."""
        if b"%" in text:
            for escape, letter in _ESCAPES:
                text = text.replace(escape, letter)
        text = text.translate(_URL_SAFE, _IGNORED)
        if not self._is_begun:
            self._is_begun = True
            head, comma, _ = text[:_MAX_URI_HEAD].partition(b",")
            if comma and b"base64" in head.lower().split(b";")[1:]:
                text = text[len(head) + 1 :]
        return text


def decode_base64(text: str) -> bytes:
    """The bytes of a base64 text or `data:` URI; see `Base64Decoder`. Raises `BadRequest`."""
    plain = text
    if not text.isascii():
        for space in _WIDE_SPACES:
            plain = plain.replace(space, "")
    try:
        return Base64Decoder().finish(plain.encode("ascii"))
    except ValueError as error:
        raise BadRequest(
            f"The image is not valid base64 or data: URI; it begins with {beginning(text)}.",
            "invalid_base64",
        ) from error


def looks_like_base64(head: bytes, shortest: int = _HEAD_BYTES) -> bool:
    """Whether a file that begins with `head` is base64 or a `data:` URI. No image is: the first
    bytes of each format have letters that base64 does not use.

    A base64 text has at least `shortest` letters.
    """
    head = head.lstrip()[:_HEAD_BYTES]
    if head.lstrip(b'"')[:5].lower() in (b"data:", b"data%"):
        return True
    return len(head) >= shortest and not head.translate(None, _LETTERS)


def beginning(text: str) -> str:
    """The first letters of a text in quotes, for a sentence."""
    shown = text.strip()[:_SHOWN_LETTERS]
    return repr(shown) if shown.isprintable() else ascii(shown)
