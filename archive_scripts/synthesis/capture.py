"""From letterforms to ink images of handwriting, as preprocessing would make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from archive_scripts.synthesis.augmentation import augment
from handlers.arrays import Gray
from handlers.framing import frame_ink

_DRAWN = 112
"""Side of the picture a sample is drawn on before it is captured and framed."""
_LEAST_INK = 40
"""Pixels of ink below which a sample has come out empty."""


class Letterform(Protocol):
    """One way to write a character."""

    def write(self, rng: np.random.Generator, side: int, strength: float = 1.0) -> Gray:
        """Writes it once: uint8 of shape (side, side), ink 255 on 0.

        `strength` says how freely: 0 not at all, 1 as hands do, 2 twice as much.
        """


def capture(
    write: Callable[[np.random.Generator, int], Gray],
    rng: np.random.Generator,
    strength: float = 1.0,
) -> Gray:
    """Has something written and takes its picture with all the faults that pictures have,
    `strength` times as often as usual.

    Returns an ink image as preprocessing would: uint8 of shape (64, 64), white on black.
    """
    while True:
        ink = augment(write(rng, _DRAWN), rng, strength)
        if np.count_nonzero(ink >= 128) >= _LEAST_INK:
            return frame_ink(ink)
