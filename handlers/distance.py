"""Distances between embeddings, and the score that a learner sees."""

from __future__ import annotations

THRESHOLD = 0.45
"""Below this distance two characters count as the same; embeddings are trained for it."""

FARTHEST = 2.0
"""Distance of two embeddings of length 1 in opposite directions."""


def similarity_score(distance: float) -> float:
    """100 at distance 0, 50 at the threshold, 0 at distance 2, linear in between."""
    if distance < THRESHOLD:
        return 100 - 50 * distance / THRESHOLD
    return max(0.0, 50 * (FARTHEST - distance) / (FARTHEST - THRESHOLD))
