"""Lays one ink image over another: finds the position, scale, aspect and a small rotation.

The comparison uses the centrelines of strokes, so that the width of the pen does not matter, and
truncated distances, so that a missing or extra part does not pull the rest out of place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Field, Gray, Mask, gray
from handlers.lines import SIDE, Indices, Line, Points

Poses = npt.NDArray[np.float64]
"""Transforms of an ink, shape (n, 5): logarithms of the scales in x and y, rotation in radians
clockwise, and the position of the ink's centre on the canvas, x and y in pixels."""
Matrices = npt.NDArray[np.float64]
"""Affine maps, shape (n, 2, 3)."""

_MAX_DISTANCE = 8.0
"""Distances are truncated here, in pixels: a point this far off has no counterpart."""
_SAMPLES = 64
"""Points per line that the search uses."""
_COARSE = 3
"""Every third of them is used for the first choice."""
_PARTIAL_PENALTY = 1.2
"""Factor on the cost of poses that leave a third or more of the reference without ink."""
_EXTENTS = ((0.0, 1.0), (0.0, 0.72), (0.28, 1.0))
"""Shares of the reference's width and height that the ink may cover; the whole comes first."""
_START_ANGLES = np.deg2rad((-12, 0, 12))
_STRETCHES = 3
"""Ways to fit the ink to a box."""
_STEPS = 6
_DAMPING = np.diag([5.0, 5.0, 5.0, 0.01, 0.01])
"""Keeps steps short where the distances do not say which way to go."""
_MAX_STEP = np.array([0.2, 0.2, 0.15, 8.0, 8.0])
_MAX_ROTATION = np.deg2rad(25)
_MAX_STRETCH = np.log(2.2)
_STRETCH_COST, _ROTATION_COST = 1.0, 0.5
"""In pixels: of a changed proportion, by its logarithm, and of a rotation by a radian."""


def on_canvas(ink: Gray) -> Gray:
    """Enlarges a 64x64 ink image to the canvas: uint8 of shape (128, 128), 255 on 0."""
    return _blackened(gray(cv2.resize(ink, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)))


def _blackened(ink: Gray) -> Gray:
    """255 where there is ink, 0 elsewhere. If all ink is faint, faint ink counts."""
    return gray(ink >= max(1, min(128, int(ink.max()) // 2))) * 255


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
        """Moves `ink`, (128, 128), onto the reference, unless it would leave the canvas."""
        moved = gray(cv2.warpAffine(ink, self.matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR))
        return _blackened(moved) if moved.any() else ink


def align(ink: Line, references: Sequence[Line], *, rotation: bool = True) -> list[Alignment]:
    """Finds the pose of `ink` nearest to each of `references`.

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
    search = _Search(ink, references, rotation=False)
    stay = np.tile([0, 0, 0, *search.centre], (len(references), 1))
    costs = search.costs(stay, np.arange(len(references)))
    return [Alignment(np.eye(2, 3), cost, 1.0) for cost in costs.tolist()]


class _Search:
    """Poses of an ink over several references at once: `forms` says over which each pose is."""

    def __init__(self, ink: Line, references: Sequence[Line], rotation: bool) -> None:
        self._angles = _START_ANGLES if rotation else np.zeros(1)
        self._free = np.array([1, 1, rotation, 1, 1], dtype=np.float64)
        self._ink_points = _sample(ink.points)
        self._reference_points = np.stack([_sample(each.points) for each in references])
        self._ink_field = ink.slopes[None]
        self._reference_fields = np.stack([each.slopes for each in references])
        self._boxes = [each.box for each in references]
        low, high = ink.box
        self.centre = (low + high) / 2
        self._size = np.maximum(high - low, 1)

    def start_poses(self) -> tuple[Poses, Indices, Mask]:
        """The best poses to start from, their forms, and which cover a part of the reference."""
        poses, forms, partial = [], [], []
        for form, box in enumerate(self._boxes):
            whole, parts = self._coarse_poses(*box)
            costs = self.costs(
                np.concatenate([whole, parts]), np.full(len(whole) + len(parts), form), _COARSE
            )
            # The best angle for each stretch over the whole, and the best partial pose.
            angles = costs[: len(whole)].reshape(_STRETCHES, -1).argmin(axis=1)
            chosen = whole.reshape(_STRETCHES, -1, 5)[np.arange(_STRETCHES), angles]
            poses += [chosen, parts[[costs[len(whole) :].argmin()]]]
            forms += [form] * (_STRETCHES + 1)
            partial += [False] * _STRETCHES + [True]
        return np.concatenate(poses), np.array(forms), np.array(partial)

    def _coarse_poses(self, low: Points, high: Points) -> tuple[Poses, Poses]:
        """Poses of the ink over a whole reference, at each stretch and angle, and over parts."""
        span = np.maximum(high - low, 1)
        whole, partial = [], []
        for left, right in _EXTENTS:
            for top, bottom in _EXTENTS:
                share = np.array([right - left, bottom - top])
                scale = np.log(span * share / self._size)
                centre = low + span * np.array([left + right, top + bottom]) / 2
                # Stretched to the reference's box; in its own proportions with the box's mean
                # scale; in its own proportions and inside the box.
                for stretch in (scale, np.full(2, scale.mean()), np.full(2, scale.min())):
                    if share.min() == 1:
                        whole += [(*stretch, angle, *centre) for angle in self._angles]
                    else:
                        partial.append((*stretch, 0.0, *centre))
        return _limited(np.array(whole)), _limited(np.array(partial))

    def refine(self, poses: Poses, forms: Indices) -> tuple[npt.NDArray[np.float64], Poses]:
        """Gauss-Newton steps on the truncated distances, each point weighted by the inverse of its
        distance. Returns the lowest costs on the way, and their poses.
        """
        best, found = np.full(len(poses), np.inf), poses
        for step in range(_STEPS + 1):
            costs, gradient, hessian = self._slopes(poses, forms)
            better = costs < best
            best = np.where(better, costs, best)
            found = np.where(better[:, None], poses, found)
            if step < _STEPS:
                change = np.linalg.solve(hessian, gradient[..., None])[..., 0]
                poses = _limited(poses - np.clip(change, -_MAX_STEP, _MAX_STEP))
        return best, found

    def costs(self, poses: Poses, forms: Indices, every: int = 1) -> npt.NDArray[np.float64]:
        """Mean truncated distance of ink and reference, both ways, plus penalties, per pose."""
        moved, back, scale = self._moved(poses, forms, every)
        extra = _look_up(self._reference_fields[..., :1], forms, moved)[..., 0]
        missing = _look_up(self._ink_field[..., :1], np.zeros_like(forms), back)[..., 0] * scale
        return self._cost(poses, extra, missing)

    def _cost(
        self, poses: Poses, extra: npt.NDArray[np.float64], missing: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        mean = np.minimum(extra, _MAX_DISTANCE).mean(axis=1)
        mean = (mean + np.minimum(missing, _MAX_DISTANCE).mean(axis=1)) / 2
        # The smaller change wins between equal fits.
        stretch, turn = np.abs(poses[:, 0] - poses[:, 1]), np.abs(poses[:, 2])
        mean += _STRETCH_COST * stretch + _ROTATION_COST * turn
        return np.asarray(mean)

    def _moved(
        self, poses: Poses, forms: Indices, every: int = 1
    ) -> tuple[npt.NDArray[np.float64], ...]:
        """The ink's points on the reference, the reference's on the ink, and the mean scale."""
        matrices = self.matrices(poses)
        moved = (
            self._ink_points[::every] @ matrices[:, :, :2].swapaxes(1, 2) + matrices[:, None, :, 2]
        )
        inverse = _inverse(matrices[:, :, :2])
        back = self._reference_points[forms][:, ::every] - matrices[:, None, :, 2]
        back = back @ inverse.swapaxes(1, 2)
        return moved, back, np.exp(poses[:, :2].mean(axis=1))[:, None]

    def _slopes(
        self, poses: Poses, forms: Indices
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Costs, and the gradient and the approximate Hessian of their squares, per pose."""
        moved, back, scale = self._moved(poses, forms)
        matrices = self.matrices(poses)
        at_ink = _look_up(self._reference_fields, forms, moved)
        at_reference = _look_up(self._ink_field, np.zeros_like(forms), back)
        extra, missing = at_ink[..., 0], at_reference[..., 0] * scale
        # A reference point nears the ink when the ink moves the other way.
        inverse = _inverse(matrices[:, :, :2])
        towards = -(at_reference[..., 1:] @ inverse) * scale[..., None]
        distances = np.concatenate([extra, missing], axis=1)
        slopes = np.concatenate([at_ink[..., 1:], towards], axis=1)
        places = np.concatenate([moved, self._reference_points[forms]], axis=1)
        away = places - poses[:, None, 3:]
        # How a point moves with each component of the pose.
        cosine, sine = np.cos(poses[:, 2])[:, None], np.sin(poses[:, 2])[:, None]
        own_x = away[..., 0] * cosine + away[..., 1] * sine
        own_y = away[..., 1] * cosine - away[..., 0] * sine
        x, y = slopes[..., 0], slopes[..., 1]
        columns = np.stack(
            [
                own_x * (x * cosine + y * sine),
                own_y * (y * cosine - x * sine),
                y * away[..., 0] - x * away[..., 1],
                x,
                y,
            ],
            axis=2,
        )
        columns *= self._free
        weights = (distances < _MAX_DISTANCE) / np.maximum(distances, 1.0)
        weighted = columns * weights[..., None]
        gradient = (weighted * distances[..., None]).sum(axis=1)
        hessian = weighted.swapaxes(1, 2) @ columns
        count = distances.shape[1]
        stretch = poses[:, 0] - poses[:, 1]
        stiff = count * _STRETCH_COST / np.maximum(np.abs(stretch), 0.02)
        gradient[:, 0] += stiff * stretch
        gradient[:, 1] -= stiff * stretch
        hessian[:, [0, 1], [0, 1]] += stiff[:, None]
        hessian[:, [0, 1], [1, 0]] -= stiff[:, None]
        turned = count * _ROTATION_COST / np.maximum(np.abs(poses[:, 2]), 0.02)
        gradient[:, 2] += turned * poses[:, 2] * self._free[2]
        hessian[:, 2, 2] += turned
        hessian += _DAMPING
        return self._cost(poses, extra, missing), gradient, hessian

    def matrices(self, poses: Poses) -> Matrices:
        """The affine maps of `poses`."""
        cosine, sine = np.cos(poses[:, 2]), np.sin(poses[:, 2])
        rotation = np.stack([np.stack([cosine, -sine], 1), np.stack([sine, cosine], 1)], 1)
        linear = rotation * np.exp(poses[:, None, :2])
        offset = poses[:, 3:] - linear @ self.centre
        return np.asarray(np.concatenate([linear, offset[..., None]], axis=2))


def _limited(poses: Poses) -> Poses:
    """Ink is never laid on its side or stretched beyond recognition."""
    limited = poses.copy()
    limited[:, 2] = poses[:, 2].clip(-_MAX_ROTATION, _MAX_ROTATION)
    stretch = poses[:, 0] - poses[:, 1]
    beyond = (stretch - stretch.clip(-_MAX_STRETCH, _MAX_STRETCH)) / 2
    limited[:, 0] -= beyond
    limited[:, 1] += beyond
    return limited


def _sample(points: Points) -> Points:
    return np.asarray(points[np.linspace(0, len(points) - 1, _SAMPLES).round().astype(int)])


def _inverse(linear: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The inverses of matrices, (n, 2, 2)."""
    (a, b), (c, d) = linear[:, 0].T, linear[:, 1].T
    adjugate = np.stack([np.stack([d, -b], 1), np.stack([-c, a], 1)], 1)
    return np.asarray(adjugate / (a * d - b * c)[:, None, None])


def _look_up(
    fields: Field, which: Indices, points: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The values of `fields[which]` at points: `fields` (f, 128, 128, c), `which` (n,), `points`
    (n, p, 2). Returns (n, p, c), with the maximum distance and no slope outside the canvas.
    """
    pixels = np.rint(points).astype(np.int32)
    # One comparison checks both bounds: a negative int32 is a very large uint32.
    outside = (pixels.view(np.uint32) >= SIDE).any(axis=2)
    index = which[:, None] * SIDE**2 + pixels[..., 1] * SIDE + pixels[..., 0]
    index[outside] = 0
    found = fields.reshape(-1, fields.shape[-1])[index].astype(np.float64)
    found[outside] = 0
    found[outside, 0] = _MAX_DISTANCE
    return np.asarray(found)
