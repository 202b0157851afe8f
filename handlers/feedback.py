"""What a comparison means, in plain sentences for the learner."""

from __future__ import annotations

from handlers.comparison import Comparison
from handlers.faults import faults
from handlers.places import PLACES

MOST_SENTENCES = 4

_UNLIKE = 70.0
"""Score of a region below which it is worth a word though no part of it is at fault."""


def sentences(comparison: Comparison, character: str, verdict: str | None = None) -> list[str]:
    """Two to four sentences, the worst fault first; praise where there is none.

    `character` is how the character is called in them. `verdict` says that the ink is not this
    character at all: it comes before everything else, and nothing is praised.
    """
    found = faults(comparison)
    if verdict:
        said = [fault.sentence for fault in found[: MOST_SENTENCES - 1]]
        return [verdict, *(said or ["Compare it with the reference part by part."])]
    worst = min(comparison.regions, key=lambda region: region.score)
    if not found and worst.score < _UNLIKE:
        return [
            f"Your {character} differs most from the reference "
            f"{PLACES[worst.row][worst.column]}: compare the two there.",
            "The rest of it is in its place.",
        ]
    if not found:
        return [
            f"Well written: every part of {character} is there and in its place.",
            _praise_of_proportions(comparison, character),
        ]
    said = [fault.sentence for fault in found[:MOST_SENTENCES]]
    if len(said) == 1:
        said.append(f"Everything else about your {character} is in its place.")
    return said


def _praise_of_proportions(comparison: Comparison, character: str) -> str:
    aspect = comparison.alignment.aspect
    if 0.92 < aspect < 1.08:
        return "Its proportions match the reference as well."
    shape = "narrower" if aspect > 1 else "wider"
    return f"Your {character} is a little {shape} than the reference, and just as clear."
