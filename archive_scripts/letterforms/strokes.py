"""Letterforms described as strokes: the path of the pen, its angle and its width.

`letterforms.json` lists the strokes in the order of writing. Each sample moves, turns, stretches
and bends every stroke by itself. A warp of the whole picture cannot do this: ends become longer or
shorter, loops larger or smaller, strokes touch or miss one another.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from archive_scripts.letterforms.nib import Nib, draw, random_nib, roughen, thicken
from archive_scripts.letterforms.splines import catmull_rom
from archive_scripts.letterforms.writer_style import Points, bend, bent_grid
from handlers.arrays import Gray

LETTERFORMS = Path(__file__).with_name("letterforms.json")

_UNITS = 100
"""Longer side of a letter; the unit of paths and widths."""
_MARGIN = 8
_STEP = 3.0
"""Length of the straight pieces of a drawn curve, in units of the letter."""
_PAGE = 0.65
"""Half of a letter's longer side on the page that `writer_style` bends; the page spans -1 to 1."""


@dataclass(frozen=True)
class Stroke:
    """One movement of the pen."""

    path: Points
    """Points of a Catmull-Rom spline, shape (n, 2), in units of the letter."""
    pen: float
    """Angle of the nib's edge in degrees, clockwise from the horizontal."""
    width: tuple[float, ...]
    """Widths of the nib at even steps from the start to the end, in units of the letter."""
    name: str | None = None
    """A name such as "right stem", of the words of `part_names.py`."""

    @cached_property
    def spline(self) -> npt.NDArray[np.float64]:
        """Matrix of shape (m, n) that maps the path to points along the curve."""
        length = float(np.linalg.norm(np.diff(self.path, axis=0), axis=1).sum())
        return catmull_rom(len(self.path), max(3, round(length / _STEP)))

    def widths_along(self, samples: int) -> npt.NDArray[np.float64]:
        """The width at `samples` even steps along the curve."""
        places = np.linspace(0, 1, len(self.width))
        return np.interp(np.linspace(0, 1, samples), places, np.array(self.width))


@dataclass(frozen=True)
class StrokeLetterform:
    """One way to write a character, stroke by stroke."""

    source: str
    """A name under `sources` in letterforms.json."""
    comparable: bool
    """Whether learners are compared with it; if not, it is for training only."""
    edge: float
    """Half the thickness of hairlines, in units of the letter."""
    strokes: tuple[Stroke, ...]

    def write(self, rng: np.random.Generator, side: int, strength: float = 1.0) -> Gray:
        """Writes the letter once: uint8 of shape (side, side), ink 255 on 0."""
        grid = bent_grid(rng, strength)
        nib = random_nib(rng)
        variation = strength * rng.uniform(0.2, 1.3)
        canvas = np.zeros((side, side), np.uint8)
        unit = side * _PAGE / _UNITS
        for stroke in self.strokes:
            path = _vary(stroke.path, rng, variation)
            page = bend((stroke.spline @ path) * (2 * _PAGE / _UNITS) - _PAGE, grid)
            draw(
                canvas,
                (page + 1) * (side / 2),
                stroke.pen,
                stroke.widths_along(len(page)),
                nib,
                unit,
            )
        return roughen(canvas, nib.radius(self.edge) * unit, rng)

    def picture(self, side: int) -> Gray:
        """Draws the letter exactly as described: uint8 (side, side), ink 255 on 0."""
        canvas = np.zeros((side, side), np.uint8)
        unit = self.unit(side)
        for stroke in self.strokes:
            curve = self.curve(stroke, side)
            draw(canvas, curve, stroke.pen, stroke.widths_along(len(curve)), Nib(), unit)
        return thicken(canvas, self.edge * unit)

    @staticmethod
    def unit(side: int) -> float:
        """The unit of the letter in the picture of `side` pixels."""
        return side / (_UNITS + 2 * _MARGIN)

    def curve(self, stroke: Stroke, side: int) -> Points:
        """The curve of one stroke in the picture of `side` pixels: shape (m, 2)."""
        return (stroke.spline @ stroke.path + _MARGIN) * self.unit(side)


def load_strokes(path: Path = LETTERFORMS) -> list[list[StrokeLetterform]]:
    """All described letterforms: `[class][variant]`, at least one of each class.

    Raises ValueError if the file does not have the format that its `about` describes.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        sources = data["sources"]
        return [[_parse(form, sources) for form in forms] for forms in data["letterforms"]]
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ValueError(f"{path} does not describe letterforms: {error!r}") from error


def _parse(form: dict[str, Any], sources: dict[str, Any]) -> StrokeLetterform:
    strokes = tuple(
        Stroke(
            np.array(stroke["path"], dtype=np.float64).reshape(-1, 2),
            float(stroke["pen"]),
            tuple(map(float, stroke["width"])),
            stroke.get("name"),
        )
        for stroke in form["strokes"]
    )
    if not strokes or any(min(len(stroke.path), len(stroke.width)) < 2 for stroke in strokes):
        raise ValueError("a form has strokes, and each of them two points and two widths or more")
    comparable = bool(sources[form["source"]]["comparable"])
    return StrokeLetterform(form["source"], comparable, float(form["edge"]), strokes)


def _vary(path: Points, rng: np.random.Generator, variation: float) -> Points:
    """Moves, turns, stretches and bends a stroke at random; `variation` 0 changes nothing."""
    start, end = path[0], path[-1]
    chord = end - start
    length = float(np.hypot(*chord)) + 1e-6
    along = chord / length
    across = np.array([-along[1], along[0]])
    anchor = start + rng.choice((0.0, 0.5, 1.0)) * chord
    moved = path - anchor
    # Longer or shorter, more or less curved.
    moved = np.outer(moved @ along, along) * np.exp(rng.normal(0, 0.07 * variation)) + np.outer(
        moved @ across, across
    ) * np.exp(rng.normal(0, 0.14 * variation))
    angle = np.deg2rad(rng.normal(0, 4 * variation))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved = moved @ turn + anchor + rng.normal(0, 1.4 * variation, 2)
    moved += rng.normal(0, 0.7 * variation, moved.shape)
    for first, second in ((0, 1), (-1, -2)):
        if rng.random() < 0.4:
            tangent = moved[first] - moved[second]
            tangent /= np.hypot(*tangent) + 1e-6
            moved[first] += tangent * np.clip(rng.normal(0, 4 * variation), -5, 10)
    return moved
