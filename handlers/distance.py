"""Distances between embeddings, and the score that a learner sees."""

from __future__ import annotations

THRESHOLD = 0.45
"""Below this distance two characters count as the same; embeddings are trained for it."""

UNALIKE = 1.2
"""From this distance on, nothing is alike."""

FARTHEST = 2.0
"""Distance of two embeddings of length 1 in opposite directions."""


def similarity_score(distance: float) -> float:
    """100 at distance 0, 50 at the threshold, 0 from distance 1.2 on, linear in between."""
    if distance < THRESHOLD:
        return 100 - 50 * distance / THRESHOLD
    return max(0.0, 50 * (UNALIKE - distance) / (UNALIKE - THRESHOLD))
