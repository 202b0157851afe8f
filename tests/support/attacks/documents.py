"""S3: JSON that takes much more memory, or time, than its bytes suggest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.support.attacks.requests import json_post
from tests.support.attacks.sending import Attack, Connection, Target

_SIGN_IN, _PREDICT, _BATCH = "/api/signin/", "/api/predict/", "/api/predict/batch/"
# A little below the limit of the service for most routes, in bytes.
_LARGE = 10_000_000
_BATCH_BYTES = 28_000_000


def _list_of(unit: bytes, total: int) -> bytes:
    """A list of some `total` bytes."""
    return b"[%b%b]" % ((unit + b",") * (total // (len(unit) + 1)), unit)


def _many_names(total: int) -> bytes:
    return b"{%b}" % b",".join(b'"%07d":{}' % number for number in range(total // 13))


def _one_number(total: int) -> bytes:
    return b'{"username": %b}' % (b"9" * total)


def _escaped(total: int) -> bytes:
    r"""A text of `\u0001`, which is escaped again in an error that quotes it."""
    return b'{"username": "%b", "password": "x"}' % (rb"\u0001" * (total // 6))


def _nested(total: int) -> bytes:
    return b'{"username": %b%b}' % (b"[" * (total // 2), b"]" * (total // 2))


def _field(name: bytes, value: bytes) -> bytes:
    return b'{"%b": %b}' % (name, value)


def _to(path: str, make: Callable[[], bytes], target: Target) -> list[Connection]:
    return [json_post(path, make(), target.access)]


def _four(path: str, make: Callable[[], bytes], target: Target) -> list[Connection]:
    return [json_post(path, make(), target.access)] * 4


def _attack(name: str, path: str, make: Callable[[], bytes]) -> Attack:
    return Attack("S3", name, partial(_to, path, make))


DOCUMENTS = [
    _attack("10 MB of `[],`, to sign in", _SIGN_IN, lambda: _list_of(b"[]", _LARGE)),
    _attack(
        "a user name of 10 MB of `{},`, to sign in",
        _SIGN_IN,
        lambda: _field(b"username", _list_of(b"{}", _LARGE)),
    ),
    _attack("10 MB of names, to sign up", "/api/signup/", lambda: _many_names(_LARGE)),
    _attack("a number of 10 MB, to sign in", _SIGN_IN, lambda: _one_number(_LARGE)),
    _attack("10 MB of escapes, to sign in", _SIGN_IN, lambda: _escaped(_LARGE)),
    _attack("10 MB of brackets, to refresh", "/api/token/refresh/", lambda: _nested(_LARGE)),
    _attack("10 MB of `0,`, as feedback", "/api/feedback/", lambda: _list_of(b"0", _LARGE)),
    _attack(
        "an image of 10 MB of `[],`, to predict",
        _PREDICT,
        lambda: _field(b"image", _list_of(b"[]", _LARGE)),
    ),
    _attack(
        "28 MB of `[],`, as a batch",
        _BATCH,
        lambda: _field(b"images", _list_of(b"[]", _BATCH_BYTES)),
    ),
    _attack(
        '60 MB of `"a",`, as a batch',
        _BATCH,
        lambda: _field(b"images", _list_of(b'"a"', 60_000_000)),
    ),
    Attack(
        "S3",
        "4 x 10 MB of `[],` at once, to sign in",
        partial(_four, _SIGN_IN, lambda: _list_of(b"[]", _LARGE)),
    ),
]
