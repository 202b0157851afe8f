"""Separates ink from what is lighter or darker and lies over the same paper: squares, a finger, the
shadow of blinds.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Gray, Mask, gray
from handlers.arrays import mask as to_mask

# The two layers differ at least by this share of the denser one.
_MIN_DIFFERENCE = 0.15
# The lighter layer has at least this share of the denser one's area away from it. The soft edges of
# strokes lie beside it.
_MIN_AWAY = 0.2
_EDGE = np.ones((7, 7), np.uint8)


def split_layers(ink: Gray, mask: Mask) -> tuple[Mask, Mask] | None:
    """Splits `mask` into the denser and the lighter of two kinds of ink; None if there is one.

    `ink` is uint8 of the same shape, 0-255. The split is Otsu's, of the pixels of the mask.
    """
    values: npt.NDArray[np.uint8] = ink[mask]
    level, _ = cv2.threshold(values, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    dense = values > level
    if not dense.any() or dense.all():
        return None
    denser, lighter = float(values[dense].mean()), float(values[~dense].mean())
    if denser - lighter < _MIN_DIFFERENCE * denser:
        return None
    upper = gray(mask & (ink > level))
    away = mask & (cv2.dilate(upper, _EDGE) == 0)
    if np.count_nonzero(away) < _MIN_AWAY * np.count_nonzero(upper):
        return None
    return mask & to_mask(cv2.dilate(upper, np.ones((3, 3), np.uint8))), away
