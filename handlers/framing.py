"""The last step of preprocessing, shared with training: ink of any size -> 64x64 ink image."""

from __future__ import annotations

import cv2
import numpy as np

from handlers.arrays import Gray, gray

INK_SIZE = 64
"""Side of an ink image in pixels."""

INK_MARGIN = 4
"""Free pixels between the longer side of the character and the edge of the ink image."""


def frame_ink(ink: Gray) -> Gray:
    """Crops to the ink, centres it in a square and resizes it, keeping the aspect ratio.

    `ink` is uint8 of shape (height, width), brighter where there is more ink; pixels of 128
    and more decide where the crop is. Returns uint8 of shape (64, 64), white ink on black,
    the longer side of the character 56 pixels. Raises ValueError where there is no ink.
    """
    x, y, width, height = cv2.boundingRect((ink >= 128).astype(np.uint8))
    if not width:
        raise ValueError("no ink to frame")
    inner = INK_SIZE - 2 * INK_MARGIN
    scale = inner / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(ink[y : y + height, x : x + width], size, interpolation=method)
    framed = gray(np.zeros((INK_SIZE, INK_SIZE)))
    left, top = (INK_SIZE - size[0]) // 2, (INK_SIZE - size[1]) // 2
    framed[top : top + size[1], left : left + size[0]] = resized
    return framed
