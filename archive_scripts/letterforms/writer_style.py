"""How a writer bends a whole letter: slant, proportion, perspective and local distortion."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Field, field

Points = npt.NDArray[np.float64]
"""Positions on the page, shape (n, 2): x to the right and y down, -1 to 1."""

_GRID = 9


def identity_grid() -> Field:
    """The grid that bends nothing."""
    steps = np.linspace(-1, 1, _GRID)
    return field(np.dstack(np.meshgrid(steps, steps)))


def bent_grid(rng: np.random.Generator, strength: float = 1.0) -> Field:
    """Bends a regular 9x9 grid over the page at random: float32 (9, 9, 2), x and y, -1 to 1.

    `strength` 0 bends nothing, 1 as much as writers do, 2 twice as much.
    """
    steps = np.linspace(-1, 1, _GRID)
    x, y = np.meshgrid(steps, steps)
    x, y = _stretch(x, rng), _stretch(y, rng)
    angle = np.deg2rad(rng.normal(0, 5))
    slant = rng.normal(0, 0.16)
    tilt = rng.normal(0, 0.10)
    aspect = np.exp(rng.normal(0, 0.16))
    matrix = (
        np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        @ np.array([[1, slant], [tilt, 1]])
        @ np.diag([aspect, 1 / aspect])
    )
    x, y = matrix[0, 0] * x + matrix[0, 1] * y, matrix[1, 0] * x + matrix[1, 1] * y
    depth = 1 + rng.normal(0, 0.05) * x + rng.normal(0, 0.05) * y
    x, y = x / depth, y / depth
    for cells, push_by in ((4, 0.055), (6, 0.022)):
        push = rng.normal(0, push_by * rng.uniform(0.2, 1.0), (cells, cells, 2))
        push = cv2.resize(field(push), (_GRID, _GRID), interpolation=cv2.INTER_CUBIC)
        x, y = x + push[..., 0], y + push[..., 1]
    return field(strength * np.dstack([x, y]) + (1 - strength) * identity_grid())


def bend(points: Points, grid: Field) -> Points:
    """Moves `points` as a grid of `bent_grid` bends the page."""
    at = field((points + 1) * ((_GRID - 1) / 2))[None]
    bent = cv2.remap(grid, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(bent[0], dtype=np.float64)


def _stretch(axis: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Makes some bands of the letter wider and others narrower; their order stays."""
    knots = np.linspace(-1, 1, 6)
    gaps = np.exp(rng.normal(0, 0.28 * rng.uniform(0.2, 1.0), 5))
    moved = np.concatenate([[0], np.cumsum(gaps)])
    return np.interp(axis, knots, 2 * moved / moved[-1] - 1)


def smooth_noise(rng: np.random.Generator, cells: int, side: int) -> Field:
    """Standard normal noise on `cells` x `cells` points, interpolated to (side, side)."""
    noise = rng.standard_normal((cells, cells), dtype=np.float32)
    return field(cv2.resize(noise, (side, side), interpolation=cv2.INTER_LINEAR))
