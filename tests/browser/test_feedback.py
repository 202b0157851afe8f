"""The sentences about a comparison: the page makes them from faults, as the service does."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Literal, cast, get_args, get_origin

import numpy as np
import pytest

from archive_scripts.letterforms.reference_forms import reference_forms
from auth_api.schemas.comparison import Fault as FaultSchema
from handlers.comparison import Comparison
from handlers.faults import Fault
from handlers.feedback import sentence
from handlers.lines import SIDE
from tests.browser.conftest import Visitor, glyph_strokes
from tests.support.pictures import REFERENCES, encode, page, reference

_SAY = """async (answers) => {
  const { loadStrings, useLanguage } = await ranjana("modules/strings.js");
  const { sentencesOf } = await ranjana("views/practise/feedback.js");
  await loadStrings("feedback");
  const said = {};
  for (const language of ["ne", "en"]) {
    await useLanguage(language);
    said[language] = answers.map((each) => sentencesOf(each).map(({ text }) => text));
  }
  return said;
}"""

NOT_NEPALI = re.compile(r"[a-zA-Z{}]")


def said_of(visitor: Visitor, answers: list[dict[str, Any]]) -> dict[str, list[list[str]]]:
    """The page's sentences about each answer, by language."""
    said: dict[str, list[list[str]]] = visitor.open("/practise").evaluate(_SAY, answers)
    return said


def test_the_page_says_what_the_service_says_and_says_it_in_nepali(visitor: Visitor) -> None:
    answers = list(_answers(visitor))
    said = said_of(visitor, answers)
    assert said["en"] == [answer["feedback"] for answer in answers]
    told = {fault["fault"] for answer in answers for fault in answer["faults"]}
    assert told >= {"missing", "extra", "short", "shifted", "bent", "proportion"}
    assert told >= {"reversed", "order", "joined"}
    assert {answer["is_same_character"] for answer in answers} == {True, False}
    for english, nepali in zip(said["en"], said["ne"], strict=True):
        assert len(english) == len(nepali)
        assert not NOT_NEPALI.search("".join(nepali)), (english, nepali)


def _answers(visitor: Visitor) -> Iterator[dict[str, Any]]:
    """Comparisons of flawed drawings, and of pictures."""

    def ask(target: int, **body: object) -> dict[str, Any]:
        url = f"{visitor.home}/api/similarity/"
        response = visitor.context.request.post(url, data={"target_class": target, **body})
        assert response.ok, response.text()
        answer: dict[str, Any] = response.json()
        return answer

    for index in (0, 3, 17, 36, 55):
        strokes = glyph_strokes(index)
        *others, last = strokes
        for drawn in (
            strokes,
            strokes[::-1],
            [stroke[::-1] for stroke in strokes],
            [*strokes[:-2], [*strokes[-2], *last]],
            [*others, last[: len(last) * 2 // 3]],
            [*strokes, [(0.02, 0.98), (0.3, 0.98)]],
            [*others, [(x - 0.12, y + 0.12) for x, y in last]],
            [[(x + 0.2, y) for x, y in stroke] for stroke in strokes],
            [[(x * 0.6, y * 0.6) for x, y in stroke] for stroke in strokes],
            [[(0.25 + x / 2, y) for x, y in stroke] for stroke in strokes],
            [[(x + 0.4 * y * (1 - y), y) for x, y in stroke] for stroke in strokes],
            [[(0.5, 0.5)]],
            *(strokes[:at] + strokes[at + 1 :] for at in range(len(strokes))),
        ):
            yield ask(index, strokes=drawn, pen="nib")
        yield ask(index + 1, strokes=strokes, strictness="strict")
        for picture in (reference(index), page([index, 2, 20], 3).picture):
            yield ask(index, image=base64.b64encode(encode(picture)).decode())


@pytest.mark.thorough
def test_every_fault_is_told_in_both_languages(visitor: Visitor) -> None:
    names = {
        part.name for forms in reference_forms(REFERENCES) for form in forms for part in form.parts
    }
    parts = sorted(names)
    form = SimpleNamespace(parts=[SimpleNamespace(name=name) for name in parts])
    comparison = cast(Comparison, SimpleNamespace(form=form))
    faults = list(_faults(len(parts)))
    assert {fault.fault for fault in faults} == _literals("fault")
    assert {fault.end for fault in faults if fault.end} == _literals("end")
    assert {fault.direction for fault in faults if fault.direction} == _literals("direction")
    answers = [
        {
            **{"character": "ई", "name": "long i", "is_same_character": True},
            "faults": [_described(fault, parts)],
        }
        for fault in faults
    ]
    said = said_of(visitor, answers)
    expected = [sentence(fault, comparison, "ई (long i)") for fault in faults]
    assert [english for english, _ in said["en"]] == expected
    for english, nepali in zip(expected, said["ne"], strict=True):
        assert not NOT_NEPALI.search("".join(nepali)), (english, nepali)


def _faults(parts: int) -> Iterator[Fault]:
    """Every fault of every part, at every end, in every direction."""
    ends = sorted(_literals("end") - {"both"})
    sizes = ["wide", "narrow", "large", "small"]
    ways = sorted(_literals("direction") - set(sizes))
    for stroke in range(parts):
        for name in ("missing", "reversed", "order", "joined"):
            yield Fault(name, 1, stroke=stroke)
        yield Fault("short", 1, stroke=stroke, end="both")
        for name, end in itertools.product(("short", "long", "broken", "thick", "thin"), ends):
            yield Fault(name, 1, stroke=stroke, end=end)
        for name, way in itertools.product(("shifted", "bent"), ways):
            yield Fault(name, 1, stroke=stroke, direction=way)
    for row, column in itertools.product(range(3), repeat=2):
        yield Fault("extra", 1, np.array([column + 0.5, row + 0.5]) * SIDE / 3)
    for way in ways:
        yield Fault("shifted", 1, direction=way)
    for size in sizes:
        yield Fault("proportion", 1, direction=size)


def _described(fault: Fault, parts: list[str]) -> dict[str, Any]:
    fields = ("fault", "stroke", "end", "direction", "row", "column")
    part = None if fault.stroke is None else parts[fault.stroke]
    return {"part": part, **{name: getattr(fault, name) for name in fields}}


def _literals(field: str) -> set[str]:
    """The values that a field of a fault may have, except None."""

    def values(annotation: Any) -> Iterator[str]:
        if get_origin(annotation) is Literal:
            yield from get_args(annotation)
        else:
            yield from itertools.chain(*map(values, get_args(annotation)))

    return set(values(FaultSchema.model_fields[field].annotation))
