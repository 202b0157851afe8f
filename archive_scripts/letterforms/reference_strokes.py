"""The strokes of the reference pictures, which the web page reveals one after another."""

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
"""File name, in the folder of the reference pictures."""

_TOLERANCE = 0.0035
"""Largest distance of a simplified path from the curve: less than a pixel of the picture."""
_REVEALED_SHARE = 0.99
"""Share of a stroke's ink that its width reveals. The rest are tips of wedges: a mask broad enough
for them would show other strokes too early."""


class ReferenceStroke(TypedDict):
    """One movement of the pen, in fractions of the side of the reference picture."""

    name: str
    width: float
    """Width of a line with round ends along `points` that covers the stroke's ink."""
    points: list[list[float]]
    """`[x, y]` in the order of writing, x to the right, y down; at least two."""


def reference_strokes(reference_images: Path) -> list[list[ReferenceStroke]]:
    """The strokes of each class in the order of writing, `[class][stroke]`.

    Raises OSError if a reference picture cannot be read.
    """
    return [_strokes(forms[0]) for forms in reference_forms(reference_images)]


def write_reference_strokes(reference_images: Path) -> None:
    """Writes `strokes.json` beside the pictures: one list per class, one stroke per line."""
    classes = [
        ",\n".join(json.dumps(stroke, separators=(",", ":")) for stroke in strokes)
        for strokes in reference_strokes(reference_images)
    ]
    text = "[\n" + ",\n".join(f"[\n{lines}\n]" for lines in classes) + "\n]\n"
    (reference_images / STROKES).write_text(text, encoding="utf-8")


def distances(pixels: Points, path: Points) -> npt.NDArray[np.float64]:
    """Distance of each pixel, shape (n, 2), from a path of shape (m, 2). Returns shape (n,)."""
    pieces = [_distances_to_line(pixels, *ends) for ends in pairwise(path)]
    return np.asarray(np.min(pieces, axis=0))


def ink_of(picture: npt.NDArray[np.uint8]) -> Points:
    """Positions of the ink (255 on 0) in a square picture, as fractions of its side: (n, 2)."""
    rows, columns = np.nonzero(picture >= 128)
    return (np.stack([columns, rows], axis=1) + 0.5) / len(picture)


def _strokes(form: Form) -> list[ReferenceStroke]:
    if not form.parts:
        return []
    paths = [_simplified(part.points / SIDE) for part in form.parts]
    ink = ink_of(form.picture)
    distance = np.array([distances(ink, path) for path in paths])
    nearest = distance.argmin(axis=0)
    strokes: list[ReferenceStroke] = []
    for index, (part, path) in enumerate(zip(form.parts, paths, strict=True)):
        radius = float(np.quantile(distance[index][nearest == index], _REVEALED_SHARE))
        width = round(2 * radius, 3)
        strokes.append({"name": part.name, "width": width, "points": path.tolist()})
    return strokes


def _simplified(curve: Points) -> Points:
    """The fewest points that keep the shape of `curve` (Douglas and Peucker 1973)."""
    kept = cv2.approxPolyDP(curve.astype(np.float32)[:, None], _TOLERANCE, closed=False)
    return np.round(kept[:, 0].astype(np.float64), 3)


def _distances_to_line(pixels: Points, start: Points, end: Points) -> npt.NDArray[np.float64]:
    along = end - start
    share = ((pixels - start) @ along) / max(float(along @ along), 1e-12)
    foot = start + np.clip(share, 0, 1)[:, None] * along
    return np.asarray(np.hypot(*(pixels - foot).T))
