"""Reads the headers of a part of a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

from python_multipart.multipart import parse_options_header

DISPOSITION, MEDIA_TYPE = b"content-disposition", b"content-type"
ENCODING = b"content-transfer-encoding"

_LATIN = frozenset({"iso-8859-1", "latin-1", "latin1", "windows-1252"})


class PartHeaders(NamedTuple):
    """What the headers of a part say."""

    name: str
    """Of the field; empty if there is none."""
    file_name: str | None
    """It may be empty."""
    media_type: str
    encoding: str
    """Its `Content-Transfer-Encoding` in lower case; empty if there is none."""

    @classmethod
    def of(cls, headers: Mapping[bytes, bytes]) -> PartHeaders:
        """Reads headers by their names in lower case."""
        disposition = headers.get(DISPOSITION, b"")
        _, options = parse_options_header(disposition)
        extended: dict[bytes, bytes] = {}
        if b"*=" in disposition:  # the parser skips such names
            _, extended = parse_options_header(disposition.replace(b"*=", b"-extended="))
        name, file_name = (
            _decoded(options.get(key), extended.get(key + b"-extended"))
            for key in (b"name", b"filename")
        )
        media_type, _ = parse_options_header(headers.get(MEDIA_TYPE))
        encoding = headers.get(ENCODING, b"").strip().lower()
        return cls(
            (name or "").strip("'"),
            file_name,
            media_type.decode("latin-1"),
            encoding.decode("latin-1"),
        )


def _decoded(plain: bytes | None, extended: bytes | None) -> str | None:
    """A name. The extended form (RFC 5987) wins, because some clients send a meaningless plain
    one beside it.
    """
    charset, *_, text = ["", *(extended or b"").decode("latin-1").split("'", 2)][-3:]
    if text:
        return unquote(text, "latin-1" if charset.lower() in _LATIN else "utf-8")
    return None if plain is None else plain.decode("utf-8", "replace")
