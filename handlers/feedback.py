"""Turns a comparison into plain sentences for the learner."""

from __future__ import annotations

from handlers.comparison import Comparison
from handlers.position_words import POSITION_WORDS
from handlers.writing_faults import find_faults

MAX_SENTENCES = 4

_LOW_SCORE = 70.0
"""A region below this score is mentioned even if no part has a fault."""


def sentences(
    comparison: Comparison, character: str, verdict: str | None = None, others: int = 0
) -> list[str]:
    """Two to four sentences: the faults, the worst first, or praise if there are none.

    `character` is the character's name in the sentences. `verdict` says that the ink is not this
    character at all: it comes first, and nothing is praised. `others` is how many more characters
    the picture shows: the last sentence says that they were not judged.
    """
    said = _about(comparison, character, verdict)
    if not others:
        return said
    return [
        *said[: MAX_SENTENCES - 1],
        f"Only the largest character near the middle was judged, of {others + 1}.",
    ]


def _about(comparison: Comparison, character: str, verdict: str | None) -> list[str]:
    faults = [fault.sentence for fault in find_faults(comparison)]
    if verdict:
        said = faults[: MAX_SENTENCES - 1]
        return [verdict, *(said or ["Compare it with the reference part by part."])]
    worst = min(comparison.regions, key=lambda region: region.score)
    if not faults and worst.score < _LOW_SCORE:
        return [
            f"Your {character} differs most from the reference "
            f"{POSITION_WORDS[worst.row][worst.column]}: compare the two there.",
            "The rest of it is in its place.",
        ]
    if not faults:
        return [
            f"Well written: every part of {character} is there and in its place.",
            _proportions(comparison, character),
        ]
    if len(faults) == 1:
        return [*faults, f"Everything else about your {character} is in its place."]
    return faults[:MAX_SENTENCES]


def _proportions(comparison: Comparison, character: str) -> str:
    aspect = comparison.alignment.aspect
    if 0.92 < aspect < 1.08:
        return "Its proportions match the reference as well."
    shape = "narrower" if aspect > 1 else "wider"
    return f"Your {character} is a little {shape} than the reference, and just as clear."
