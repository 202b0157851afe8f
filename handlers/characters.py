"""The classes of the models: Ranjana characters and digits.

The 36 consonants are in the order of the Devanagari alphabet, conjuncts last. Latin names are the
Unicode names (DEVANAGARI LETTER KA and so on); the name of a conjunct joins those of its parts.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Character:
    """One class of a model: its index, its text in Devanagari and its Latin name."""

    index: int
    text: str
    name: str


_LETTERS = (
    "क ka, ख kha, ग ga, घ gha, ङ nga, च ca, छ cha, ज ja, झ jha, ञ nya, ट tta, ठ ttha, ड dda, "
    "ढ ddha, ण nna, त ta, थ tha, द da, ध dha, न na, प pa, फ pha, ब ba, भ bha, म ma, य ya, "
    "र ra, ल la, व va, श sha, ष ssa, स sa, ह ha, क्ष kssa, त्र tra, ज्ञ jnya"
)

CHARACTERS: tuple[Character, ...] = tuple(
    Character(index, *letter.split(" ")) for index, letter in enumerate(_LETTERS.split(", "))
)
"""The 36 characters, `CHARACTERS[i].index == i`."""

_NAMES = "zero one two three four five six seven eight nine"

DIGITS: tuple[Character, ...] = tuple(
    Character(index, str(index), name) for index, name in enumerate(_NAMES.split())
)
"""The ten digits, `DIGITS[i].index == i`."""
