"""Pens, and the ink that they leave along a curve."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from archive_scripts.letterforms.writer_style import Points, smooth_noise
from handlers.arrays import Gray, gray

_SHIFT = 4
"""Fractional bits of the coordinates that OpenCV draws with."""
_MAX_NIB_WIDTH = 15.0
"""In units of a letter 100 long."""


@dataclass(frozen=True)
class Nib:
    """A pen, relative to the one that a letterform describes."""

    width: float = 1.0
    """Factor on the described nib width; 0 is a round pen."""
    turn: float = 0.0
    """Degrees added to the described angle, clockwise."""
    thickness: float | None = None
    """Half the thickness of the edge, in units of the letter; None means the letterform's own."""

    def radius(self, edge: float) -> float:
        """Half the thickness of hairlines, where the letterform describes `edge` (same units)."""
        return edge if self.thickness is None else self.thickness


def random_nib(rng: np.random.Generator) -> Nib:
    """Mostly a broad nib, sometimes a ballpoint or a marker."""
    kind = rng.random()
    turn = float(rng.normal(0, 8))
    if kind < 0.2:  # a round pen, from ballpoint to thick marker
        return Nib(0.0, turn, float(rng.uniform(1.2, 6.0)))
    if kind < 0.4:  # a worn or narrow nib
        return Nib(float(rng.uniform(0.1, 0.6)), turn, float(rng.uniform(1.0, 3.0)))
    return Nib(float(np.exp(rng.normal(-0.1, 0.28))), turn, float(rng.uniform(0.8, 3.4)))


def draw(
    canvas: Gray,
    curve: Points,
    angle: float,
    widths: npt.NDArray[np.float64],
    nib: Nib,
    unit: float,
) -> None:
    """Sweeps the nib along `curve`, shape (n, 2) in pixels, and inks the area in `canvas`.

    `angle` is the described angle of the nib's edge in degrees. `widths` are the described widths
    at the points of the curve, shape (n,), in units of `unit` pixels. The edge has no thickness
    here; `thicken` adds it for all strokes at once.
    """
    direction = np.deg2rad(angle + nib.turn)
    # A width beyond any nib is a filled shape, and a thin pen fills it too.
    filled = np.maximum(widths - _MAX_NIB_WIDTH, 0)
    half = (filled + (widths - filled) * nib.width) * (unit / 2)
    edge = half[:, None] * np.array([np.cos(direction), np.sin(direction)])
    left, right = curve - edge, curve + edge
    corners = np.stack([left[:-1], right[:-1], right[1:], left[1:]], axis=1)
    for piece in np.round(corners * (1 << _SHIFT)).astype(np.int32):
        cv2.fillConvexPoly(canvas, piece, 255, cv2.LINE_8, _SHIFT)


def thicken(ink: Gray, radius: float) -> Gray:
    """Adds `radius` pixels, half the thickness of the pen's edge, around all ink."""
    distance = cv2.distanceTransform(255 - ink, cv2.DIST_L2, 5)
    return gray(distance <= radius) * 255


def roughen(ink: Gray, radius: float, rng: np.random.Generator) -> Gray:
    """`thicken` with uneven pressure and rough edges."""
    distance = cv2.distanceTransform(255 - ink, cv2.DIST_L2, 5)
    side = ink.shape[0]
    pressure = smooth_noise(rng, 5, side) * rng.uniform(0, 0.9)
    pressure += smooth_noise(rng, 28, side) * rng.uniform(0, 0.5)
    return gray(distance + pressure <= radius) * 255
