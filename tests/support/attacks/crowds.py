"""S5: many bodies and connections that are kept open."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat

from tests.support.attacks.requests import (
    file_opening,
    form_head,
    json_head,
    repeated,
)
from tests.support.attacks.sending import Attack, Connection, Target

_BATCH = "/api/predict/batch/"
_LARGE = 60_000_000
_MEDIUM = 9_000_000
_SMALL = 900_000
_CONNECTIONS = 2_000
# Bytes that are kept back, and sent at 2,000 bytes a second: twice the lowest rate.
_HELD_BACK = 1_000_000


def _slowly() -> Iterator[bytes | float]:
    for _ in repeat(None):
        yield b" " * 1_000
        yield 0.5


def _json_body(path: str, length: int) -> Connection:
    sent = repeated(b" ", length - _HELD_BACK if length > _HELD_BACK else length // 2)
    return chain([json_head(path, length)], sent, _slowly())


def _form(path: str, access: str, length: int) -> Connection:
    opening = [form_head(path, access, Content_Length=length), file_opening("images")]
    return chain(opening, repeated(b"x", length - _HELD_BACK), _slowly())


def _eight_json(_: Target) -> list[Connection]:
    return [_json_body(_BATCH, _LARGE) for _ in range(8)]


def _forms(target: Target) -> list[Connection]:
    return [_form(_BATCH, target.access, _LARGE) for _ in range(8)]


def _sixty_json(_: Target) -> list[Connection]:
    return [_json_body("/api/predict/", _MEDIUM) for _ in range(60)]


def _many_small(_: Target) -> list[Connection]:
    paths = ("/api/predict/", "/api/similarity/")
    return [_json_body(paths[number % 2], _SMALL) for number in range(600)]


def _refused_early(_: Target) -> list[Connection]:
    """Bodies that no route wants: of a missing path, and of a route that is only read."""
    paths = ("/api/nowhere/", "/health")
    return [_json_body(paths[number % 2], _MEDIUM) for number in range(40)]


def _idle(_: Target) -> list[Connection]:
    return [[] for _ in range(_CONNECTIONS)]


def _half_heads(_: Target) -> list[Connection]:
    return [[b"GET /health HTTP/1.1\r\nHost: x\r\nX-Half: "] for _ in range(_CONNECTIONS)]


# Open connections may stay open, because slow clients are served too. Memory and others' waiting
# count.
CROWDS = [
    Attack("S5", "8 bodies of 60 MB, sent slowly", _eight_json, refused=0),
    Attack("S5", "8 forms of 60 MB, sent slowly", _forms, refused=0),
    Attack("S5", "60 bodies of 9 MB, sent slowly", _sixty_json, refused=0),
    Attack("S5", "600 bodies of 0.9 MB, sent slowly", _many_small, refused=0),
    Attack("S5", "40 bodies of 9 MB that no route wants", _refused_early),
    Attack("S5", "2,000 idle connections", _idle),
    Attack("S5", "2,000 halves of a head", _half_heads),
]
