"""How a letter stands in its cell of a worksheet.

A photograph of a cell is compared as any photograph is: size and place do not change the mark. But
the cell is known, so a letter that is far too small for it, or far from its middle, is told so.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from handlers.arrays import Gray, gray
from handlers.comparison import Comparison
from handlers.faults import Fault
from handlers.lines import Points
from handlers.position_words import direction

_SMALLER = 0.075
"""A letter may be smaller than the reference by this share for each pixel of the strictness."""
_AWAY = 0.03
"""Its middle may be this share of the cell away from that of the reference, likewise."""


def cell_faults(comparison: Comparison, pad: Gray) -> Iterator[Fault]:
    """Faults of the whole letter whose ink is on `pad`, the cell."""
    middle, size = _box(pad)
    wanted_middle, wanted_size = _box(comparison.form.picture)
    tolerance = comparison.strictness.value
    missing = 1 - float(size.max() / wanted_size.max())
    if missing > _SMALLER * tolerance:
        yield Fault("proportion", missing * comparison.length, direction="small")
    away = (middle - wanted_middle) / len(pad)
    distance = float(np.hypot(*away))
    if distance > _AWAY * tolerance:
        yield Fault("shifted", distance * comparison.length, direction=direction(away))


def _box(ink: Gray) -> tuple[Points, Points]:
    """The middle and the size of the ink, 255 on 0, in pixels."""
    x, y, width, height = cv2.boundingRect(gray(ink >= 128))
    return np.array([x + width / 2, y + height / 2]), np.array([width, height], np.float64)
