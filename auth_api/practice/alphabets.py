"""The classes of each recognition model."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from auth_api.errors import NotFound
from handlers.characters import CHARACTERS, CONSONANTS, DIGITS, Character

ALPHABETS: Mapping[str, Sequence[Character]] = {"ranjana": CHARACTERS, "digits": DIGITS}
"""By model name. `ALPHABETS[model][n]` is class n."""

ANSWER_SIZES: Mapping[str, Collection[int]] = {
    "ranjana": {len(CONSONANTS), len(CHARACTERS)},
    "digits": {len(DIGITS)},
}
"""By model name: how many classes an answer may have. Versions of `ranjana` from before the vowels
and the digits of the script know the consonants only."""

_CLASS_NUMBER = re.compile(r"(?:class_)?([0-9]{1,3})")


def class_numbered(name: str, alphabet: Sequence[Character]) -> int | None:
    """The class that a file or folder name states as a number, or None: `12` or `class_12`."""
    match = _CLASS_NUMBER.fullmatch(name)
    return int(match[1]) if match and int(match[1]) < len(alphabet) else None


def class_named(name: str, alphabet: Sequence[Character]) -> int | None:
    """The class that a file or folder name states as a character, or None: `ड` or `dda`."""
    return next((each.index for each in alphabet if name in (each.text, each.name)), None)


def numbers_of(alphabet: Sequence[Character]) -> str:
    """The class numbers of an alphabet, for a sentence: `0-61`."""
    return f"{alphabet[0].index}-{alphabet[-1].index}"


def require_recogniser(model: str, served: Sequence[str]) -> None:
    """Raises `NotFound` unless `model` is one of the `served` models and recognises characters."""
    recognisers = [name for name in served if name in ALPHABETS]
    if model not in recognisers:
        raise NotFound(
            f"There is no model {model}: choose {' or '.join(recognisers)}.", "model_not_found"
        )
