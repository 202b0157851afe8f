"""The classes of the models: Ranjana characters and digits.

The 36 consonants are in the order of the Devanagari alphabet, conjuncts last; the 16 vowels and ten
digits of the script follow. Latin names are the Unicode names (DEVANAGARI LETTER KA, DEVANAGARI
DIGIT ONE and so on); the name of a conjunct joins those of its parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True)
class Character:
    """One class of a model: its index, its text in Devanagari and its Latin name."""

    index: int
    text: str
    name: str
    group: str
    """`consonant`, `vowel` or `digit`."""


_LETTERS = (
    "क ka, ख kha, ग ga, घ gha, ङ nga, च ca, छ cha, ज ja, झ jha, ञ nya, ट tta, ठ ttha, ड dda, "
    "ढ ddha, ण nna, त ta, थ tha, द da, ध dha, न na, प pa, फ pha, ब ba, भ bha, म ma, य ya, "
    "र ra, ल la, व va, श sha, ष ssa, स sa, ह ha, क्ष kssa, त्र tra, ज्ञ jnya"
)

_VOWELS = (
    "अ a, आ aa, इ i, ई ii, उ u, ऊ uu, ऋ vocalic r, ॠ vocalic rr, ऌ vocalic l, ॡ vocalic ll, "
    "ए e, ऐ ai, ओ o, औ au, अं am, अः ah"
)
_NAMES = "zero one two three four five six seven eight nine"
_DIGITS = ", ".join(
    f"{text} {name}" for text, name in zip("०१२३४५६७८९", _NAMES.split(), strict=True)
)


def _characters() -> Iterator[Character]:
    index = count()
    for group, letters in (("consonant", _LETTERS), ("vowel", _VOWELS), ("digit", _DIGITS)):
        for letter in letters.split(", "):
            text, name = letter.split(" ", 1)
            yield Character(next(index), text, name, group)


CHARACTERS = tuple(_characters())
"""The 62 characters of the script, `CHARACTERS[i].index == i`."""

CONSONANTS = CHARACTERS[:36]
"""The characters that are answered unless a caller asks for all."""

CHARACTER_SETS = {"consonants": CONSONANTS, "all": CHARACTERS}
"""The characters that can be asked for, by the value of the option `characters`."""

DIGITS: tuple[Character, ...] = tuple(
    Character(index, str(index), name, "digit") for index, name in enumerate(_NAMES.split())
)
"""The ten digits, `DIGITS[i].index == i`."""
