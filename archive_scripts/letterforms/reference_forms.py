"""The forms that a learner is compared with: reference pictures, other traditions, their parts."""

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
"""Longer side of a letter in a reference picture."""
_DRAWN = 512
_BOWL = 16
"""Mean width of a stroke, in units of a letter 100 long, from which on it is a filled bowl."""
_CANVAS = SIDE / REFERENCE_SIZE

_ROWS = ("upper", "middle", "lower")
_COLUMNS = ("left", "middle", "right")


def reference_forms(reference_images: Path) -> list[list[Form]]:
    """All forms of each class, `[class][form]`; the first is that of the reference picture.

    Raises OSError where a reference picture cannot be read.
    """
    forms = []
    for index, letterforms in enumerate(load_strokes()):
        path = reference_images / f"class_{index}.png"
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise OSError(f"{path} cannot be read")
        own = [_form(letterforms[0], gray(255 - picture))]
        own += [_form(form, None) for form in letterforms[1:] if form.comparable]
        forms.append(own)
    return forms


def _form(letterform: StrokeLetterform, picture: Gray | None) -> Form:
    """`letterform` on the canvas, its parts fitted to `picture` where that is given."""
    drawn = letterform.picture(_DRAWN)
    x, y, width, height = cv2.boundingRect(drawn)
    if picture is None:
        picture = _framed(drawn[y : y + height, x : x + width])
    left, top, *size = cv2.boundingRect((picture >= 128).astype(np.uint8))
    scale = np.array(size) / (width, height)
    curves = [
        ((letterform.place(stroke, _DRAWN) - (x, y)) * scale + (left, top)) * _CANVAS
        for stroke in letterform.strokes
    ]
    names = part_names(letterform.strokes, curves)
    parts = tuple(Part(name, curve) for name, curve in zip(names, curves, strict=True))
    return Form(letterform.source, picture, parts)


def _framed(letter: Gray) -> Gray:
    """A cropped letter as large and as central as reference pictures have theirs."""
    height, width = letter.shape
    scale = _LETTER / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (REFERENCE_SIZE - size[0]) // 2, (REFERENCE_SIZE - size[1]) // 2
    picture = gray(np.zeros((REFERENCE_SIZE, REFERENCE_SIZE)))
    resized = cv2.resize(letter, size, interpolation=cv2.INTER_AREA)
    picture[top : top + size[1], left : left + size[0]] = resized
    return picture


def part_names(strokes: Sequence[Stroke], curves: Sequence[Points]) -> list[str]:
    """What a learner would call each stroke, by its shape and its place on the canvas."""
    everything = np.concatenate(curves)
    low, high = everything.min(axis=0), everything.max(axis=0)
    usual = float(np.median([np.mean(stroke.width) for stroke in strokes]))
    nouns = [
        "bowl" if np.mean(stroke.width) > max(_BOWL, 1.3 * usual) else _noun(curve, low, high)
        for stroke, curve in zip(strokes, curves, strict=True)
    ]
    places = [_place(curve, low, high) for curve in curves]
    common = Counter(nouns)
    names = []
    for noun, where in zip(nouns, places, strict=True):
        unique = noun == "top bar" or (noun == "tail" and common[noun] == 1)
        names.append(noun if unique else f"{where} {noun}")
    seen: Counter[str] = Counter()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(name if seen[name] == 1 else f"{_ORDINALS[seen[name] - 2]} {name}")
    return numbered


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
    if np.ptp(curve[:, 1]) > 0.55 * (high - low)[1]:
        return _COLUMNS[column]
    if row == 1 and column == 1:
        return "middle"
    if row == 1:
        return _COLUMNS[column]
    if column == 1:
        return _ROWS[row]
    return f"{_ROWS[row]} {_COLUMNS[column]}"
