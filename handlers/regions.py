"""How much ink is missing and extra in each region of the reference picture."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from handlers.arrays import Mask
from handlers.lines import SIDE

GRID = 3
"""Regions per row, and rows."""


@dataclass(frozen=True)
class Region:
    """One of the nine regions of the reference picture."""

    row: int
    column: int
    missing: float
    """Share of the reference's ink in this region that the learner left out, 0-1. A region with
    less ink than 4 % of the whole letter counts as if it had 4 %, so that a speck weighs little."""
    extra: float
    """Share of the learner's ink in this region that the reference does not have; as `missing`."""

    @property
    def score(self) -> float:
        """100 for a region without faults, 0 for one where nothing is right."""
        return 100 * (1 - self.missing) * (1 - self.extra)


def regions(missing: Mask, reference: Mask, extra: Mask, ink: Mask) -> list[Region]:
    """All regions, row by row, from masks of the canvas: what is missing of the ink of the
    reference, and what is extra of the learner's.
    """
    least = 0.04 * np.count_nonzero(reference)
    bounds = np.linspace(0, SIDE, GRID + 1).round().astype(int)
    slices = [slice(low, high) for low, high in pairwise(bounds)]
    return [
        Region(
            row,
            column,
            _share(missing[rows, columns], reference[rows, columns], least),
            _share(extra[rows, columns], ink[rows, columns], least),
        )
        for row, rows in enumerate(slices)
        for column, columns in enumerate(slices)
    ]


def _share(fault: Mask, ink: Mask, least: float) -> float:
    return np.count_nonzero(fault) / max(int(np.count_nonzero(ink)), least, 1)
