"""A learner's ink beside the reference: what is missing, what is extra, and where.

The ink is laid over the reference first (`handlers.alignment`), so that its size, its place
and a small rotation cost nothing, and a stroke may be as thin or as thick as the pen makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

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
"""Regions in a row and rows of regions."""

_FAMILIAR = 1.1
"""Factor on the cost of forms other than that of the reference picture."""


class Strictness(Enum):
    """How far ink may be off before it counts as a fault, in pixels of the 128-pixel canvas,
    on which a letter is 108 long.
    """

    LENIENT = 6.0
    NORMAL = 4.0
    STRICT = 2.5

    @classmethod
    def named(cls, name: str) -> Strictness:
        """The one called `name`, in lower case. Raises ValueError for another name."""
        known = {strictness.name.lower(): strictness for strictness in cls}
        if name not in known:
            raise ValueError(f"strictness is one of {', '.join(known)}")
        return known[name]

    @property
    def noticeable(self) -> float:
        """Length of a fault, along the stroke, that is worth a sentence."""
        return 2.2 * self.value


@dataclass(frozen=True)
class Part:
    """A stroke of a reference by its name, such as "top bar"."""

    name: str
    points: Points
    """Along the middle of the stroke in the order of writing, pixels of the canvas, (n, 2)."""


@dataclass(frozen=True)
class Form:
    """One way to write a character, to compare with."""

    source: str
    """The tradition it comes from."""
    picture: Gray
    """uint8 of shape (256, 256), 255 on 0: the reference picture, inverted, or one like it."""
    parts: tuple[Part, ...]

    @cached_property
    def ink(self) -> Gray:
        """The picture on the canvas: uint8 of shape (128, 128)."""
        return gray(cv2.resize(self.picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA))

    @cached_property
    def line(self) -> Centreline:
        """The middle of its strokes."""
        return centreline(self.ink)


@dataclass(frozen=True)
class Region:
    """One of the nine thirds of thirds of the reference picture."""

    row: int
    column: int
    missing: float
    """Share of the reference's ink in this region that the learner left out, 0-1. In regions with
    hardly any ink it is taken of 4 % of the whole letter's instead: a speck weighs little."""
    extra: float
    """Share of the learner's ink in this region that the reference does not have, likewise."""

    @property
    def score(self) -> float:
        """100 for a region without a fault, 0 for one where nothing is right."""
        return 100 * (1 - self.missing) * (1 - self.extra)


@dataclass(frozen=True)
class Comparison:
    """What `compare` found. All masks have shape (128, 128) and lie on the reference's canvas."""

    form: Form
    """The way to write the character that the learner's is nearest to."""
    strictness: Strictness
    alignment: Alignment
    ink: Gray
    """The learner's ink where it was laid over the form: uint8, 255 on 0."""
    line: Centreline
    """The middle of the learner's strokes, laid over the form as well."""
    missing: Mask
    extra: Mask
    pen: float
    """Half the width of the learner's strokes in pixels of the canvas."""
    nib: float
    """Half the width of the form's strokes."""

    @property
    def regions(self) -> list[Region]:
        """All nine, row by row."""
        reference, ink = self.form.ink >= 128, self.ink >= 128
        # A speck of ink in a region is neither lost nor added with the weight of a region.
        least = 0.04 * np.count_nonzero(reference)
        bounds = np.linspace(0, SIDE, GRID + 1).round().astype(int)
        found = []
        for row in range(GRID):
            for column in range(GRID):
                at = (
                    slice(bounds[row], bounds[row + 1]),
                    slice(bounds[column], bounds[column + 1]),
                )
                missing = _share(self.missing[at], reference[at], least)
                found.append(Region(row, column, missing, _share(self.extra[at], ink[at], least)))
        return found


def compare(ink: Gray, forms: Sequence[Form], strictness: Strictness) -> Comparison:
    """Compares an ink image, uint8 of shape (64, 64), with the form it is nearest to.

    `forms` are all of one character, that of the reference picture first: another is chosen
    only where it fits clearly better. Raises ValueError where there is no ink at all.
    """
    large = on_canvas(ink)
    line = centreline(large)
    alignments = [align(line, form.line) for form in forms]
    costs = [
        alignment.cost * (1 if index == 0 else _FAMILIAR)
        for index, alignment in enumerate(alignments)
    ]
    best = int(np.argmin(costs))
    form, alignment = forms[best], alignments[best]
    aligned = alignment.apply(large)
    nib = _half_width(form.ink)
    # What is more than twice as broad is a blot, and no reason to be more tolerant.
    pen = min(_half_width(aligned), 2 * nib)
    reference, learner = form.ink >= 128, aligned >= 128
    missing = reference & (_reach(learner) > strictness.value + max(0.0, 1.15 * nib - pen))
    extra = learner & (_reach(reference) > 0.75 * strictness.value + max(0.0, 1.1 * pen - nib))
    return Comparison(
        form, strictness, alignment, aligned, centreline(aligned), missing, extra, pen, nib
    )


def _reach(ink: Mask) -> Field:
    """How far every pixel is from the ink."""
    return field(cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 5))


def _half_width(ink: Gray) -> float:
    """Half the width of most strokes.

    More than the median of the ridge, which has short branches into every corner.
    """
    inside = depth(ink)
    return float(np.percentile(inside[ridge(inside)], 65))


def _share(fault: Mask, ink: Mask, least: float) -> float:
    return float(np.count_nonzero(fault) / max(np.count_nonzero(ink), least, 1))
