"""How the reference pictures are written: the strokes that a page reveals one after another."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import TypedDict

import cv2
import numpy as np
import numpy.typing as npt

from archive_scripts.letterforms.reference_forms import reference_forms
from handlers.alignment import SIDE, Points
from handlers.comparison import Form

STROKES = "strokes.json"
"""Name of the file, beside the pictures."""

_TOLERANCE = 0.0035
"""How far a simplified path may be from the curve: less than a pixel of the picture."""
_REVEALED = 0.99
"""Share of a stroke's ink that its width reveals. What is left are tips of wedges, for which a
mask would have to be so broad that it shows strokes before their turn."""


class ReferenceStroke(TypedDict):
    """One movement of the pen, in fractions of the side of the reference picture."""

    name: str
    width: float
    """Of a line with round ends along `points` that covers the ink of the stroke."""
    points: list[list[float]]
    """`[x, y]` in the order of writing, x to the right, y down, two or more."""


def reference_strokes(reference_images: Path) -> list[list[ReferenceStroke]]:
    """The strokes of each class in the order of writing, `[class][stroke]`.

    Raises OSError where a reference picture cannot be read.
    """
    return [_strokes(forms[0]) for forms in reference_forms(reference_images)]


def write_reference_strokes(reference_images: Path) -> None:
    """Writes `strokes.json` beside the pictures: a list a class, a stroke a line."""
    classes = [
        ",\n".join(json.dumps(stroke, separators=(",", ":")) for stroke in strokes)
        for strokes in reference_strokes(reference_images)
    ]
    text = "[\n" + ",\n".join(f"[\n{lines}\n]" for lines in classes) + "\n]\n"
    (reference_images / STROKES).write_text(text, encoding="utf-8")


def distances(pixels: Points, path: Points) -> npt.NDArray[np.float64]:
    """How far each pixel, shape (n, 2), is from a path of shape (m, 2): shape (n,)."""
    pieces = [_from_line(pixels, *ends) for ends in pairwise(path)]
    return np.asarray(np.min(pieces, axis=0))


def ink_of(picture: npt.NDArray[np.uint8]) -> Points:
    """Where a square picture has ink, 255 on 0, as fractions of its side: shape (n, 2)."""
    rows, columns = np.nonzero(picture >= 128)
    return (np.stack([columns, rows], axis=1) + 0.5) / len(picture)


def _strokes(form: Form) -> list[ReferenceStroke]:
    paths = [_simplified(part.points / SIDE) for part in form.parts]
    ink = ink_of(form.picture)
    far = np.array([distances(ink, path) for path in paths])
    nearest = far.argmin(axis=0)
    return [
        {
            "name": part.name,
            "width": round(2 * float(np.quantile(far[index][nearest == index], _REVEALED)), 3),
            "points": path.tolist(),
        }
        for index, (part, path) in enumerate(zip(form.parts, paths, strict=True))
    ]


def _simplified(curve: Points) -> Points:
    """The fewest of its points that keep a curve's shape (Douglas and Peucker 1973)."""
    kept = cv2.approxPolyDP(curve.astype(np.float32)[:, None], _TOLERANCE, closed=False)
    return np.round(kept[:, 0].astype(np.float64), 3)


def _from_line(pixels: Points, start: Points, end: Points) -> npt.NDArray[np.float64]:
    along = end - start
    share = ((pixels - start) @ along) / max(float(along @ along), 1e-12)
    foot = start + np.clip(share, 0, 1)[:, None] * along
    return np.asarray(np.hypot(*(pixels - foot).T))
