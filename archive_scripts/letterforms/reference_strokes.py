"""The strokes of the reference pictures, which the web page reveals one after another."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from archive_scripts.letterforms.part_names import part_names
from archive_scripts.letterforms.reference_forms import place, reference_ink
from archive_scripts.letterforms.strokes import StrokeLetterform, load_strokes
from handlers.arrays import Gray
from handlers.lines import Points

STROKES = "strokes.json"
"""File name, in the folder of the reference pictures."""

_TOLERANCE = 0.0035
"""Largest error of a simplified path and its widths: less than a pixel of the picture."""
_REVEALED_SHARE = 0.99
"""Share of a stroke's ink that its width reveals. The rest are tips of wedges: a mask broad enough
for them would show other strokes too early."""


class ReferenceNib(TypedDict):
    """The pen of a stroke: it inks the stroke where it passes."""

    angle: int
    """Of the nib's edge in degrees, clockwise from the horizontal."""
    edge: float
    """Half the thickness of the nib's edge."""
    widths: list[float]
    """Width of the nib at each of the stroke's points."""


class ReferenceStroke(TypedDict):
    """One movement of the pen, in fractions of the side of the reference picture."""

    name: str
    width: float
    """Width of a line with round ends along `points` that covers the stroke's ink."""
    points: list[list[float]]
    """`[x, y]` in the order of writing, x to the right, y down; at least two."""
    nib: ReferenceNib


def reference_strokes(reference_images: Path) -> list[list[ReferenceStroke]]:
    """The strokes of each class in the order of writing, `[class][stroke]`.

    Raises OSError if a reference picture cannot be read.
    """
    return [
        strokes_of(forms[0], reference_ink(reference_images, index))
        for index, forms in enumerate(load_strokes())
    ]


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


def strokes_of(letterform: StrokeLetterform, picture: Gray) -> list[ReferenceStroke]:
    """The strokes of `letterform` over the ink (255 on 0) of a reference picture."""
    curves, unit = place(letterform, picture)
    names = part_names(letterform.strokes, curves)
    paths = [
        _simplified(curve, unit * stroke.widths_along(len(curve)))
        for stroke, curve in zip(letterform.strokes, curves, strict=True)
    ]
    ink = ink_of(picture)
    distance = np.array([distances(ink, path[:, :2]) for path in paths])
    nearest = distance.argmin(axis=0)
    strokes: list[ReferenceStroke] = []
    for index, (stroke, path) in enumerate(zip(letterform.strokes, paths, strict=True)):
        radius = float(np.quantile(distance[index][nearest == index], _REVEALED_SHARE))
        strokes.append(
            {
                "name": names[index],
                "width": round(2 * radius, 3),
                "points": path[:, :2].tolist(),
                "nib": {
                    "angle": round(stroke.pen),
                    "edge": round(unit * letterform.edge, 4),
                    "widths": path[:, 2].tolist(),
                },
            }
        )
    return strokes


def _simplified(curve: Points, widths: npt.NDArray[np.float64]) -> Points:
    """The fewest points that keep the shape of a curve and its widths (Douglas and Peucker 1973).

    Returns x, y and width in each row.
    """
    points = np.column_stack([curve, widths])
    kept, open_ranges = {0, len(points) - 1}, [(0, len(points) - 1)]
    while open_ranges:
        first, last = open_ranges.pop()
        away = _distances_to_line(points[first : last + 1], points[first], points[last])
        middle = first + int(away.argmax())
        if away.max() > _TOLERANCE:
            kept.add(middle)
            open_ranges += [(first, middle), (middle, last)]
    return np.round(points[sorted(kept)], 3)


def _distances_to_line(pixels: Points, start: Points, end: Points) -> npt.NDArray[np.float64]:
    along = end - start
    share = ((pixels - start) @ along) / max(float(along @ along), 1e-12)
    foot = start + np.clip(share, 0, 1)[:, None] * along
    return np.asarray(np.linalg.norm(pixels - foot, axis=1))
