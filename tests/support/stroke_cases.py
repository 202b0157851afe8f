"""Drawn strokes and how the service matches them, which the page's matcher must do alike.

`python -m tests.support.stroke_cases` writes the file anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from handlers.lines import SIDE, Line, line_of_strokes
from handlers.parts import Offsets
from handlers.stroke_matching import match_strokes
from tests.support.strokes import Stroke, references

PATH = Path(__file__).parent / "data" / "stroke-matching.json"


def stored_cases() -> list[dict[str, Any]]:
    """`{class, strokes, matched, joined}` each."""
    cases: list[dict[str, Any]] = json.loads(PATH.read_text())
    return cases


def matching_of(index: int, strokes: list[Stroke]) -> dict[str, Any]:
    """How the service matches drawn strokes with those of a reference letter."""
    drawn, form = _line(strokes), _line(references()[index])
    matching = match_strokes(drawn, form, Offsets.between(drawn, form))
    matched = [[each.drawn, each.stroke, each.reversed] for each in matching.matched]
    return {"matched": matched, "joined": matching.joined}


def _line(strokes: list[Stroke]) -> Line:
    return line_of_strokes([np.array(stroke) * SIDE for stroke in strokes])


def _drawings(strokes: list[Stroke], rng: np.random.Generator) -> Iterator[list[Stroke]]:
    """Ways to draw a letter: flawless, each flaw of order and direction, and of place and shape."""
    first, middle = strokes[0], len(strokes) // 2
    half = len(first) // 2
    yield strokes
    yield [stroke[::-1] for stroke in strokes[::-1]]
    yield strokes[:middle] + strokes[middle + 1 :] or [first[:half]]
    yield [*strokes[:-2], [point for stroke in strokes[-2:] for point in stroke]]
    yield [[(x + dx, y + dy) for x, y in each] for each in strokes for dx, dy in [_step(rng)]]
    yield [*strokes[1:], first[: half + 1], first[half:]]
    yield [*strokes, [(x, y) for x, y in rng.uniform(0.1, 0.9, (4, 2))]]


def _step(rng: np.random.Generator) -> tuple[float, float]:
    angle, size = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    return size * np.cos(angle), size * np.sin(angle)


def _cases() -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(22)
    for index, strokes in enumerate(references()):
        for number, drawing in enumerate(_drawings(strokes, rng)):
            # Three of the ways for each letter keep the file small.
            if (number - index) % 7 in {0, 2, 4} or number == 0:
                rounded = [[(round(x, 3), round(y, 3)) for x, y in each] for each in drawing]
                yield {"class": index, "strokes": rounded, **matching_of(index, rounded)}


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in _cases())
    PATH.write_text(f"[\n{lines}\n]\n")
