"""Lays one ink image over another: finds the position, scale, aspect and a small rotation.

The comparison uses the centrelines of strokes, so that the width of the pen does not matter, and
truncated distances, so that a missing or extra part does not pull the rest out of place.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Field, Gray, field, gray
from handlers.lines import SIDE, Line, Points

Poses = npt.NDArray[np.float64]
"""Transforms of an ink, shape (n, 5): logarithms of the scales in x and y, rotation in radians
clockwise, and the position of the ink's centre on the canvas, x and y in pixels."""

_MAX_DISTANCE = 8.0
"""Distances are truncated here, in pixels: a point this far off has no counterpart."""
_SAMPLES = 96
"""Points per ink that the search uses."""
_PARTIAL_PENALTY = 1.2
"""Factor on the cost of poses that leave a third or more of the reference without ink."""
_EXTENTS = ((0.0, 1.0), (0.0, 0.72), (0.28, 1.0))
"""Shares of the reference's width and height that the ink may cover; the whole comes first."""
_START_ANGLES = np.deg2rad((-12, 0, 12))
_STEP_SIZES = (1.0, 0.5, 0.25, 0.1)
_UNIT_STEP = np.array([0.10, 0.10, 0.07, 5.0, 5.0])
_MOVES = np.concatenate([np.zeros((1, 5)), np.diag(_UNIT_STEP), -np.diag(_UNIT_STEP)])
"""Stay, or change one component of a pose by a step up or down."""
_MAX_STEPS = 6
"""Steps of each size."""
_MAX_ROTATION = np.deg2rad(25)
_MAX_STRETCH = np.log(2.2)


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

    @staticmethod
    def in_place(cost: float) -> Alignment:
        """The alignment of ink that is not moved."""
        return Alignment(np.eye(2, 3), cost, 1.0)

    def apply(self, ink: Gray) -> Gray:
        """Moves `ink`, (128, 128), onto the reference, unless it would leave the canvas."""
        moved = gray(cv2.warpAffine(ink, self.matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR))
        return _blackened(moved) if moved.any() else ink


def distance_between(ink: Line, reference: Line) -> float:
    """Mean truncated distance of the two to each other, in pixels."""
    search = _Search(ink, reference)
    return float(search.costs(np.array([[0, 0, 0, *search.centre]]))[0])


def align(ink: Line, reference: Line, *, rotation: bool = True) -> Alignment:
    """Finds the pose of `ink` nearest to `reference`: a local search from the best start poses."""
    search = _Search(ink, reference, rotation)
    whole, partial = search.coarse_poses()
    # The best angle for each stretch over the whole reference, and the two best partial poses.
    groups = np.split(whole, len(whole) // len(search.angles))
    starts = np.concatenate([*(search.best(each, 1) for each in groups), search.best(partial, 2)])
    costs, poses = search.refine(starts)
    # A partial pose claims that a piece of the letter is missing, so it must fit much better.
    penalty = np.where(np.arange(len(starts)) < len(groups), 1, _PARTIAL_PENALTY)
    best = int(np.argmin(costs * penalty))
    pose = poses[best]
    aspect = float(np.exp(pose[0] - pose[1]))
    return Alignment(search.matrices(pose[None])[0], float(costs[best]), aspect)


class _Search:
    def __init__(self, ink: Line, reference: Line, rotation: bool = True) -> None:
        self.angles = _START_ANGLES if rotation else np.zeros(1)
        self._moves = _MOVES if rotation else _MOVES[_MOVES[:, 2] == 0]
        self._ink, self._reference = ink, reference
        self._ink_points = _sample(ink.points)
        self._reference_points = _sample(reference.points)
        low, high = ink.box
        self.centre = (low + high) / 2
        self._size = np.maximum(high - low, 1)

    def coarse_poses(self) -> tuple[Poses, Poses]:
        """Start poses: the ink over the whole reference, and over parts of it."""
        low, high = self._reference.box
        span = np.maximum(high - low, 1)
        poses = []
        for left, right in _EXTENTS:
            for top, bottom in _EXTENTS:
                share = np.array([right - left, bottom - top])
                scale = np.log(span * share / self._size)
                centre = low + span * np.array([left + right, top + bottom]) / 2
                # Stretched to the reference's box; in its own proportions with the box's mean
                # scale; in its own proportions and inside the box.
                for stretch in (scale, np.full(2, scale.mean()), np.full(2, scale.min())):
                    poses += [(*stretch, angle, *centre) for angle in self.angles]
        whole = 3 * len(self.angles)
        return np.array(poses[:whole]), np.array(poses[whole:])

    def best(self, poses: Poses, count: int) -> Poses:
        """The `count` poses of lowest cost."""
        return poses[np.argsort(self.costs(poses), kind="stable")[:count]]

    def refine(self, poses: Poses) -> tuple[npt.NDArray[np.float64], Poses]:
        """Pattern search from each of `poses`: the best step until none helps, then smaller steps.

        Returns the final costs and poses.
        """
        rows = np.arange(len(poses))
        for step in _STEP_SIZES:
            for _ in range(_MAX_STEPS):
                candidates = poses[:, None] + step * self._moves
                costs = self.costs(candidates.reshape(-1, 5)).reshape(len(poses), -1)
                best = costs.argmin(axis=1)
                poses = candidates[rows, best]
                if not best.any():
                    break
        return costs.min(axis=1), poses

    def costs(self, poses: Poses) -> npt.NDArray[np.float64]:
        """Mean truncated distance of ink and reference, both ways, plus the penalties, per pose."""
        matrices = self.matrices(poses)
        extra = _look_up(self._reference.distance, matrices, self._ink_points)
        inverse = np.linalg.inv(matrices[:, :, :2])
        back = np.concatenate([inverse, -inverse @ matrices[:, :, 2:]], axis=2)
        scale = np.exp(poses[:, :2].mean(axis=1))[:, None]
        missing = _look_up(self._ink.distance, back, self._reference_points) * scale
        mean = np.minimum(extra, _MAX_DISTANCE).mean(axis=1)
        mean = (mean + np.minimum(missing, _MAX_DISTANCE).mean(axis=1)) / 2
        # The smaller change wins between equal fits. Ink is never laid on its side or stretched
        # beyond recognition.
        mean += 1.0 * np.abs(poses[:, 0] - poses[:, 1]) + 0.5 * np.abs(poses[:, 2])
        forbidden = np.abs(poses[:, 2]) > _MAX_ROTATION
        forbidden |= np.abs(poses[:, 0] - poses[:, 1]) > _MAX_STRETCH
        mean[forbidden] = np.inf
        return np.asarray(mean)

    def matrices(self, poses: Poses) -> npt.NDArray[np.float64]:
        """The affine maps of `poses`, shape (n, 2, 3)."""
        cosine, sine = np.cos(poses[:, 2]), np.sin(poses[:, 2])
        rotation = np.stack([np.stack([cosine, -sine], 1), np.stack([sine, cosine], 1)], 1)
        linear = rotation * np.exp(poses[:, None, :2])
        offset = poses[:, 3:] - linear @ self.centre
        return np.concatenate([linear, offset[..., None]], axis=2)


def _sample(points: Points) -> Points:
    return points[:: max(1, len(points) // _SAMPLES)]


def _look_up(distance: Field, matrices: npt.NDArray[np.float64], points: Points) -> Field:
    """The values of `distance` at `points`, (p, 2), moved by each of `matrices`, (n, 2, 3).

    Returns shape (n, p), with the maximum distance for points outside the canvas.
    """
    moves = matrices.astype(np.float32)[..., None]
    x, y = points.T.astype(np.float32)
    column = np.rint(moves[:, 0, 0] * x + moves[:, 0, 1] * y + moves[:, 0, 2]).astype(np.int32)
    row = np.rint(moves[:, 1, 0] * x + moves[:, 1, 1] * y + moves[:, 1, 2]).astype(np.int32)
    # One comparison checks both bounds: a negative int32 is a very large uint32.
    outside = np.maximum(column.view(np.uint32), row.view(np.uint32)) >= SIDE
    index = np.where(outside, 0, row * SIDE + column)
    distances = distance.ravel()[index]
    distances[outside] = _MAX_DISTANCE
    return field(distances)
