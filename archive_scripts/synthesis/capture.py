"""Turns letterforms into ink images of handwriting, as preprocessing makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from archive_scripts.synthesis.augmentation import augment
from handlers.arrays import Gray
from handlers.framing import frame_ink

_DRAWING_SIDE = 112
"""Side of the picture that a sample is drawn on, in pixels."""
_MIN_INK_PIXELS = 40
"""A sample with less ink counts as empty and is drawn again."""


class Letterform(Protocol):
    """One way to write a character."""

    def write(self, rng: np.random.Generator, side: int, strength: float = 1.0) -> Gray:
        """Writes the letter once: uint8 of shape (side, side), ink 255 on 0.

        `strength` scales the distortion: 0 none, 1 as much as writers do, 2 twice as much.
        """


def capture(
    write: Callable[[np.random.Generator, int], Gray],
    rng: np.random.Generator,
    strength: float = 1.0,
) -> Gray:
    """Writes with `write`, augments the ink and frames it.

    `strength` multiplies the probabilities of the augmentations. Returns an ink image: uint8 of
    shape (64, 64), white on black.
    """
    while True:
        ink = augment(write(rng, _DRAWING_SIDE), rng, strength)
        if np.count_nonzero(ink >= 128) >= _MIN_INK_PIXELS:
            return frame_ink(ink)
