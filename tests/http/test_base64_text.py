"""Images as text: all ways to write base64 are read, in pieces too."""

from __future__ import annotations

import base64
import os
from urllib.parse import quote

import pytest

from auth_api.errors import BadRequest
from auth_api.http.base64_text import Base64Decoder, decode_base64

# All letters of both alphabets, also as first and last ones.
CONTENT = bytes(range(251, 256)) + os.urandom(3000) + b"\xfb\xff\xfe" * 20 + b"hello"
TEXT = base64.b64encode(CONTENT).decode()
URL_SAFE = base64.urlsafe_b64encode(CONTENT).decode()
LINES = base64.encodebytes(CONTENT).decode()
URI = f"data:image/png;base64,{TEXT}"

TEXTS = {
    "plain": TEXT,
    "unpadded": TEXT.rstrip("="),
    "url-safe": URL_SAFE,
    "url-safe, unpadded": URL_SAFE.rstrip("="),
    "in lines": LINES,
    "in lines of Windows": LINES.replace("\n", "\r\n"),
    "indented": LINES.replace("\n", "\n\t  "),
    "with blanks around": f" \n{TEXT}\t ",
    "with wide blanks": f"\u3000{TEXT[:50]}\u00a0{TEXT[50:]}\ufeff",
    "percent-encoded": quote(TEXT, safe=""),
    "percent-encoded in small letters": quote(TEXT, safe="").replace("%2B", "%2b"),
    "percent-encoded lines": quote(LINES, safe=""),
    "URI": URI,
    "URI in capitals": f"DATA:IMAGE/JPEG;BASE64,{TEXT}",
    "URI with a blank": f"data:image/jpeg; base64,{TEXT}",
    "URI with blanks": f" data:image/jpeg ; base64 , {TEXT}",
    "URI without a type": f"data:;base64,{TEXT}",
    "URI with parameters": f"data:image/svg+xml;charset=utf-8;name=a;base64,{TEXT}",
    "URI with a parameter behind": f"data:image/png;base64;charset=utf-8,{TEXT}",
    "URI without data:": f"image/png;base64,{TEXT}",
    "percent-encoded URI": quote(URI, safe=""),
    "url-safe URI, unpadded": f"data:image/png;base64,{URL_SAFE.rstrip('=')}",
    "URI in lines": f"data:image/png;base64,\n{LINES}",
    "JSON in a text": f'"{URI}"',
}


@pytest.mark.parametrize("name", TEXTS)
def test_base64_is_read(name: str) -> None:
    assert decode_base64(TEXTS[name]) == CONTENT


@pytest.mark.parametrize("name", [name for name in TEXTS if TEXTS[name].isascii()])
@pytest.mark.parametrize("size", [1, 5, 1000, 1025])
def test_base64_may_arrive_in_pieces(name: str, size: int) -> None:
    text, decoder = TEXTS[name].encode(), Base64Decoder()
    pieces = [decoder.feed(text[start : start + size]) for start in range(0, len(text), size)]
    assert b"".join([*pieces, decoder.finish()]) == CONTENT


@pytest.mark.parametrize("length", range(9))
def test_short_base64_is_read(length: int) -> None:
    content = os.urandom(length)
    assert decode_base64(base64.b64encode(content).decode().rstrip("=")) == content


@pytest.mark.parametrize(
    "text",
    [
        *(
            "A",
            "AAAAA",
            "AA=A",
            "A=",
            "AAAA%",
            "AA%4",
            "%%%",
            "no!",
            "ड",
            "data:image/png,AAAA",
        ),
        *("data:text/plain;name=base64,AAAA", "file:///a.jpg", "b'AAAA'", "AAAA,AAAA", "AA\x00AA"),
    ],
)
def test_what_is_no_base64_is_refused_with_its_beginning(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        decode_base64(text)
    assert refused.value.code == "invalid_base64"
    assert (repr(text) if text.isprintable() else ascii(text)) in refused.value.message
