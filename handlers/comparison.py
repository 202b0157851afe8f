"""Compares a learner's ink with the reference: which ink is missing, which is extra, and where.

`handlers.alignment` first lays the ink over the reference, so that size, position and a small
rotation do not count. The width of the pen does not count either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import pairwise

import cv2
import numpy as np

from handlers.alignment import (
    SIDE,
    Alignment,
    Centreline,
    Points,
    align,
    centreline,
    depth,
    on_canvas,
    ridge,
)
from handlers.arrays import Field, Gray, Mask, field, gray

GRID = 3
"""Regions per row, and rows."""

_OTHER_FORM_PENALTY = 1.1
"""Factor on the cost of letterforms other than that of the reference picture."""


class Strictness(Enum):
    """How far ink may be off before it is a fault, in pixels of the 128-pixel canvas, on which a
    letter is 108 long.
    """

    LENIENT = 6.0
    NORMAL = 4.0
    STRICT = 2.5

    @classmethod
    def named(cls, name: str) -> Strictness:
        """The member with this name in lower case. Raises ValueError for any other name."""
        known = {strictness.name.lower(): strictness for strictness in cls}
        if name not in known:
            raise ValueError(f"strictness is one of {', '.join(known)}")
        return known[name]

    @property
    def noticeable(self) -> float:
        """Minimum length of a fault, along the stroke, for a sentence."""
        return 2.2 * self.value


@dataclass(frozen=True)
class Part:
    """A named stroke of a letterform, such as "top bar"."""

    name: str
    points: Points
    """Along the middle of the stroke, in the order of writing, (n, 2)."""


@dataclass(frozen=True)
class Form:
    """A letterform: one way to write a character."""

    source: str
    """The writing tradition."""
    picture: Gray
    """uint8 of shape (256, 256), 255 on 0: the inverted reference picture or one like it."""
    parts: tuple[Part, ...]

    @cached_property
    def ink(self) -> Gray:
        """The picture on the canvas: uint8 of shape (128, 128)."""
        return gray(cv2.resize(self.picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA))

    @cached_property
    def line(self) -> Centreline:
        """The centreline of its strokes."""
        return centreline(self.ink)


@dataclass(frozen=True)
class Region:
    """One of the nine regions of the reference picture."""

    row: int
    column: int
    missing: float
    """Share of the reference's ink in this region that the learner left out, 0-1. A region with
    less ink than 4 % of the whole letter counts as if it had 4 %, so that a speck weighs little."""
    extra: float
    """Share of the learner's ink in this region that the reference does not have; as `missing`."""

    @property
    def score(self) -> float:
        """100 for a region without faults, 0 for one where nothing is right."""
        return 100 * (1 - self.missing) * (1 - self.extra)


@dataclass(frozen=True)
class Comparison:
    """The result of `compare`. All masks are (128, 128), on the reference's canvas."""

    form: Form
    """The letterform nearest to the learner's ink."""
    strictness: Strictness
    alignment: Alignment
    ink: Gray
    """The learner's ink, aligned with the letterform: uint8, 255 on 0."""
    line: Centreline
    """The centreline of the aligned ink."""
    missing: Mask
    extra: Mask
    pen_half_width: float
    """Half the width of the learner's strokes in pixels of the canvas."""
    form_half_width: float
    """Half the width of the letterform's strokes, in the same pixels."""

    @property
    def regions(self) -> list[Region]:
        """All nine, row by row."""
        reference, ink = self.form.ink >= 128, self.ink >= 128
        least = 0.04 * np.count_nonzero(reference)
        bounds = np.linspace(0, SIDE, GRID + 1).round().astype(int)
        slices = [slice(low, high) for low, high in pairwise(bounds)]
        return [
            Region(
                row,
                column,
                _share(self.missing[rows, columns], reference[rows, columns], least),
                _share(self.extra[rows, columns], ink[rows, columns], least),
            )
            for row, rows in enumerate(slices)
            for column, columns in enumerate(slices)
        ]


def compare(ink: Gray, forms: Sequence[Form], strictness: Strictness) -> Comparison:
    """Compares an ink image, uint8 of shape (64, 64), with the nearest of `forms`.

    `forms` are the letterforms of one character. The first is that of the reference picture;
    another is chosen only if it fits clearly better. Raises ValueError if there is no ink.
    """
    large = on_canvas(ink)
    line = centreline(large)
    alignments = [align(line, form.line) for form in forms]
    costs = [
        alignment.cost * (1 if index == 0 else _OTHER_FORM_PENALTY)
        for index, alignment in enumerate(alignments)
    ]
    best = int(np.argmin(costs))
    form, alignment = forms[best], alignments[best]
    aligned = alignment.apply(large)
    form_half = _half_width(form.ink)
    # Strokes more than twice as broad as the letterform's are blots: no more tolerance for them.
    pen_half = min(_half_width(aligned), 2 * form_half)
    reference, learner, slack = form.ink >= 128, aligned >= 128, strictness.value
    # A thin pen may leave the sides of the reference's strokes white, and a thick pen may go beyond
    # them, so the difference of the widths is added to the tolerance.
    missing = reference & (_distance(learner) > slack + max(0.0, 1.15 * form_half - pen_half))
    extra = learner & (_distance(reference) > 0.75 * slack + max(0.0, 1.1 * pen_half - form_half))
    line = centreline(aligned)
    return Comparison(
        form, strictness, alignment, aligned, line, missing, extra, pen_half, form_half
    )


def _distance(ink: Mask) -> Field:
    """Distance of every pixel to the ink."""
    return field(cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 5))


def _half_width(ink: Gray) -> float:
    """Half the width of most strokes.

    A percentile above the median, because the ridge has short branches into every corner.
    """
    inside = depth(ink)
    return float(np.percentile(inside[ridge(inside)], 65))


def _share(fault: Mask, ink: Mask, least: float) -> float:
    return np.count_nonzero(fault) / max(int(np.count_nonzero(ink)), least, 1)
