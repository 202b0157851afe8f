"""Lays one ink image over another: position, scale, aspect and a small rotation.

Both are compared by the middle of their strokes, so that the width of the pen does not count,
and by truncated distances, so that a missing or an extra part does not pull the rest along.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Field, Gray, Mask, field, gray, mask

SIDE = 128
"""Side in pixels of the canvas that inks are aligned on, half that of a reference picture."""

Points = npt.NDArray[np.float64]
"""x and y of each point on the canvas in pixels, shape (n, 2)."""
Poses = npt.NDArray[np.float64]
"""Ways to lay an ink on the canvas, shape (n, 5): logarithms of the scales in x and y,
rotation in radians clockwise, and where the centre of the ink comes to lie, x and y."""

_TRUNCATED = 8.0
"""Distance in pixels from which on a point counts as having no counterpart at all."""
_POINTS = 96
"""Points of each ink that are looked at while searching."""
_DOUBT = 1.2
"""Factor on the cost of poses that leave a third of the reference or more without ink."""
_EXTENTS = ((0.0, 1.0), (0.0, 0.72), (0.28, 1.0))
"""What part of the reference's width and height the ink may show; all of it comes first."""
_ANGLES = np.deg2rad((-12, 0, 12))
_STEPS = (1.0, 0.5, 0.25, 0.1)
_FIRST_STEP = np.array([0.10, 0.10, 0.07, 5.0, 5.0])
_MOVES = np.concatenate([np.zeros((1, 5)), np.diag(_FIRST_STEP), -np.diag(_FIRST_STEP)])
_WALK = 6
"""Steps of one length at most."""
_MOST_TURNED = np.deg2rad(25)
_MOST_STRETCHED = np.log(2.2)


@dataclass(frozen=True)
class Centreline:
    """The middle of an ink's strokes, and how far every pixel of the canvas is from it."""

    points: Points
    distance: Field
    """Distance of each pixel to the nearest point, shape (128, 128)."""

    @property
    def box(self) -> tuple[Points, Points]:
        """The upper left and the lower right corner of the points."""
        return self.points.min(axis=0), self.points.max(axis=0)


def centreline(ink: Gray) -> Centreline:
    """Finds the ridge of the distance to the edge in `ink`, (128, 128), 255 on 0.

    Raises ValueError where there is no ink.
    """
    middle = ridge(depth(ink))
    if not middle.any():
        raise ValueError("no ink to compare")
    rows, columns = np.nonzero(middle)
    distance = cv2.distanceTransform((~middle).astype(np.uint8), cv2.DIST_L2, 5)
    return Centreline(np.stack([columns, rows], axis=1).astype(np.float64), field(distance))


def on_canvas(ink: Gray) -> Gray:
    """Enlarges a 64x64 ink image to the canvas: uint8 of shape (128, 128), 255 on 0."""
    return _blackened(gray(cv2.resize(ink, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)))


def _blackened(ink: Gray) -> Gray:
    """255 where there is ink, faint ink too where there is no other, 0 elsewhere."""
    return gray(ink >= max(1, min(128, int(ink.max()) // 2))) * 255


def depth(ink: Gray) -> Field:
    """How far inside the ink, 128 and more, each pixel is; beyond the picture there is none."""
    framed = cv2.copyMakeBorder((ink >= 128).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    return field(cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1])


def ridge(inside: Field) -> Mask:
    """Where `depth` is not deeper on any side: the middle of strokes."""
    return mask((inside > 0) & (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)) - 0.35))


@dataclass(frozen=True)
class Alignment:
    """How an ink is laid over a reference."""

    matrix: npt.NDArray[np.float64]
    """Affine map from the ink's canvas to the reference's, shape (2, 3)."""
    cost: float
    """Mean truncated distance of both to each other in pixels, and a little more for every
    change of proportions and every rotation; 0 for the reference itself."""
    aspect: float
    """How much wider the ink had to be made than higher; 1 leaves its proportions."""

    def apply(self, ink: Gray) -> Gray:
        """Moves `ink`, (128, 128), to where the reference is; ink of which nothing would be left
        on the canvas stays where it was.
        """
        moved = gray(cv2.warpAffine(ink, self.matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR))
        return _blackened(moved) if moved.any() else ink


def align(ink: Centreline, reference: Centreline) -> Alignment:
    """Finds the pose of `ink` in which it and `reference` are nearest to each other."""
    search = _Search(ink, reference)
    whole, part = search.coarse_poses()
    # The best turn of each way to cover all of the reference, and the best of the rest.
    turns = np.split(whole, len(whole) // len(_ANGLES))
    starts = np.concatenate([*(search.best(turn, 1) for turn in turns), search.best(part, 2)])
    costs, poses = search.refine(starts)
    # That half of a letter is missing is believed only where it explains much more.
    doubt = np.where(np.arange(len(starts)) < len(turns), 1, _DOUBT)
    best = int(np.argmin(costs * doubt))
    pose = poses[best]
    aspect = float(np.exp(pose[0] - pose[1]))
    return Alignment(search.matrices(pose[None])[0], float(costs[best]), aspect)


class _Search:
    def __init__(self, ink: Centreline, reference: Centreline) -> None:
        self._ink, self._reference = ink, reference
        self._ink_points = _thin_out(ink.points)
        self._reference_points = _thin_out(reference.points)
        low, high = ink.box
        self._centre = (low + high) / 2
        self._size = np.maximum(high - low, 1)

    def coarse_poses(self) -> tuple[Poses, Poses]:
        """The ink over all of the reference, and over parts of it, upright and turned."""
        low, high = self._reference.box
        span = np.maximum(high - low, 1)
        poses = []
        for left, right in _EXTENTS:
            for top, bottom in _EXTENTS:
                share = np.array([right - left, bottom - top])
                scale = np.log(span * share / self._size)
                centre = low + span * np.array([left + right, top + bottom]) / 2
                # With the reference's proportions; with its own, as large; with its own, inside.
                for stretch in (scale, np.full(2, scale.mean()), np.full(2, scale.min())):
                    poses += [(*stretch, angle, *centre) for angle in _ANGLES]
        whole = 3 * len(_ANGLES)
        return np.array(poses[:whole]), np.array(poses[whole:])

    def best(self, poses: Poses, count: int) -> Poses:
        """The `count` poses of the lowest cost."""
        return poses[np.argsort(self.costs(poses), kind="stable")[:count]]

    def refine(self, poses: Poses) -> tuple[npt.NDArray[np.float64], Poses]:
        """Walks downhill from each of `poses` in ever smaller steps; answers where that led
        and the costs there.
        """
        each = np.arange(len(poses))
        for step in _STEPS:
            for _ in range(_WALK):
                tried = poses[:, None] + step * _MOVES
                costs = self.costs(tried.reshape(-1, 5)).reshape(len(poses), -1)
                best = costs.argmin(axis=1)
                poses = tried[each, best]
                if not best.any():
                    break
        return costs.min(axis=1), poses

    def costs(self, poses: Poses) -> npt.NDArray[np.float64]:
        """Mean truncated distance, both ways, of the ink in each pose and the reference."""
        matrices = self.matrices(poses)
        extra = _look_up(self._reference.distance, matrices, self._ink_points)
        inverse = np.linalg.inv(matrices[:, :, :2])
        back = np.concatenate([inverse, -inverse @ matrices[:, :, 2:]], axis=2)
        scale = np.exp(poses[:, :2].mean(axis=1))[:, None]
        missing = _look_up(self._ink.distance, back, self._reference_points) * scale
        mean = np.minimum(extra, _TRUNCATED).mean(axis=1)
        mean = (mean + np.minimum(missing, _TRUNCATED).mean(axis=1)) / 2
        # Of two equal fits the one that changes less; and no ink is laid on its
        # side or stretched beyond recognition.
        mean += 1.0 * np.abs(poses[:, 0] - poses[:, 1]) + 0.5 * np.abs(poses[:, 2])
        beyond = np.abs(poses[:, 2]) > _MOST_TURNED
        beyond |= np.abs(poses[:, 0] - poses[:, 1]) > _MOST_STRETCHED
        mean[beyond] = np.inf
        return np.asarray(mean)

    def matrices(self, poses: Poses) -> npt.NDArray[np.float64]:
        """The affine maps of `poses`, shape (n, 2, 3)."""
        cosine, sine = np.cos(poses[:, 2]), np.sin(poses[:, 2])
        turn = np.stack([np.stack([cosine, -sine], 1), np.stack([sine, cosine], 1)], 1)
        linear = turn * np.exp(poses[:, None, :2])
        offset = poses[:, 3:] - linear @ self._centre
        return np.concatenate([linear, offset[..., None]], axis=2)


def _thin_out(points: Points) -> Points:
    step = max(1, len(points) // _POINTS)
    return points[::step]


def _look_up(distance: Field, matrices: npt.NDArray[np.float64], points: Points) -> Field:
    """The distance at each of `points`, (p, 2), moved by each of `matrices`, (n, 2, 3): (n, p).

    Outside the canvas it is the truncation's.
    """
    moves = matrices.astype(np.float32)[..., None]
    x, y = points.T.astype(np.float32)
    column = np.rint(moves[:, 0, 0] * x + moves[:, 0, 1] * y + moves[:, 0, 2]).astype(np.int32)
    row = np.rint(moves[:, 1, 0] * x + moves[:, 1, 1] * y + moves[:, 1, 2]).astype(np.int32)
    # A negative number is a very large one without its sign.
    outside = np.maximum(column.view(np.uint32), row.view(np.uint32)) >= SIDE
    place = np.where(outside, 0, row * SIDE + column)
    found = distance.ravel()[place]
    found[outside] = _TRUNCATED
    return field(found)
