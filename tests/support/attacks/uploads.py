"""S7: more uploads of one user at the same time than the user may have jobs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain

from auth_api.settings import Settings
from tests.support.attacks.requests import chunked, file_opening, form_head, repeated
from tests.support.attacks.sending import Attack, Connection, Target

_JOBS = "/api/jobs/predict/"
_UPLOADS = 25
_ALLOWED = Settings.model_fields["jobs_per_user"].default
_DECLARED = 1_000_000_000
_AT_ONCE = 1_000_000


def _slowly() -> Iterator[bytes | float]:
    while True:
        yield 0.2
        yield b"x" * 1_000


def _with_length(access: str, field: str, length: int, at_once: int) -> Connection:
    opening = [form_head(_JOBS, access, Content_Length=length), file_opening(field)]
    return chain(opening, repeated(b"x", at_once), _slowly())


def _without_length(access: str) -> Connection:
    opening = form_head(_JOBS, access, Transfer_Encoding="chunked")
    content = (
        piece if isinstance(piece, float) else chunked(piece)
        for piece in chain(
            [file_opening("zip"), b"PK\x03\x04"], repeated(b"x", _AT_ONCE), _slowly()
        )
    )
    return chain([opening], content)


def _declared(at_once: int, target: Target) -> list[Connection]:
    return [_with_length(target.access, "images", _DECLARED, at_once) for _ in range(_UPLOADS)]


def _undeclared(target: Target) -> list[Connection]:
    return [_without_length(target.access) for _ in range(_UPLOADS)]


def _all_kinds(target: Target) -> list[Connection]:
    return [
        _without_length(target.access)
        if number % 2
        else _with_length(target.access, "images", 50_000_000, _AT_ONCE)
        for number in range(_UPLOADS)
    ]


# All but the allowed ones are refused. Those stay open until the attack ends.
_REFUSED = (_UPLOADS - _ALLOWED) / _UPLOADS
_SECONDS = 10

UPLOADS = [
    Attack(
        "S7", "25 uploads of 1 GB at once", partial(_declared, _AT_ONCE), _REFUSED, seconds=_SECONDS
    ),
    Attack(
        "S7", "25 uploads without a first byte", partial(_declared, 0), _REFUSED, seconds=_SECONDS
    ),
    Attack("S7", "25 uploads without a length", _undeclared, _REFUSED, seconds=_SECONDS),
    Attack("S7", "25 uploads of both kinds", _all_kinds, _REFUSED, seconds=_SECONDS),
]
