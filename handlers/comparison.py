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
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from handlers.alignment import Alignment, align, in_place, on_canvas
from handlers.arrays import Field, Gray, Mask, gray, mask
from handlers.drawing import png_data_uri
from handlers.drawings import Drawing
from handlers.lines import (
    SIDE,
    Line,
    Points,
    depth,
    distance_to,
    line_of_ink,
    line_of_strokes,
    middle_of_ink,
    ridge,
    values_at,
)
from handlers.parts import (
    Evidence,
    Judged,
    Offsets,
    Written,
    adopt,
    clearance,
    judge_parts,
    nearest_parts,
    tells,
    unexplained,
)
from handlers.stroke_matching import Matching, match_strokes, parts_of

GRID = 3
"""Regions per row, and rows."""

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
_FITS = 4
_STIFFNESS = np.array([100.0, 100.0, 0.02, 0.02])
"""Weight of no change of scales and offset against one point, where the strokes leave them open."""


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
    def picture_uri(self) -> str:
        """The picture in black on white, as a `data:` URI."""
        return png_data_uri(255 - self.picture)

    @cached_property
    def ink(self) -> Gray:
        """The picture on the canvas: uint8 of shape (128, 128)."""
        return gray(cv2.resize(self.picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA))

    @cached_property
    def half_width(self) -> float:
        """Half the width of most strokes, in pixels of the canvas."""
        return _half_width(self.ink)

    @cached_property
    def distance(self) -> Field:
        """Distance of every pixel of the canvas to the ink."""
        return distance_to(self.ink >= 128)

    @cached_property
    def middle(self) -> Line:
        """The middle of its ink."""
        return middle_of_ink(self.ink)

    @cached_property
    def strokes(self) -> Line:
        """The lines of its parts."""
        return line_of_strokes([part.points for part in self.parts])

    @cached_property
    def depth(self) -> npt.NDArray[np.float64]:
        """How far each point of `strokes` is inside the ink, in pixels."""
        return values_at(depth(self.ink), self.strokes.points)

    @cached_property
    def owners(self) -> npt.NDArray[np.intp]:
        """The part nearest to each pixel of the canvas."""
        lines = (line_of_strokes([part.points]).distance for part in self.parts)
        return np.asarray(np.stack(list(lines)).argmin(axis=0))

    @cached_property
    def clearance(self) -> npt.NDArray[np.float64]:
        """How far each point of `strokes` is from other parts, in pixels."""
        return clearance(self.strokes)

    @cached_property
    def told(self) -> Mask:
        """Where ink tells which part is written, one value per point of `strokes`."""
        return tells(self.strokes)


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
class Placement:
    """The place and the size of a letter, relative to the reference."""

    scales: tuple[float, float]
    """In x and y; 1 is the size of the reference."""
    offset: Points
    """Of the middle, x and y in pixels, (2,)."""
    aligned_offset: Points
    """The same after the alignment."""


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
        return _placement(self.form.strokes, self.judged, self.alignment)

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
    width = _half_width(aligned)
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


def _placement(form: Line, judged: Sequence[Judged], alignment: Alignment) -> Placement:
    """Fits scales and an offset to where the parts are written: least squares of the components
    across the strokes, in which parts that lie apart from the others count less.
    """
    deviations = np.concatenate([each.deviations for each in judged])
    shifts = np.repeat([each.shift for each in judged], [len(each.points) for each in judged], 0)
    normals = form.normals
    seen = ~np.isnan(deviations)
    centre = form.points.mean(axis=0)
    fitted = np.zeros(4)
    if seen.any():
        away = (normals * shifts).sum(axis=1)[seen] + deviations[seen]
        columns = np.concatenate([normals * (form.points - centre), normals], axis=1)[seen]
        weights = np.ones(len(away))
        for _ in range(_FITS):
            weighted = columns * weights[:, None]
            matrix = weighted.T @ columns + np.diag(_STIFFNESS * len(away))
            fitted = np.linalg.solve(matrix, weighted.T @ away)
            weights = 1 / np.maximum(np.abs(away - columns @ fitted), 1.0)
    linear, moved = alignment.matrix[:, :2], alignment.matrix[:, 2]
    back = np.linalg.inv(linear)
    offset = back @ (centre + fitted[2:] - moved) - centre
    x, y = (1 + fitted[:2]) / np.hypot(linear[0], linear[1])
    return Placement((float(x), float(y)), offset, fitted[2:])


def _half_width(ink: Gray) -> float:
    """Half the width of most strokes.

    A percentile above the median, because the ridge has short branches into every corner.
    """
    inside = depth(ink)
    return float(np.percentile(inside[ridge(inside)], 65))


def _share(fault: Mask, ink: Mask, least: float) -> float:
    return np.count_nonzero(fault) / max(int(np.count_nonzero(ink)), least, 1)
