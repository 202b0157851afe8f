"""Turns faults into plain sentences for the learner.

The page translates by the same table: auth_api/web/views/practise/feedback.js.
"""

from __future__ import annotations

from collections.abc import Sequence

from handlers.comparison import Comparison
from handlers.faults import Fault
from handlers.position_words import PLACES

MAX_SENTENCES = 4

_SENTENCES = {
    "missing": "The {part} is missing.",
    "extra": "There is an extra stroke {where}.",
    "short": "The {part} is too short {end}.",
    "long": "The {part} is too long {end}.",
    "broken": "The {part} is broken {place}.",
    "shifted": "The {part} is too far {direction}.",
    "bent": "The {part} bends too far {direction}.",
    "thick": "The {part} is too thick {place}.",
    "thin": "The {part} is too thin {place}.",
    "reversed": "The {part} is written from its end to its start.",
    "order": "The {part} is not written in its turn.",
    "joined": "The {part} is a stroke of its own: lift the pen before it.",
}
_OF_THE_WHOLE = {
    "shifted": "Your {character} is too far {direction} in its frame.",
    "wide": "Your {character} is too wide.",
    "narrow": "Your {character} is too narrow.",
    "large": "Your {character} is too large for its frame.",
    "small": "Your {character} is too small for its frame.",
}
_WHERE = {
    "upper left": "at the upper left",
    "upper": "at the top",
    "upper right": "at the upper right",
    "left": "on the left",
    "middle": "in the middle",
    "right": "on the right",
    "lower left": "at the lower left",
    "lower": "at the bottom",
    "lower right": "at the lower right",
}
_DIRECTIONS = {
    "left": "to the left",
    "right": "to the right",
    "up": "up",
    "down": "down",
    "up left": "up to the left",
    "up right": "up to the right",
    "down left": "down to the left",
    "down right": "down to the right",
}


def sentences(
    comparison: Comparison,
    faults: Sequence[Fault],
    character: str,
    verdict: str | None = None,
    others: int = 0,
) -> list[str]:
    """One to four sentences: the faults, the worst first, or praise if there are none.

    `character` is the character's name in the sentences. `verdict` says that the ink is not this
    character at all: it comes first, and nothing is praised. `others` is how many more characters
    the picture shows: the last sentence says that they were not judged.
    """
    said = [sentence(fault, comparison, character) for fault in faults]
    if verdict:
        said = [verdict, *(said or ["Compare it with the reference part by part."])]
    elif not said:
        said = [f"Well written: every part of {character} is there and in its place."]
    elif len(said) == 1:
        said.append(f"Everything else about your {character} is in its place.")
    if not others:
        return said[:MAX_SENTENCES]
    return [
        *said[: MAX_SENTENCES - 1],
        f"Only the largest character near the middle was judged, of {others + 1}.",
    ]


def sentence(fault: Fault, comparison: Comparison, character: str) -> str:
    """The sentence for one fault."""
    direction = _DIRECTIONS.get(fault.direction or "", "")
    if fault.fault == "proportion":
        return _OF_THE_WHOLE[fault.direction or ""].format(character=character)
    if fault.fault == "shifted" and fault.stroke is None:
        return _OF_THE_WHOLE["shifted"].format(character=character, direction=direction)
    return _SENTENCES[fault.fault].format(
        part="" if fault.stroke is None else comparison.form.parts[fault.stroke].name,
        where=_WHERE[PLACES[fault.row or 0][fault.column or 0]],
        place=_WHERE.get(fault.end or "", ""),
        end=_end(fault.end),
        direction=direction,
    )


def _end(end: str | None) -> str:
    if end == "both":
        return "at both ends"
    return "at its inner end" if end == "middle" else f"at its {end} end"
