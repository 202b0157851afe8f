"""Letterforms that come as a picture: printed glyphs and samples of handwriting.

The picture is held as two distance fields, to its outline and to its skeleton. A sample warps
both together and then decides, pixel by pixel, where there is ink: a threshold on the first is
a thicker or thinner broad pen, one on the second a round pen. Both bend the same way, so
hairlines survive a thin pen as they do in real writing.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from skimage.morphology import skeletonize

from archive_scripts.letterforms.writer_style import bent_grid, smooth_noise
from handlers.arrays import Field, Gray, field

_CANVAS = 160
"""Side of a letterform's fields; distances are in these pixels."""
_LETTER = 104
"""Longer side of the letter in the fields; the rest is room to move."""


@dataclass(frozen=True)
class PicturedLetterform:
    """One way to write a character, known from a picture.

    `fields` is float32 of shape (160, 160, 2): the signed distance to the outline, positive
    inside, and the distance to the skeleton, both in canvas pixels.
    """

    fields: Field

    @classmethod
    def from_mask(cls, mask: Gray) -> PicturedLetterform:
        """Takes a uint8 mask of any size, ink 255 on 0, cropped or not."""
        x, y, width, height = cv2.boundingRect((mask >= 128).astype(np.uint8))
        scale = _LETTER / max(width, height)
        letter = cv2.resize(
            mask[y : y + height, x : x + width],
            (max(1, round(width * scale)), max(1, round(height * scale))),
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

    def write(self, rng: np.random.Generator, side: int, strength: float = 1.0) -> Gray:
        """Writes the letter once: uint8 of shape (side, side), ink 255 on 0."""
        return _pen(self._warped(rng, side, strength), rng)

    def _warped(self, rng: np.random.Generator, side: int, strength: float) -> Field:
        grid = bent_grid(rng, strength) * (_CANVAS / 2) + _CANVAS / 2
        lookup = cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
        return field(
            cv2.remap(self.fields, lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        )


def _pen(fields: Field, rng: np.random.Generator) -> Gray:
    outline, skeleton = fields[..., 0], fields[..., 1]
    side = fields.shape[0]
    uneven = smooth_noise(rng, 5, side) * rng.uniform(0, 1.6)
    uneven += smooth_noise(rng, 28, side) * rng.uniform(0, 0.7)
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
