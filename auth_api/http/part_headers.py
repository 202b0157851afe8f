"""Reads the headers of a part of a form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

from python_multipart.multipart import parse_options_header

DISPOSITION, MEDIA_TYPE = b"content-disposition", b"content-type"
ENCODING = b"content-transfer-encoding"

# What most clients write. It is read without the parser, which takes as long as all the rest.
_ORDINARY = re.compile(rb'form-data; name="([^"\\*]*)"(?:; filename="([^"\\*]*)")?', re.IGNORECASE)
_LATIN = frozenset({"iso-8859-1", "latin-1", "latin1", "windows-1252"})


class PartHeaders(NamedTuple):
    """What the headers of a part say."""

    name: str
    """Of the field; empty if there is none."""
    file_name: str | None
    """It may be empty."""
    media_type: bytes
    """With its parameters; empty if there is none."""
    encoding: bytes
    """Its `Content-Transfer-Encoding` in lower case; empty if there is none."""

    @classmethod
    def of(cls, headers: Mapping[bytes, bytes]) -> PartHeaders:
        """Reads headers by their names in lower case."""
        name, file_name = _names_of(headers.get(DISPOSITION, b""))
        encoding = headers.get(ENCODING, b"").strip().lower()
        return cls((name or "").strip("'"), file_name, headers.get(MEDIA_TYPE, b""), encoding)


def _names_of(disposition: bytes) -> tuple[str | None, str | None]:
    """The name of a part and its file name."""
    if ordinary := _ORDINARY.fullmatch(disposition):
        name, file_name = ordinary.groups()
        return _decoded(name, None), _decoded(file_name, None)
    _, options = parse_options_header(disposition)
    extended: dict[bytes, bytes] = {}
    if b"*=" in disposition:  # the parser skips such names
        _, extended = parse_options_header(disposition.replace(b"*=", b"-extended="))
    return (
        _decoded(options.get(b"name"), extended.get(b"name-extended")),
        _decoded(options.get(b"filename"), extended.get(b"filename-extended")),
    )


def _decoded(plain: bytes | None, extended: bytes | None) -> str | None:
    """A name. The extended form (RFC 5987) wins, because some clients send a meaningless plain
    one beside it.
    """
    if extended:
        charset, _, text = extended.decode("latin-1").partition("'")
        encoding = "latin-1" if charset.lower() in _LATIN else "utf-8"
        return unquote(text.partition("'")[2], encoding)
    return None if plain is None else plain.decode("utf-8", "replace")
