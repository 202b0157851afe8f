"""The names of the strokes of a form, such as "top bar" and "lower left loop".

The form of a reference picture names its strokes in letterforms.json; strokes of other forms may
have no names there and are named by their shape and place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from archive_scripts.letterforms.strokes import Stroke
from handlers.lines import Points

_BOWL_WIDTH = 16
"""A stroke of a larger mean width is a filled bowl, in units of a letter 100 long."""

_ROWS = ("upper", "middle", "lower")
_COLUMNS = ("left", "middle", "right")
_ORDINALS = ("second", "third", "fourth")
_NOUNS = (
    *("top bar", "bar", "stem", "slant", "curve"),
    *("bowl", "loop", "hook", "tail", "dot", "stroke"),
)
"""The kinds of strokes. The page translates each word (views/practise/feedback.js)."""

NAME = re.compile(
    rf"(?:(?:{'|'.join(_ORDINALS)}) )?(?:(?:{'|'.join(_ROWS)}) )?"
    rf"(?:(?:{'|'.join(_COLUMNS)}) )?(?:{'|'.join(_NOUNS)})"
)
"""A name: at most an ordinal, a row and a column of the letter, then the noun."""


def part_names(strokes: Sequence[Stroke], curves: Sequence[Points]) -> list[str]:
    """The name of each stroke of a form; all differ.

    `curves` are the strokes on the canvas. Where they have no names, they get some by shape and
    place.
    """
    described = [stroke.name for stroke in strokes if stroke.name]
    if len(described) == len(strokes):
        return described
    everything = np.concatenate(curves)
    low, high = everything.min(axis=0), everything.max(axis=0)
    typical = float(np.median([np.mean(stroke.width) for stroke in strokes]))
    nouns = [
        "bowl"
        if np.mean(stroke.width) > max(_BOWL_WIDTH, 1.3 * typical)
        else _noun(curve, low, high)
        for stroke, curve in zip(strokes, curves, strict=True)
    ]
    counts = Counter(nouns)
    seen: Counter[str] = Counter()
    names = []
    for noun, curve in zip(nouns, curves, strict=True):
        unique = noun == "top bar" or (noun == "tail" and counts[noun] == 1)
        name = noun if unique else f"{_place(curve, low, high)} {noun}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{_ORDINALS[seen[name] - 2]} {name}")
    return names


def _noun(curve: Points, low: Points, high: Points) -> str:
    width, height = high - low
    chord = curve[-1] - curve[0]
    length = float(np.hypot(*np.diff(curve, axis=0).T).sum())
    straight = float(np.hypot(*chord)) / max(length, 1e-6)
    middle = curve.mean(axis=0)
    flat, upright = np.ptp(curve[:, 0]), np.ptp(curve[:, 1])
    if flat > 2 * upright and middle[1] < low[1] + 0.3 * height and flat > 0.4 * width:
        return "top bar"
    if length < 0.22 * max(width, height):
        return "hook"
    if straight < 0.45:
        return "loop"
    if upright > 1.6 * flat and straight > 0.85:
        return "stem"
    if straight < 0.88:
        return "curve"
    if middle[1] > low[1] + 0.6 * height and chord[0] * chord[1] > 0:
        return "tail"
    return "stroke"


def _place(curve: Points, low: Points, high: Points) -> str:
    column, row = ((curve.mean(axis=0) - low) / (high - low) * 2.999).astype(int).tolist()
    if row == 1 or np.ptp(curve[:, 1]) > 0.55 * (high - low)[1]:
        return _COLUMNS[column]
    if column == 1:
        return _ROWS[row]
    return f"{_ROWS[row]} {_COLUMNS[column]}"
