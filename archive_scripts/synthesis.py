"""From printed letterforms to pictures of handwriting.

A letterform is held as two distance fields, to its outline and to its skeleton. One sample
warps both fields together and then decides, pixel by pixel, where there is ink: a threshold
on the first is a thicker or thinner broad pen, one on the second a round pen. Both bend the
same way, so hairlines survive a thin pen as they do in real writing. What a camera and a
binarisation do to ink follows in `archive_scripts.capture`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from skimage.morphology import skeletonize

from archive_scripts.capture import degrade
from handlers.arrays import Field, Gray
from handlers.framing import frame_ink

_CANVAS = 160
"""Side of a letterform's fields; distances are in these pixels."""
_LETTER = 104
"""Longer side of the letter in the fields; the rest is room to move."""
_DRAWN = 112
"""Side of the picture a sample is drawn on before it is captured and framed."""


@dataclass(frozen=True)
class Letterform:
    """One way to write a character.

    `fields` is float32 of shape (160, 160, 2): the signed distance to the outline, positive
    inside, and the distance to the skeleton, both in canvas pixels.
    """

    fields: Field

    @classmethod
    def from_mask(cls, mask: Gray) -> Letterform:
        """Takes a uint8 mask of any size, ink 255 on 0, cropped or not."""
        x, y, width, height = cv2.boundingRect((mask >= 128).astype(np.uint8))
        scale = _LETTER / max(width, height)
        letter = cv2.resize(
            mask[y : y + height, x : x + width],
            (round(width * scale), round(height * scale)),
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
        )
        canvas = np.zeros((_CANVAS, _CANVAS), np.uint8)
        top, left = (_CANVAS - letter.shape[0]) // 2, (_CANVAS - letter.shape[1]) // 2
        canvas[top : top + letter.shape[0], left : left + letter.shape[1]] = letter
        ink = (canvas >= 128).astype(np.uint8)
        inside = cv2.distanceTransform(ink, cv2.DIST_L2, 5)
        outside = cv2.distanceTransform(1 - ink, cv2.DIST_L2, 5)
        off_skeleton = (~skeletonize(ink.astype(bool))).astype(np.uint8)
        to_skeleton = cv2.distanceTransform(off_skeleton, cv2.DIST_L2, 5)
        return cls(np.dstack([inside - outside, to_skeleton]).astype(np.float32))


def synthesise(letterforms: Sequence[Letterform], rng: np.random.Generator) -> Gray:
    """Writes one of `letterforms` (all of one character) once.

    Returns an ink image as preprocessing would: uint8 of shape (64, 64), white on black.
    """
    for _ in range(4):
        letterform = letterforms[rng.integers(len(letterforms))]
        ink = degrade(_pen(_warp(letterform.fields, rng), rng), rng)
        if np.count_nonzero(ink >= 128) >= 40:
            return frame_ink(ink)
    return frame_ink((_warp(letterform.fields, rng)[..., 0] > 0).astype(np.uint8) * 255)


def _warp(fields: Field, rng: np.random.Generator) -> Field:
    """Bends the fields as a hand does: slant, proportion, perspective and local freedom."""
    # Where on the canvas each point of a coarse grid over the drawing is read, -1 to 1.
    steps = np.linspace(-1, 1, 9)
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
    for cells, strength in ((4, 0.055), (6, 0.022)):
        push = rng.normal(0, strength * rng.uniform(0.2, 1.0), (cells, cells, 2))
        push = cv2.resize(push.astype(np.float32), (9, 9), interpolation=cv2.INTER_CUBIC)
        x, y = x + push[..., 0], y + push[..., 1]
    grid = np.dstack([x, y]).astype(np.float32) * (_CANVAS / 2) + _CANVAS / 2
    lookup = cv2.resize(grid, (_DRAWN, _DRAWN), interpolation=cv2.INTER_CUBIC)
    return cv2.remap(
        fields, lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)


def _stretch(axis: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Makes some bands of the letter wider and others narrower, in order."""
    knots = np.linspace(-1, 1, 6)
    gaps = np.exp(rng.normal(0, 0.28 * rng.uniform(0.2, 1.0), 5))
    moved = np.concatenate([[0], np.cumsum(gaps)])
    return np.interp(axis, knots, 2 * moved / moved[-1] - 1)


def _pen(fields: Field, rng: np.random.Generator) -> Gray:
    """Where the pen left ink: uint8 of shape (112, 112), 255 on 0."""
    outline, skeleton = fields[..., 0], fields[..., 1]
    uneven = _smooth_noise(rng, 5) * rng.uniform(0, 1.6) + _smooth_noise(rng, 28) * rng.uniform(
        0, 0.7
    )
    kind = rng.random()
    if kind < 0.18:  # a ballpoint or a marker that follows the middle of each stroke
        ink = skeleton + uneven < rng.uniform(2.0, 5.0)
    elif kind < 0.62:  # a narrower nib: thick strokes lose width, hairlines keep theirs
        ink = (outline + uneven > rng.uniform(0.0, 5.0)) | (
            skeleton + uneven < rng.uniform(0.6, 3.2)
        )
    else:  # the nib of the typeface or a wider one
        ink = outline + uneven > rng.uniform(-3.2, 1.2)
    return ink.astype(np.uint8) * 255


def _smooth_noise(rng: np.random.Generator, cells: int) -> Field:
    noise = rng.standard_normal((cells, cells), dtype=np.float32)
    return cv2.resize(noise, (_DRAWN, _DRAWN), interpolation=cv2.INTER_LINEAR).astype(np.float32)
