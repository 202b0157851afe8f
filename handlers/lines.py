"""The middle lines of strokes: of a letterform, of drawn strokes, and of ink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Field, Gray, Mask, field, mask

SIDE = 128
"""Side in pixels of the canvas on which inks are compared, half that of a reference picture."""

SPACING = 2.0
"""Distance of the points of a line, in pixels of the canvas."""

FAR = 8.0
"""A point this far off, in pixels, has no counterpart."""

Points = npt.NDArray[np.float64]
"""x and y on the canvas in pixels, shape (n, 2)."""
Indices = npt.NDArray[np.intp]

_MOST_POINTS = 1500
"""Ten times those of a letter."""
_TENSOR_BLUR = 2.0
"""Of the structure tensor, in pixels."""


@dataclass(frozen=True)
class Line:
    """Points along the middle of strokes, about `SPACING` apart."""

    points: Points
    directions: Points
    """Of the strokes at the points: unit vectors, (n, 2). Of ink they have no sign, and they are 0
    where strokes meet."""
    strokes: Indices
    """Which stroke a point belongs to, (n,); of ink always 0."""

    @cached_property
    def distance(self) -> Field:
        """Distance of each pixel of the canvas to the nearest point, shape (128, 128)."""
        inked = np.zeros((SIDE, SIDE), np.bool_)
        inked[_pixels(self.points)] = True
        return distance_to(inked)

    @cached_property
    def normals(self) -> Points:
        """To the right of `directions`, (n, 2)."""
        return np.stack([-self.directions[:, 1], self.directions[:, 0]], axis=1)

    @cached_property
    def slopes(self) -> Field:
        """`distance`, and its slopes in x and y, with a frame of one pixel where it is `FAR`: shape
        (130, 130, 3).
        """
        smooth = cv2.GaussianBlur(self.distance, (0, 0), 1.0)
        slopes = (cv2.Scharr(smooth, cv2.CV_32F, *axes, scale=1 / 32) for axes in ((1, 0), (0, 1)))
        merged = cv2.merge([self.distance, *slopes])
        return field(cv2.copyMakeBorder(merged, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(FAR, 0, 0)))

    @cached_property
    def starts(self) -> Indices:
        """The index of the first point of each stroke."""
        return np.flatnonzero(np.diff(self.strokes, prepend=-1))

    @cached_property
    def ends(self) -> Indices:
        """The indices of the first and the last point of each stroke, (strokes, 2)."""
        return np.column_stack([self.starts, [*(self.starts[1:] - 1), len(self.points) - 1]])

    @cached_property
    def pieces(self) -> list[slice]:
        """The points of each stroke."""
        return [slice(first, last + 1) for first, last in self.ends.tolist()]

    def sums(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """The sums of values of points, (n, ...), for each stroke, (strokes, ...)."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=0, dtype=np.float64))

    def means(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """The means of values of points, (n,), for each stroke, (strokes,)."""
        return self.sums(values) / np.bincount(self.strokes)

    @property
    def box(self) -> tuple[Points, Points]:
        """The upper left and the lower right corner of the points."""
        return self.points.min(axis=0), self.points.max(axis=0)

    def only(self, chosen: Mask | Indices | slice) -> Line:
        """Some of its points."""
        return Line(self.points[chosen], self.directions[chosen], self.strokes[chosen])

    def shifted(self, offset: Points) -> Line:
        """The line moved by x and y in pixels."""
        return Line(self.points + offset, self.directions, self.strokes)

    def moved(self, matrix: npt.NDArray[np.float64]) -> Line:
        """The line under an affine map, shape (2, 3)."""
        points = self.points @ matrix[:, :2].T + matrix[:, 2]
        return Line(points, _unit(self.directions @ matrix[:, :2].T), self.strokes)


def line_of_strokes(strokes: Sequence[Points]) -> Line:
    """The line of strokes, each (n, 2), in the direction of writing.

    The points of very much writing are farther apart.
    """
    length = sum(map(length_along, strokes))
    curves = [resample(stroke, max(SPACING, length / _MOST_POINTS)) for stroke in strokes]
    return Line(
        np.concatenate(curves),
        np.concatenate([directions_along(curve) for curve in curves]),
        np.repeat(np.arange(len(curves)), [len(curve) for curve in curves]),
    )


def length_along(curve: Points) -> float:
    """The length of a curve, in the unit of its points."""
    return float(np.hypot(*np.diff(curve, axis=0).T).sum())


def resample(curve: Points, spacing: float) -> Points:
    """Points of a curve at even distances of about `spacing` pixels, with both ends."""
    steps = np.hypot(*np.diff(curve, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    places = np.linspace(0, along[-1], max(2, round(along[-1] / spacing) + 1))
    return np.stack([np.interp(places, along, curve[:, axis]) for axis in (0, 1)], axis=1)


def directions_along(curve: Points) -> Points:
    """Unit vectors along a curve, over four steps where there are."""
    reach = min(2, len(curve) - 1)
    places = np.arange(len(curve))
    after, before = np.minimum(places + reach, len(curve) - 1), np.maximum(places - reach, 0)
    return _unit(curve[after] - curve[before])


def groups(points: Points) -> Iterator[Indices]:
    """The indices of points in groups that hang together."""
    left = np.arange(len(points))
    while len(left):
        group, left = left[:1], left[1:]
        fresh = group
        while len(fresh) and len(left):
            vectors = points[left][:, None] - points[fresh][None]
            close = np.hypot(vectors[..., 0], vectors[..., 1]).min(axis=1) <= 2.5 * SPACING
            fresh, left = left[close], left[~close]
            group = np.concatenate([group, fresh])
        yield np.sort(group)


def line_of_ink(ink: Gray) -> Line:
    """The line of ink, (128, 128), 255 on 0. Raises ValueError if there is no ink."""
    middle = middle_of_ink(ink)
    return replace(middle, directions=_ink_directions(ink, middle.points))


def middle_of_ink(ink: Gray) -> Line:
    """The same without directions."""
    inside = depth(ink)
    middle = ridge(inside)
    if not middle.any():
        raise ValueError("no ink to compare")
    # One point of each square of two by two pixels, the deepest.
    squares = np.where(middle, inside, 0).reshape(SIDE // 2, 2, SIDE // 2, 2).swapaxes(1, 2)
    quarters = squares.reshape(SIDE // 2, SIDE // 2, 4)
    rows, columns = np.nonzero(quarters.max(axis=2))
    best = quarters[rows, columns].argmax(axis=1)
    points = np.stack([2 * columns + best % 2, 2 * rows + best // 2], axis=1).astype(np.float64)
    return Line(points, np.zeros_like(points), np.zeros(len(points), np.intp))


def depth(ink: Gray) -> Field:
    """Distance of each pixel of the ink, 128 and more, to the paper, also beyond the picture."""
    framed = cv2.copyMakeBorder((ink >= 128).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    return field(cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1])


def distance_to(ink: Mask) -> Field:
    """Distance of each pixel of a canvas to the ink."""
    return field(cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 5))


def values_at(picture: npt.NDArray[Any], points: Points) -> npt.NDArray[np.float64]:
    """The values of the pixels of a canvas at points, (n,)."""
    return np.asarray(picture[_pixels(points)], dtype=np.float64)


def _pixels(points: Points) -> tuple[Indices, Indices]:
    """The rows and the columns of the pixels of a canvas nearest to points."""
    columns, rows = np.rint(points).astype(np.intp).clip(0, SIDE - 1).T
    return rows, columns


def ridge(inside: Field) -> Mask:
    """The local maxima of `depth`, which are the middle of strokes."""
    return mask((inside > 0) & (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)) - 0.35))


def half_width(ink: Gray) -> float:
    """Half the width of most strokes, in pixels.

    A percentile above the median, because the ridge has short branches into every corner.
    """
    inside = depth(ink)
    return float(np.percentile(inside[ridge(inside)], 65))


def _ink_directions(ink: Gray, points: Points) -> Points:
    """Directions of strokes by the structure tensor of the ink (Bigün and Granlund 1987)."""
    smooth = cv2.GaussianBlur(ink, (0, 0), 1.0).astype(np.float32)
    x, y = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    xx, yy, xy = (
        values_at(cv2.GaussianBlur(each, (0, 0), 2 * _TENSOR_BLUR), points)
        for each in (x * x, y * y, x * y)
    )
    # The gradient is across the stroke; half the angle of the double angle is its own.
    across = 0.5 * np.arctan2(2 * xy, xx - yy)
    coherence = np.hypot(2 * xy, xx - yy) / np.maximum(xx + yy, 1e-9)
    directions = np.stack([-np.sin(across), np.cos(across)], axis=1)
    directions[coherence < 0.35] = 0
    return directions


def _unit(vectors: Points) -> Points:
    return vectors / np.maximum(np.hypot(vectors[:, 0], vectors[:, 1]), 1e-9)[:, None]
