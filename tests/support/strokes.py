"""Strokes as a pad sends them."""

from __future__ import annotations

import json
from functools import cache

from archive_scripts.archives.building import ROOT

Strokes = list[list[list[float]]]
Stroke = list[tuple[float, float]]


@cache
def references() -> list[list[Stroke]]:
    """The strokes of each of the 62 reference letters; not to be changed."""
    described = json.loads((ROOT / "reference_images" / "strokes.json").read_text())
    return [[[(x, y) for x, y in each["points"]] for each in strokes] for strokes in described]


def strokes_of(index: int) -> Strokes:
    """Strokes along those of the reference of a character, with the pressure of a mouse."""
    return [[[*point, 0.5] for point in stroke] for stroke in references()[index]]


def longest() -> Strokes:
    """As many points as there may be, in numbers with all their digits."""
    return [
        [[(1 + n % 97) / 101, (1 + n % 89) / 103, 0.3] for n in range(stroke, stroke + 2000)]
        for stroke in range(64)
    ]
