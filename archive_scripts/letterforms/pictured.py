"""Letterforms known only from a picture: printed glyphs.

A picture becomes two distance fields: to its outline and to its skeleton. Each sample warps both
together, then thresholds them: the outline field gives a broad pen, the skeleton field a round
pen. Hairlines survive a thin pen because the skeleton is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from archive_scripts.letterforms.writer_style import bent_grid, smooth_noise
from handlers.arrays import Field, Gray, field

_CANVAS = 160
"""Side of the fields in pixels; distances have the same unit."""
_LETTER = 104
"""Longer side of the letter in the fields; the margin leaves room for warps."""


@dataclass(frozen=True)
class PicturedLetterform:
    """One way to write a character.

    `fields` is float32 of shape (160, 160, 2): the signed distance to the outline, positive
    inside, and the distance to the skeleton, both in pixels.
    """

    fields: Field

    @classmethod
    def from_mask(cls, mask: Gray) -> PicturedLetterform:
        """Accepts a uint8 mask of any size, ink 255 on 0, cropped or not."""
        # The import takes a second, and most trainings have no printed letterforms.
        from skimage.morphology import skeletonize

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
        grid = bent_grid(rng, strength) * (_CANVAS / 2) + _CANVAS / 2
        lookup = cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
        border = cv2.BORDER_REPLICATE
        warped = cv2.remap(self.fields, lookup, None, cv2.INTER_LINEAR, borderMode=border)
        return _ink(field(warped), rng)


def _ink(fields: Field, rng: np.random.Generator) -> Gray:
    outline, skeleton = fields[..., 0], fields[..., 1]
    side = fields.shape[0]
    uneven = smooth_noise(rng, 5, side) * rng.uniform(0, 1.6)
    uneven += smooth_noise(rng, 28, side) * rng.uniform(0, 0.7)
    kind = rng.random()
    if kind < 0.18:  # a ballpoint or a marker along the middle of each stroke
        ink = skeleton + uneven < rng.uniform(2.0, 5.0)
    elif kind < 0.62:  # a narrower nib: thick strokes lose width, hairlines keep theirs
        ink = (outline + uneven > rng.uniform(0.0, 5.0)) | (
            skeleton + uneven < rng.uniform(0.6, 3.2)
        )
    else:  # the typeface's own nib or a wider one
        ink = outline + uneven > rng.uniform(-3.2, 1.2)
    return ink.astype(np.uint8) * 255
