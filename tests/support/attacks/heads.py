"""S4: heads of requests, and what counts like them, without end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from tests.support.attacks.requests import chunked, head, repeated
from tests.support.attacks.sending import Attack, Connection, Target

_START = b"GET /health HTTP/1.1\r\nHost: x\r\n"
_LARGE = 150_000_000
_PIPELINED = 20_000


def _one_header(_: Target) -> list[Connection]:
    return [chain([_START, b"X-Long: "], repeated(b"x", _LARGE), [b"\r\n\r\n"])]


def _header_name(_: Target) -> list[Connection]:
    return [chain([_START], repeated(b"x", _LARGE), [b": x\r\n\r\n"])]


def _many_headers(_: Target) -> list[Connection]:
    return [chain([_START], repeated(b"a: b\r\n", 6 * 2_000_000), [b"\r\n"])]


def _long_headers(_: Target) -> list[Connection]:
    line = b"X-Long: %b\r\n" % (b"x" * 60_000)
    return [chain([_START], repeated(line, _LARGE), [b"\r\n"])] * 4


def _request_line(_: Target) -> list[Connection]:
    return [chain([b"GET /"], repeated(b"x", _LARGE), [b" HTTP/1.1\r\nHost: x\r\n\r\n"])]


def _query(_: Target) -> list[Connection]:
    return [chain([b"POST /api/predict/?"], repeated(b"model=a&", _LARGE))]


def _chunked_head() -> bytes:
    return head("POST /api/signin/", Content_Type="application/json", Transfer_Encoding="chunked")


def _trailers(_: Target) -> list[Connection]:
    return [chain([_chunked_head(), chunked(b"{}"), b"0\r\n"], repeated(b"a: b\r\n", _LARGE))]


def _one_trailer(_: Target) -> list[Connection]:
    return [chain([_chunked_head(), chunked(b"{}"), b"0\r\nX-Long: "], repeated(b"x", _LARGE))]


def _chunk_extension(_: Target) -> list[Connection]:
    return [chain([_chunked_head(), b"2;"], repeated(b"x", _LARGE))]


def _tiny_chunks(_: Target) -> list[Connection]:
    return [
        chain([_chunked_head()], repeated(chunked(b" "), 9_000_000), [chunked(b"{}"), chunked(b"")])
    ]


def _empty_lines(_: Target) -> list[Connection]:
    return [repeated(b"\r\n", _LARGE)]


def _pipelined(_: Target) -> list[Connection]:
    return [[head("GET /health") * _PIPELINED]]


def _pipelined_refusals(_: Target) -> list[Connection]:
    request = head("POST /api/signin/", Content_Length=2) + b"{}"

    def without_end() -> Iterator[bytes]:
        while True:
            yield request * 100

    return [without_end() for _ in range(4)]


HEADS = [
    Attack("S4", "a header of 150 MB", _one_header),
    Attack("S4", "a header with a name of 150 MB", _header_name),
    Attack("S4", "two million headers", _many_headers),
    Attack("S4", "2,500 headers of 60 kB, four times at once", _long_headers),
    Attack("S4", "a request line of 150 MB", _request_line),
    Attack("S4", "a query of 150 MB", _query),
    Attack("S4", "150 MB of trailers", _trailers),
    Attack("S4", "a trailer of 150 MB", _one_trailer),
    Attack("S4", "a chunk extension of 150 MB", _chunk_extension),
    Attack("S4", "1.5 million chunks of a byte", _tiny_chunks),
    Attack("S4", "150 MB of empty lines", _empty_lines),
    Attack("S4", "20,000 requests in one write", _pipelined, refused=0, replies=_PIPELINED),
    Attack("S4", "requests without end on four connections", _pipelined_refusals, replies=2_000),
]
