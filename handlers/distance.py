"""Distances between embeddings, and the score that a learner sees."""

from __future__ import annotations

THRESHOLD = 0.45
"""Below this distance two characters count as the same; embeddings are trained for it."""

FARTHEST = 1.2
"""At this distance and beyond nothing is alike; two embeddings of length 1 are at most 2 apart."""


def similarity_score(distance: float) -> float:
    """100 at distance 0, 50 at the threshold, 0 at distance 1.2, linear in between."""
    if distance < THRESHOLD:
        return 100 - 50 * distance / THRESHOLD
    return max(0.0, 50 * (FARTHEST - distance) / (FARTHEST - THRESHOLD))
