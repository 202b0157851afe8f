"""Compares what a learner wrote with the reference: which ink is missing, which is extra, and how
each part is written.

A photograph is first laid over the reference by `handlers.alignment`, so that size, position and a
small rotation do not count. The frame of a drawing is known: it is moved only if it lies far from
the reference, and that counts. The width of the pen does not count either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import cv2
import numpy as np

from handlers.alignment import Alignment, align, in_place, on_canvas
from handlers.arrays import Gray, Mask, mask
from handlers.drawings import Drawing
from handlers.judged import Judged
from handlers.letterforms import Form
from handlers.lines import (
    SIDE,
    Line,
    depth,
    distance_to,
    half_width,
    line_of_ink,
    line_of_strokes,
    middle_of_ink,
    values_at,
)
from handlers.offsets import Offsets, nearest_parts
from handlers.parts import Evidence, Written, adopt, judge_parts, unexplained
from handlers.placement import Placement, place
from handlers.regions import Region, regions
from handlers.stroke_matching import Matching, match_strokes, parts_of

_OTHER_FORM_PENALTY = 1.1
"""Factor on the cost of letterforms other than that of the reference picture."""
_IN_PLACE = 2.5
"""A drawing whose lines are at most this far from those of the reference on average, in pixels, is
not moved."""
_MUCH_NEARER = 0.5
"""A drawing is moved if its mean distance is then less than this share."""
_BESIDE_INK = np.ones((5, 5), np.uint8)
"""Within two pixels of the ink of a photograph a part may be written."""
_OTHER_INK = 1.3
"""Ink reaches at most this many half widths of the pen from the middle of its stroke."""


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
        """Minimum length of a fault, along the stroke."""
        return 2.2 * self.value

    @property
    def misplaced(self) -> float:
        """A part may be moved by less than this."""
        return 1.9 * self.value


@dataclass(frozen=True)
class Comparison:
    """The result of `compare`. All masks are (128, 128), on the reference's canvas."""

    form: Form
    """The letterform nearest to what the learner wrote."""
    strictness: Strictness
    alignment: Alignment
    in_frame: bool
    """Whether size and place count."""
    ink: Gray
    """The learner's ink, aligned with the letterform: uint8, 255 on 0."""
    line: Line
    """The middle of the learner's strokes, aligned as well."""
    judged: Sequence[Judged]
    """How each part of the form is written."""
    extra_points: Mask
    """Which points of `line` belong to no part."""
    matching: Matching | None
    """Which strokes were drawn, where they are known."""
    missing: Mask
    extra: Mask
    pen_half_width: float
    """Half the width of the learner's strokes in pixels of the canvas."""

    @property
    def length(self) -> float:
        """Of all parts, in pixels."""
        return sum(judged.length for judged in self.judged)

    @property
    def written_length(self) -> float:
        """How much of it is written, in pixels."""
        return sum(judged.length * judged.coverage for judged in self.judged)

    @cached_property
    def placement(self) -> Placement:
        """How the letter lies in the frame."""
        return place(self.form.strokes, self.judged, self.alignment)

    @property
    def is_shifted(self) -> bool:
        """Whether the whole letter is out of its place in the frame, and not only some parts."""
        offset = self.placement.offset
        distance = float(np.hypot(*offset))
        if not self.in_frame or distance <= self.strictness.misplaced:
            return False
        away = offset - self.placement.aligned_offset
        along = [
            float((judged.shift + away) @ offset) / distance
            for judged in self.judged
            if judged.is_seen and judged.shows(offset / distance)
        ]
        return min(along, default=0.0) > distance / 2

    @property
    def regions(self) -> list[Region]:
        """All nine, row by row."""
        return regions(self.missing, self.form.ink >= 128, self.extra, self.ink >= 128)


def compare(
    ink: Gray, forms: Sequence[Form], strictness: Strictness, drawing: Drawing | None = None
) -> Comparison:
    """Compares an ink image, uint8 of shape (64, 64), with the nearest of `forms`.

    `forms` are the letterforms of one character. The first is that of the reference picture;
    another is chosen only if it fits clearly better. `drawing` is what the ink image was made of,
    if it was no photograph. Raises ValueError if there is no ink.
    """
    large = on_canvas(drawing.pad if drawing else ink)
    strokes = drawing.strokes if drawing else ()
    if strokes:
        middle = line_of_strokes([each[:, :2] * SIDE for each in strokes])
    else:
        middle = line_of_ink(large) if drawing else middle_of_ink(large)
    alignments = _align(middle, forms, drawing)
    costs = [
        alignment.cost * (1 if index == 0 else _OTHER_FORM_PENALTY)
        for index, alignment in enumerate(alignments)
    ]
    best = int(np.argmin(costs))
    form, alignment = forms[best], alignments[best]
    aligned = alignment.apply(large)
    width = half_width(aligned)
    # No more tolerance for strokes more than twice as broad as the letterform's: they are blots.
    pen_half = min(width, 2 * form.half_width)
    reference, learner, slack = form.ink >= 128, aligned >= 128, strictness.value
    # A thin pen may leave the sides of the reference's strokes white, and a thick pen may go beyond
    # them, so the difference of the widths is added to the tolerance.
    thinner = max(0.0, 1.15 * form.half_width - pen_half)
    thicker = max(0.0, 1.1 * pen_half - form.half_width)
    missing = reference & (distance_to(learner) > slack + thinner)
    around = 0.75 * slack + thicker
    is_known = strokes or (drawing and aligned is large)
    line = middle.moved(alignment.matrix) if is_known else line_of_ink(aligned)
    offsets = Offsets.between(line, form.strokes)
    matching = None
    if strokes:
        matching = match_strokes(line, form.strokes, offsets)
        parts = parts_of(line, matching, nearest_parts(offsets, form.strokes))
        written = Written(line, parts, np.full(len(parts), np.inf))
        nowhere = np.zeros(len(form.strokes.points), np.bool_)
        evidence = Evidence(told=~nowhere, inked=nowhere, clear=nowhere, doubtful=nowhere)
    else:
        parts = nearest_parts(offsets, form.strokes)
        outside = values_at(form.distance, line.points)
        outside = np.where(outside > around, outside + form.half_width / 4, 0)
        written = Written(line, parts, outside)
        evidence = _evidence(aligned, form, _OTHER_INK * pen_half + 2 if drawing else 0.0)
    judged = judge_parts(written, form.strokes, evidence, offsets)
    extra_points = unexplained(written, judged, 2 * slack, form.strokes, offsets)
    adopted = adopt(written, extra_points, judged, form.strokes)
    if adopted is not written:
        judged = judge_parts(adopted, form.strokes, evidence, offsets)
        extra_points = unexplained(adopted, judged, 2 * slack, form.strokes, offsets)
    for part, each in enumerate(judged):
        if each.is_missing:
            # Ink of other parts nearby does not make up for it.
            missing |= reference & (form.owners == part)
    return Comparison(
        form,
        strictness,
        alignment,
        drawing is not None,
        aligned,
        line,
        judged,
        extra_points,
        matching,
        missing,
        learner & (form.distance > around),
        width,
    )


def _evidence(ink: Gray, form: Form, reach: float) -> Evidence:
    """What ink shows at the points of a form. `reach` is how far ink lies from the middle of its
    stroke, in pixels; 0 for a photograph: what it shows under other ink is not called missing.
    """
    points = form.strokes.points
    inside = values_at(depth(ink), points)
    # Broader ink than twice the letterform's tells no strokes.
    inked = (inside > 0) & (inside <= 2 * form.depth + 3)
    doubtful = np.zeros(len(inside)) if reach else values_at(cv2.dilate(ink, _BESIDE_INK), points)
    return Evidence(form.told, mask(inked), mask(form.clearance > reach), mask(doubtful))


def _align(middle: Line, forms: Sequence[Form], drawing: Drawing | None) -> list[Alignment]:
    if not drawing:
        return align(middle, [form.middle for form in forms])
    references = [form.strokes for form in forms]
    here = in_place(middle, references)
    away = [values_at(reference.distance, middle.points).mean() for reference in references]
    if min(away) <= _IN_PLACE:
        return here
    moved = align(middle, references, rotation=False)
    is_nearer = _lowest(moved) < _MUCH_NEARER * _lowest(here)
    return moved if is_nearer else here


def _lowest(alignments: Sequence[Alignment]) -> float:
    return min(alignment.cost for alignment in alignments)
