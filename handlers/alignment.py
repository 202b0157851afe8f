"""Lays one ink image over another: finds the position, scale, aspect and a small rotation.

The comparison uses the centrelines of strokes, so that the width of the pen does not matter, and
truncated distances, so that a missing or extra part does not pull the rest out of place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Gray, Mask, gray
from handlers.lines import FAR, SIDE, Indices, Line, Points, values_at

Poses = npt.NDArray[np.float64]
"""Transforms of an ink, shape (n, 5): logarithms of the scales in x and y, rotation in radians
clockwise, and the position of the ink's centre on the canvas, x and y in pixels."""
Matrices = npt.NDArray[np.float64]
"""Affine maps, shape (n, 2, 3)."""

_SAMPLES = 64
"""Points per line that the search uses."""
_COARSE = 3
"""Every third of them is used for the first choice."""
_PARTIAL_PENALTY = 1.2
"""Factor on the cost of poses that leave a third or more of the reference without ink."""
_EXTENTS = ((0.0, 1.0), (0.0, 0.72), (0.28, 1.0))
"""Shares of the reference's width and height that the ink may cover; the whole comes first."""
_FIRST, _LAST = np.moveaxis(np.array([*product(_EXTENTS, repeat=2)]), 2, 0)
"""The first and the last share, in x and y, (9, 2) each."""
_START_ANGLES = np.deg2rad((-12, 0, 12))
_STRETCHES = 3
"""Ways to fit the ink to a box."""
_STEPS = 6
_DAMPING = np.diag([5.0, 5.0, 5.0, 0.01, 0.01])
"""Keeps steps short where the distances do not say which way to go."""
_MAX_STEP = np.array([0.2, 0.2, 0.15, 8.0, 8.0])
_MAX_ROTATION = np.deg2rad(25)
_MAX_STRETCH = np.log(2.2)
_STRETCH = np.array([1, -1, 0, 0, 0])
"""The change of proportions by each component of a pose."""
_STRETCH_COST, _RIGID, _ROTATION_COST = 1.0, 20.0, 0.5
"""In pixels: of a changed proportion, by its logarithm, and of a rotation by a radian."""


def on_canvas(ink: Gray) -> Gray:
    """Resizes a square of ink to the canvas: uint8 of shape (128, 128), 255 on 0."""
    method = cv2.INTER_AREA if len(ink) > SIDE else cv2.INTER_LINEAR
    return _blackened(gray(cv2.resize(ink, (SIDE, SIDE), interpolation=method)))


def _blackened(ink: Gray) -> Gray:
    """255 where there is ink, 0 elsewhere. If all ink is faint, faint ink counts."""
    return gray(ink >= max(1, min(128, int(ink.max()) // 2))) * 255


_UNMOVED = np.eye(2, 3)


@dataclass(frozen=True)
class Alignment:
    """The transform that lays an ink over a reference."""

    matrix: npt.NDArray[np.float64]
    """Affine map from the ink's canvas to the reference's, shape (2, 3)."""
    cost: float
    """Mean truncated distance of the two to each other in pixels, plus a penalty for changed
    proportions and for rotation; 0 for the reference itself."""
    aspect: float
    """Horizontal scale divided by vertical scale; 1 keeps the ink's proportions."""

    def apply(self, ink: Gray) -> Gray:
        """Moves `ink` of `on_canvas` onto the reference, unless it would leave the canvas."""
        if np.array_equal(self.matrix, _UNMOVED):
            return ink
        moved = gray(cv2.warpAffine(ink, self.matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR))
        return _blackened(moved) if moved.any() else ink


def align(ink: Line, references: Sequence[Line], *, rotation: bool = True) -> list[Alignment]:
    """Finds the pose of `ink` nearest to each of `references`; without `rotation`, ink is hardly
    stretched either.

    Steps along the gradient of the distances, from the best of a few start poses.
    """
    search = _Search(ink, references, rotation)
    poses, forms, is_partial = search.start_poses()
    costs, poses = search.refine(poses, forms)
    # A partial pose claims that a piece of the letter is missing, so it must fit much better.
    ranked = costs * np.where(is_partial, _PARTIAL_PENALTY, 1)
    matrices = search.matrices(poses)
    found = []
    for form in range(len(references)):
        own = np.flatnonzero(forms == form)
        best = own[ranked[own].argmin()]
        aspect = float(np.exp(poses[best, 0] - poses[best, 1]))
        found.append(Alignment(matrices[best], float(costs[best]), aspect))
    return found


def in_place(ink: Line, references: Sequence[Line]) -> list[Alignment]:
    """The alignments of `ink` with each of `references` if it is not moved."""
    own = _sample(ink.points)
    distances = (
        [values_at(each.distance, own), values_at(ink.distance, _sample(each.points))]
        for each in references
    )
    return [Alignment(_UNMOVED, float(np.minimum(d, FAR).mean()), 1.0) for d in distances]


class _Search:
    """Poses of an ink over several references at once: `forms` says over which each pose is."""

    def __init__(self, ink: Line, references: Sequence[Line], rotation: bool) -> None:
        self._angles = _START_ANGLES if rotation else np.zeros(1)
        self._stretch_cost = _STRETCH_COST if rotation else _RIGID
        self._rotation = float(rotation)
        low, high = ink.box
        self._centre = (low + high) / 2
        self._middle = self._centre[:, None]
        self._size = np.maximum(high - low, 1)
        self._ink = (_sample(ink.points) - self._centre).T
        self._references = np.stack([_sample(each.points).T for each in references])
        self._boxes = np.array([each.box for each in references])
        self._fields = np.stack([*(each.slopes for each in references), ink.slopes])

    def start_poses(self) -> tuple[Poses, Indices, Mask]:
        """The best poses to start from, their forms, and which cover a part of the reference."""
        count = len(self._boxes)
        coarse = self._coarse_poses()
        forms = np.arange(count).repeat(coarse.shape[1])
        costs = self._costs(coarse.reshape(-1, 5), forms).reshape(count, -1)
        # The best angle for each stretch over the whole, and the best partial pose.
        whole = _STRETCHES * len(self._angles)
        angles = costs[:, :whole].reshape(count, _STRETCHES, -1).argmin(axis=2)
        chosen = np.arange(0, whole, len(self._angles)) + angles
        chosen = np.column_stack([chosen, whole + costs[:, whole:].argmin(axis=1)])
        poses = np.take_along_axis(coarse, chosen[..., None], axis=1)
        is_partial = np.arange(chosen.size) % chosen.shape[1] == _STRETCHES
        return poses.reshape(-1, 5), np.arange(count).repeat(chosen.shape[1]), is_partial

    def _coarse_poses(self) -> Poses:
        """Poses of the ink over each reference, at each stretch and angle, and then over parts of
        it: (references, n, 5).
        """
        low, high = self._boxes[:, None, 0], self._boxes[:, None, 1]
        span = np.maximum(high - low, 1)
        scale = np.log(span * (_LAST - _FIRST) / self._size)
        # Stretched to the reference's box; in its own proportions with the box's mean scale; in its
        # own proportions and inside the box.
        mean, least = scale.mean(axis=2, keepdims=True), scale.min(axis=2, keepdims=True)
        poses = np.zeros((*scale.shape[:2], _STRETCHES, len(self._angles), 5))
        poses[..., :2] = np.stack([scale, mean + 0 * scale, least + 0 * scale], 2)[:, :, :, None]
        poses[..., 2] = self._angles
        poses[..., 3:] = (low + span * (_FIRST + _LAST) / 2)[:, :, None, None]
        whole, partial = poses[:, 0], poses[:, 1:, :, len(self._angles) // 2]
        flat = [each.reshape(len(poses), -1, 5) for each in (whole, partial)]
        return _limited(np.concatenate(flat, axis=1))

    def refine(self, poses: Poses, forms: Indices) -> tuple[npt.NDArray[np.float64], Poses]:
        """Gauss-Newton steps on the truncated distances, each point weighted by the inverse of its
        distance. Returns the lowest costs on the way, and their poses.
        """
        best, found = np.full(len(poses), np.inf), poses
        for _ in range(_STEPS):
            costs, change = self._step(poses, forms)
            better = costs < best
            best = np.where(better, costs, best)
            found = np.where(better[:, None], poses, found)
            poses = _limited(poses - np.clip(change, -_MAX_STEP, _MAX_STEP))
        costs = self._costs(poses, forms, 1)
        better = costs < best
        return np.where(better, costs, best), np.where(better[:, None], poses, found)

    def _costs(self, poses: Poses, forms: Indices, every: int = _COARSE) -> npt.NDArray[np.float64]:
        return self._cost(poses, self._look_up(self.matrices(poses), forms, every)[0])

    def _cost(self, poses: Poses, distances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Mean truncated distance of ink and reference, both ways, plus penalties, per pose."""
        mean = np.minimum(distances, FAR).mean(axis=1)
        # The smaller change wins between equal fits.
        stretch, turn = np.abs(poses[:, 0] - poses[:, 1]), np.abs(poses[:, 2])
        return np.asarray(mean + self._stretch_cost * stretch + _ROTATION_COST * turn)

    def _look_up(
        self, matrices: Matrices, forms: Indices, every: int = 1
    ) -> tuple[npt.NDArray[np.float64], ...]:
        """Distances of points, first of the ink's, then of the reference's: (n, points). Also their
        slopes in x and y as the ink moves, (n, 2, points), and where they are in the ink before it
        is moved, from its centre, (n, 2, points).
        """
        linear, offset = matrices[:, :, :2], matrices[:, :, 2:] + matrices[:, :, :2] @ self._middle
        inverse = _inverse(linear)
        ink = self._ink[:, ::every]
        count = ink.shape[1]
        places = np.empty((len(matrices), 2, 2 * count))
        places[..., :count] = ink
        places[..., count:] = inverse @ (self._references[forms, :, ::every] - offset)
        pixels = places + self._middle
        pixels[..., :count] = linear @ ink + offset
        # A frame around each field says what is outside the canvas.
        columns, rows = np.rint(pixels).astype(np.intp).swapaxes(0, 1) + 1
        which = np.stack([forms, np.full(len(forms), len(self._fields) - 1)], axis=1)
        index = np.ravel_multi_index(
            (which.repeat(count, axis=1), rows, columns), self._fields.shape[:3], mode="clip"
        )
        found = self._fields.reshape(-1, 3).take(index, axis=0)
        values = np.moveaxis(found, 2, 0).astype(np.float64, order="C")
        distances, slopes = values[0], values[1:].swapaxes(0, 1).copy()
        # A reference point nears the ink when the ink moves the other way.
        scale = np.sqrt(np.linalg.det(linear))[:, None]
        distances[:, count:] *= scale
        slopes[..., count:] = -scale[..., None] * (inverse.swapaxes(1, 2) @ slopes[..., count:])
        return distances, slopes, places

    def _step(
        self, poses: Poses, forms: Indices
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Costs, and the step against which the distances grow, per pose."""
        matrices = self.matrices(poses)
        distances, slopes, places = self._look_up(matrices, forms)
        # How a distance changes with each entry of the matrix, and with each component of the pose.
        count = distances.shape[1]
        by_row = np.empty((len(poses), 2, 3, count))
        by_row[:, :, :2] = slopes[:, :, None] * places[:, None]
        by_row[:, :, 2] = slopes
        of_entries = by_row.reshape(-1, 6, count)
        weighted = of_entries * ((distances < FAR) / np.maximum(distances, 1.0))[:, None]
        entries = self._entries(matrices)
        gradient = (entries @ (weighted @ distances[..., None]))[..., 0]
        hessian = entries @ (weighted @ of_entries.swapaxes(1, 2)) @ entries.swapaxes(1, 2)
        stretch = poses[:, 0] - poses[:, 1]
        stiff = count * self._stretch_cost / np.maximum(np.abs(stretch), 0.02)
        turned = count * _ROTATION_COST / np.maximum(np.abs(poses[:, 2]), 0.02)
        gradient += (stiff * stretch)[:, None] * _STRETCH
        gradient[:, 2] += turned * poses[:, 2] * self._rotation
        hessian += stiff[:, None, None] * np.outer(_STRETCH, _STRETCH) + _DAMPING
        hessian[:, 2, 2] += turned
        change = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        return self._cost(poses, distances), np.asarray(change, np.float64)

    def _entries(self, matrices: Matrices) -> npt.NDArray[np.float64]:
        """How the entries of matrices, row by row, change with each component of the pose:
        (n, 5, 6).
        """
        entries = np.zeros((len(matrices), 5, 2, 3))
        entries[:, 0, :, 0] = matrices[:, :, 0]
        entries[:, 1, :, 1] = matrices[:, :, 1]
        entries[:, 2, 0, :2] = -self._rotation * matrices[:, 1, :2]
        entries[:, 2, 1, :2] = self._rotation * matrices[:, 0, :2]
        entries[:, 3, 0, 2] = entries[:, 4, 1, 2] = 1
        return entries.reshape(-1, 5, 6)

    def matrices(self, poses: Poses) -> Matrices:
        """The affine maps of `poses`."""
        cosine, sine = np.cos(poses[:, 2]), np.sin(poses[:, 2])
        x, y = np.exp(poses[:, :2]).T
        matrices = np.empty((len(poses), 2, 3))
        matrices[:, 0, 0], matrices[:, 0, 1] = cosine * x, -sine * y
        matrices[:, 1, 0], matrices[:, 1, 1] = sine * x, cosine * y
        matrices[:, :, 2] = poses[:, 3:] - matrices[:, :, :2] @ self._centre
        return matrices


def _limited(poses: Poses) -> Poses:
    """Ink is never laid on its side or stretched beyond recognition. Changes `poses`."""
    poses[..., 2] = poses[..., 2].clip(-_MAX_ROTATION, _MAX_ROTATION)
    stretch = poses[..., 0] - poses[..., 1]
    beyond = (stretch - stretch.clip(-_MAX_STRETCH, _MAX_STRETCH)) / 2
    poses[..., 0] -= beyond
    poses[..., 1] += beyond
    return poses


def _sample(points: Points) -> Points:
    return np.asarray(points[np.linspace(0, len(points) - 1, _SAMPLES).round().astype(int)])


def _inverse(linear: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The inverses of matrices, (n, 2, 2)."""
    a, b, c, d = linear.reshape(-1, 4).T
    adjugate = np.stack([d, -b, -c, a], axis=1) / (a * d - b * c)[:, None]
    return adjugate.reshape(-1, 2, 2)
