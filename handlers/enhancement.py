"""What is done to poor pictures before ink is looked for in them."""

from __future__ import annotations

import cv2

from handlers.arrays import Gray, gray

LEVELS = (0, 1, 2)
"""0 nothing, 1 for noise, 2 for faint writing in noise."""

# Standard deviation of the Gaussian, in shares of the shorter side of the picture.
_BLUR = (0.0, 0.002, 0.006)


def enhance(picture: Gray, level: int) -> Gray:
    """Takes noise out of a grey picture, uint8 of shape (height, width).

    A median removes single grains; a Gaussian, narrower than the strokes of a character that
    fills half of the picture, averages the rest.
    """
    if level == 0:
        return picture
    sigma = max(0.6, _BLUR[level] * min(picture.shape))
    return gray(cv2.GaussianBlur(cv2.medianBlur(picture, 3), (0, 0), sigma))
