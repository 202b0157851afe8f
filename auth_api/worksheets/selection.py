"""The characters that are asked for, as indices of classes, each once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from auth_api.errors import BadRequest
from auth_api.http.validation import invalid
from auth_api.schemas.worksheets import WorksheetQuery
from handlers.characters import CHARACTERS

_BY_TEXT = {character.text: character.index for character in CHARACTERS}
_LONGEST = max(map(len, _BY_TEXT))


def classes_of(query: WorksheetQuery) -> list[int]:
    """Those of a query that says `characters`, `text` or `group`.

    Raises `BadRequest` unless it is one of them, and for a text without characters.
    """
    ways = (query.characters, query.text, query.group, query.due or None)
    if sum(way is not None for way in ways) != 1 or query.due:
        raise BadRequest(
            "Say what to write, in one of these: characters, text, group or due.", "what_to_write"
        )
    if query.characters is not None:
        return of_numbers(query.characters)
    if query.group is not None:
        return of_group(query.group)
    if not (found := of_text(query.text or "")):
        raise invalid("text", "must have letters or digits of Devanagari, such as नेपाल")
    return found


def of_numbers(numbers: str) -> list[int]:
    """Those of a list such as `0,2,19`."""
    return _once(int(number) for number in numbers.split(","))


def of_group(group: str) -> list[int]:
    """All of a group: `consonant`, `vowel` or `digit`."""
    return [character.index for character in CHARACTERS if character.group == group]


def of_text(text: str) -> list[int]:
    """Those of a text in Devanagari; the longest first, so that क्ष is one character.

    A conjunct that is no character of its own is split into its letters. Vowel signs and everything
    else is left out.
    """
    found, start = [], 0
    text = unicodedata.normalize("NFC", text)
    while start < len(text):
        for length in range(_LONGEST, 0, -1):
            if (index := _BY_TEXT.get(text[start : start + length])) is not None:
                found.append(index)
                break
        else:
            length = 1
        start += length
    return _once(found)


def _once(indices: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(indices))
