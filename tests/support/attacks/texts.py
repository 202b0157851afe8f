"""S1: texts that are slow to search, because a search starts anew at each of their letters."""

from __future__ import annotations

import json

from tests.support.attacks.requests import form_post, image_json, json_post
from tests.support.attacks.sending import Attack, Connection, Target

_PREDICT, _BATCH, _COMPARE = "/api/predict/", "/api/predict/batch/", "/api/similarity/"
# A little below the largest body that these routes take.
_LARGE = 10_000_000


def _blanks(_: Target) -> list[Connection]:
    return [json_post(_PREDICT, image_json(" " * 80_000))]


def _blanks_of_all_kinds(_: Target) -> list[Connection]:
    return [json_post(_PREDICT, image_json("\u00a0\t\n\u2003 \u3000" * 15_000))]


def _parameters_without_end(_: Target) -> list[Connection]:
    text = f"data:{';' * 80_000}"
    return [json_post(_COMPARE, image_json(text, target_class=5))]


def _beginnings(_: Target) -> list[Connection]:
    return [json_post(_PREDICT, image_json("data:;" * 15_000))]


def _named_parameters(_: Target) -> list[Connection]:
    text = f"data:image/png{';a=b' * 20_000};base64"
    return [json_post(_PREDICT, image_json(text))]


def _batch(_: Target) -> list[Connection]:
    texts = [" " * 40_000, f"data:{';' * 40_000}", "data:;" * 7_000, "\t" * 40_000] * 8
    return [json_post(_BATCH, json.dumps({"images": texts}).encode())]


def _as_long_as_allowed(_: Target) -> list[Connection]:
    return [json_post(_COMPARE, image_json(" " * _LARGE, target_class=5))]


def _blanks_between_letters(_: Target) -> list[Connection]:
    return [json_post(_PREDICT, image_json("A \n" * (_LARGE // 4)))]


def _percent_signs(_: Target) -> list[Connection]:
    return [json_post(_PREDICT, image_json("%2B" * (_LARGE // 3)))]


def _words_like_ends(_: Target) -> list[Connection]:
    head, body = form_post(_PREDICT, [("image", b"\n--attacks" * (_LARGE // 10))])
    lines = body.replace(b"\r\n", b"\n")
    length = b"Length: %d" % len(lines)
    return [[head.replace(b"Length: %d" % len(body), length), lines]]


def _lines_in_a_form(_: Target) -> list[Connection]:
    return [form_post(_PREDICT, [("image", b"\r\n--" * (_LARGE // 4))])]


def _lines_before_a_form(_: Target) -> list[Connection]:
    head, body = form_post(_PREDICT, [("image", b"")])
    lines = b"\r\n" * ((_LARGE - len(body)) // 2)
    return [
        [head.replace(b"Length: %d" % len(body), b"Length: %d" % len(lines + body)), lines, body]
    ]


TEXTS = [
    Attack("S1", "80,000 blanks, to predict", _blanks),
    Attack("S1", "90,000 blanks of all kinds, to predict", _blanks_of_all_kinds),
    Attack("S1", "`data:` and 80,000 semicolons, to compare", _parameters_without_end),
    Attack("S1", "`data:;` 15,000 times, to predict", _beginnings),
    Attack("S1", "`data:` with 20,000 parameters, to predict", _named_parameters),
    Attack("S1", "a batch of 32 such texts", _batch, refused=0),
    Attack("S1", "10 MB of blanks, to compare", _as_long_as_allowed),
    Attack("S1", "10 MB of letters and blanks, to predict", _blanks_between_letters),
    Attack("S1", "10 MB of percent signs, to predict", _percent_signs),
    Attack("S1", "10 MB of almost-ends in a form with LF", _words_like_ends),
    Attack("S1", "10 MB of almost-ends in a form", _lines_in_a_form),
    Attack("S1", "10 MB of lines before a form", _lines_before_a_form),
]
