"""The forms that a learner's writing is compared with, and the names of their parts.

A form is the reference picture or the same character in another tradition.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from archive_scripts.letterforms.references import REFERENCE_SIZE
from archive_scripts.letterforms.strokes import Stroke, StrokeLetterform, load_strokes
from handlers.alignment import SIDE, Points
from handlers.arrays import Gray, gray
from handlers.comparison import Form, Part

_LETTER = 216
"""Longer side of a letter in a reference picture, in pixels."""
_DRAWING_SIDE = 512
_BOWL_WIDTH = 16
"""A stroke of a larger mean width is a filled bowl, in units of a letter 100 long."""
_CANVAS_SCALE = SIDE / REFERENCE_SIZE

_ROWS = ("upper", "middle", "lower")
_COLUMNS = ("left", "middle", "right")


def reference_forms(reference_images: Path) -> list[list[Form]]:
    """All forms of each class, `[class][form]`; the first form is the reference picture's.

    Raises OSError if a reference picture cannot be read.
    """
    forms = []
    for index, letterforms in enumerate(load_strokes()):
        path = reference_images / f"class_{index}.png"
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise OSError(f"{path} cannot be read")
        if not letterforms:
            forms.append([Form("nithya", gray(255 - picture), ())])
            continue
        own = [_form(letterforms[0], gray(255 - picture))]
        own += [_form(form, None) for form in letterforms[1:] if form.comparable]
        forms.append(own)
    return forms


def _form(letterform: StrokeLetterform, picture: Gray | None) -> Form:
    """`letterform` on the canvas, its parts fitted to `picture` if there is one."""
    drawn = letterform.picture(_DRAWING_SIDE)
    x, y, width, height = cv2.boundingRect(drawn)
    if picture is None:
        picture = _framed(drawn[y : y + height, x : x + width])
    left, top, *size = cv2.boundingRect((picture >= 128).astype(np.uint8))
    scale = np.array(size) / (width, height)
    curves = [
        ((letterform.curve(stroke, _DRAWING_SIDE) - (x, y)) * scale + (left, top)) * _CANVAS_SCALE
        for stroke in letterform.strokes
    ]
    names = part_names(letterform.strokes, curves)
    parts = tuple(Part(name, curve) for name, curve in zip(names, curves, strict=True))
    return Form(letterform.source, picture, parts)


def _framed(letter: Gray) -> Gray:
    """Scales and centres a cropped letter as in the reference pictures."""
    height, width = letter.shape
    scale = _LETTER / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (REFERENCE_SIZE - size[0]) // 2, (REFERENCE_SIZE - size[1]) // 2
    picture = gray(np.zeros((REFERENCE_SIZE, REFERENCE_SIZE)))
    resized = cv2.resize(letter, size, interpolation=cv2.INTER_AREA)
    picture[top : top + size[1], left : left + size[0]] = resized
    return picture


def part_names(strokes: Sequence[Stroke], curves: Sequence[Points]) -> list[str]:
    """Names each stroke by its shape and its place on the canvas; all names differ."""
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


_ORDINALS = ("second", "third", "fourth")


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
