"""The last step of preprocessing, shared with training: ink of any size to an ink image of one
size.
"""

from __future__ import annotations

import cv2
import numpy as np

from handlers.arrays import Gray, Mask, field, gray

INK_SIZE = 64
"""Side of an ink image in pixels."""

INK_MARGIN = 4
"""Pixels between the longer side of the character and the edge of the ink image."""

DIGIT_SIZE = 28
"""Side of the ink image of a digit in pixels, as in MNIST."""

DIGIT_BOX = 20
"""Longer side of the digit in its ink image, in pixels."""


def frame_ink(ink: Gray) -> Gray:
    """Crops to the ink, resizes it in its aspect ratio and centres it in a square.

    `ink` is uint8 of shape (height, width), brighter where there is more ink. The crop is the box
    of the pixels of 128 and more. Returns uint8 of shape (64, 64), white ink on black; the longer
    side of the character is 56 pixels. Raises ValueError if there is no ink.
    """
    x, y, width, height = cv2.boundingRect((ink >= 128).astype(np.uint8))
    if not width:
        raise ValueError("no ink to frame")
    resized = _fit(ink[y : y + height, x : x + width], INK_SIZE - 2 * INK_MARGIN)
    height, width = resized.shape
    framed = gray(np.zeros((INK_SIZE, INK_SIZE)))
    left, top = (INK_SIZE - width) // 2, (INK_SIZE - height) // 2
    framed[top : top + height, left : left + width] = resized
    return framed


def frame_digit(ink: Gray, mask: Mask) -> Gray:
    """Draws a digit in the form of MNIST's images (LeCun et al. 1998, and
    http://yann.lecun.com/exdb/mnist): scaled to fit 20x20 pixels, grey where an edge covers a
    pixel in part, with the centre of mass in the middle of 28x28.

    `ink`, uint8 of shape (height, width), is the amount of ink; `mask` marks the pixels of the
    digit. Returns uint8 of shape (28, 28), the densest ink 255. Raises ValueError if `mask` is
    empty.
    """
    x, y, width, height = cv2.boundingRect(gray(mask))
    if not width:
        raise ValueError("no ink to frame")
    # The grey edges of strokes lie just outside the mask.
    around = cv2.dilate(gray(mask), np.ones((3, 3), np.uint8))
    resized = field(_fit(gray(ink * around)[y : y + height, x : x + width], DIGIT_BOX))
    resized *= 255 / max(1.0, float(resized.max()))
    mass = max(1e-6, float(resized.sum()))
    offsets = []
    for axis, side in enumerate(resized.shape):
        centre = float((resized.sum(axis=1 - axis) * np.arange(side)).sum()) / mass
        offsets.append(min(max(0, round(DIGIT_SIZE / 2 - centre)), DIGIT_SIZE - side))
    top, left = offsets
    height, width = resized.shape
    framed = gray(np.zeros((DIGIT_SIZE, DIGIT_SIZE)))
    framed[top : top + height, left : left + width] = resized.round()
    return framed


def _fit(ink: Gray, longest: int) -> Gray:
    """Resizes ink until its longer side is `longest` pixels, in its aspect ratio."""
    height, width = ink.shape
    scale = longest / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return gray(cv2.resize(ink, size, interpolation=method))
