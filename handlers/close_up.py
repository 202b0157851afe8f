"""Decodes a small character again, at the resolution of the file.

The picture that is searched has at most 512 pixels: a character of 24 pixels in a picture of 1200
has ten there.
"""

from __future__ import annotations

import cv2
import numpy as np

from handlers.arrays import Gray, gray
from handlers.boxes import Box
from handlers.decoding import decode

# The longer side of the picture that is decoded, and of the character in the close-up, in pixels.
_LONGEST = 2048
_CHARACTER = 96
# The margin on each side of the character, as a share of its longer side.
_MARGIN = 0.6


def close_up(data: bytes, box: Box) -> Gray:
    """The part of an encoded picture around a `box`, the character about 96 pixels large."""
    picture = decode(data, _LONGEST)
    size = np.array(picture.shape[::-1])
    start, extent = np.array(box[:2]) * size, np.array(box[2:]) * size
    margin = _MARGIN * extent.max()
    left, top = np.maximum(0, start - margin).astype(int)
    right, bottom = np.ceil(np.minimum(size, start + extent + margin)).astype(int)
    part = picture[top:bottom, left:right]
    scale = _CHARACTER / extent.max()
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return gray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=method))
