"""The learner's mark: coverage x shape x proportion, see docs/feedback.md."""

from __future__ import annotations

import numpy as np

from handlers.comparison import Comparison
from handlers.faults import order_faults
from handlers.lines import SPACING

WITH_A_STROKE_MISSING = 69
"""Maximum while a whole stroke is missing."""

_WRITTEN, _BELONGS = 1.7, 3.0
"""Exponents of the two shares of the coverage, so that a scribble over everything gets nothing."""
_MOSTLY = 0.75
"""Where less than this share of what is written belongs to the letter, it counts squared."""
_FREE_INK = 1.2
"""Ink may be as long as this many times what is written of the letter."""
_FREE_END = 6.0
"""A stroke may go on this far beyond its end, in pixels."""
_FREE = 1.5
"""A stroke may be this far beside its place, in pixels of the canvas, on average."""
_HALVED = 10.0
"""A further mean distance that halves the mark, in pixels."""
_FREE_STRETCH = 0.12
"""Size and proportions may be off by this much, as a logarithm."""
_HALVED_STRETCH = 0.6
"""A further stretch that halves the mark."""
_FREE_OFFSET = 4.0
"""The middle of a drawing may be this far from its place, in pixels."""
_HALVED_OFFSET = 24.0
_ORDER_POINTS = 4
"""For each fault of the order of strokes, 10 in all."""


def score(comparison: Comparison) -> int:
    """The mark, 0-100: 90 and more for a faithful copy with any pen, about 0 for a dot."""
    mark = 100 * _coverage(comparison) * _shape(comparison) * _proportion(comparison)
    if any(judged.is_missing for judged in comparison.judged):
        mark = min(mark, WITH_A_STROKE_MISSING)
    return max(0, round(mark - min(10, _ORDER_POINTS * len(order_faults(comparison)))))


def _coverage(comparison: Comparison) -> float:
    """The share of the strokes that is written, and that of what is written that belongs."""
    written = comparison.written_length
    beyond = sum(
        max(0.0, end - _FREE_END) for judged in comparison.judged for end in judged.overshoots
    )
    extra = SPACING * int(np.count_nonzero(comparison.extra_points)) + beyond
    belongs = written / max(1e-9, written + extra)
    if not comparison.matching:
        belongs *= 1 - np.count_nonzero(comparison.extra) / np.count_nonzero(comparison.ink)
        # A blot is no stroke, and a scribble has more of them than the letter.
        belongs *= min(1.0, 2 * comparison.form.half_width / comparison.pen_half_width)
        ink_length = np.count_nonzero(comparison.ink) / (2 * comparison.pen_half_width)
        belongs *= min(1.0, _FREE_INK * written / ink_length)
    belongs *= min(1.0, belongs / _MOSTLY)
    return float((written / comparison.length) ** _WRITTEN * belongs**_BELONGS)


def _shape(comparison: Comparison) -> float:
    """How near the strokes are to their lines."""
    offset = comparison.placement.aligned_offset
    seen = [judged for judged in comparison.judged if judged.is_seen]
    if not seen:
        return 0.0
    far = [
        float(np.hypot(*(judged.shift - offset))) + float(np.nanmean(np.abs(judged.deviations)))
        for judged in seen
    ]
    lengths = [judged.length for judged in seen]
    mean = float(np.average(np.maximum(0, np.array(far) - _FREE), weights=lengths))
    return float(0.5 ** (mean / _HALVED))


def _proportion(comparison: Comparison) -> float:
    """How near size, proportions and, in a frame, the place are to the reference's."""
    x, y = np.log(comparison.placement.scales)
    off = max(0.0, abs(x - y) - _FREE_STRETCH)
    if not comparison.in_frame:
        return float(0.5 ** (off / _HALVED_STRETCH))
    off += max(0.0, abs(x + y) / 2 - _FREE_STRETCH)
    away = max(0.0, float(np.hypot(*comparison.placement.offset)) - _FREE_OFFSET)
    return float(0.5 ** (off / _HALVED_STRETCH + away / _HALVED_OFFSET))
