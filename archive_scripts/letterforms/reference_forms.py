"""The forms that a learner's writing is compared with.

A form is the reference picture or the same character in another tradition.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from archive_scripts.letterforms.part_names import part_names
from archive_scripts.letterforms.references import REFERENCE_SIZE
from archive_scripts.letterforms.strokes import StrokeLetterform, load_strokes
from handlers.arrays import Gray, gray
from handlers.letterforms import Form, Part
from handlers.lines import SIDE, Points

_LETTER = 216
"""Longer side of a letter in a reference picture, in pixels."""
_DRAWING_SIDE = 512


def reference_forms(reference_images: Path) -> list[list[Form]]:
    """All forms of each class, `[class][form]`; the first form is the reference picture's.

    Raises OSError if a reference picture cannot be read.
    """
    forms = []
    for index, letterforms in enumerate(load_strokes()):
        picture = reference_ink(reference_images, index)
        own = [_form(letterforms[0], picture)]
        own += [_form(form, None) for form in letterforms[1:] if form.comparable]
        forms.append(own)
    return forms


def reference_ink(reference_images: Path, index: int) -> Gray:
    """The reference picture of a class as ink, 255 on 0. Raises OSError if it cannot be read."""
    path = reference_images / f"class_{index}.png"
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise OSError(f"{path} cannot be read")
    return gray(255 - picture)


def place(letterform: StrokeLetterform, picture: Gray) -> tuple[list[Points], float]:
    """Lays a letterform over the ink (255 on 0) of a square picture.

    Returns the curve of each stroke and the unit of the letterform, in fractions of the side.
    """
    drawn = letterform.picture(_DRAWING_SIDE)
    x, y, *size = cv2.boundingRect(drawn)
    left, top, *room = cv2.boundingRect((picture >= 128).astype(np.uint8))
    scale = np.array(room) / size / len(picture)
    offset = np.array([left, top]) / len(picture)
    curves = [
        (letterform.curve(stroke, _DRAWING_SIDE) - (x, y)) * scale + offset
        for stroke in letterform.strokes
    ]
    return curves, float(scale.mean()) * letterform.unit(_DRAWING_SIDE)


def _form(letterform: StrokeLetterform, picture: Gray | None) -> Form:
    """`letterform` on the canvas, its parts fitted to `picture` if there is one."""
    if picture is None:
        drawn = letterform.picture(_DRAWING_SIDE)
        x, y, width, height = cv2.boundingRect(drawn)
        picture = _framed(drawn[y : y + height, x : x + width])
    curves, _ = place(letterform, picture)
    names = part_names(letterform.strokes, curves)
    parts = tuple(Part(name, curve * SIDE) for name, curve in zip(names, curves, strict=True))
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
