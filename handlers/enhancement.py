"""Removes noise from poor pictures before preprocessing looks for ink."""

from __future__ import annotations

import cv2

from handlers.arrays import Gray, gray

LEVELS = (0, 1, 2)
"""0 changes nothing, 1 is for noise, 2 for faint writing in noise."""

# Standard deviation of the Gaussian for each level, as a share of the picture's shorter side.
_BLUR = (0.0, 0.002, 0.006)


def enhance(picture: Gray, level: int) -> Gray:
    """Removes noise from a grey picture, uint8 of shape (height, width).

    A median removes single grains. A Gaussian averages the remaining noise; it is narrower than the
    strokes of a character that fills half of the picture.
    """
    if level == 0:
        return picture
    sigma = max(0.6, _BLUR[level] * min(picture.shape))
    return gray(cv2.GaussianBlur(cv2.medianBlur(picture, 3), (0, 0), sigma))
