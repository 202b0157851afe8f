"""Which usernames there are, and which two are the same.

A username has 3 to 30 characters of one script, Latin or Devanagari: the letters a-z with digits
and `.`, `_`, `-`, or well-formed Devanagari syllables with Devanagari or other digits and the
same three signs. Two names are the same when NFKC and case folding make them equal (Unicode
standard annex 15, and section 3.13 of the standard), digits of both scripts taken for the same:
`Maya`, `MAYA` and either in full-width letters are. Letters of other scripts that look like one
of these, such as the Cyrillic a, are not taken, nor are invisible characters, nor marks that
would draw a letter in a second way.
"""

from __future__ import annotations

import re
import unicodedata

SHORTEST = 3
LONGEST = 30

_SIGNS = r"0-9._\-"
_LATIN = re.compile(rf"[a-z{_SIGNS}]*[a-z][a-z{_SIGNS}]*")
# Vowels, consonants with or without nukta, virama or vowel sign, then the sign of a nasal or a
# breath. Independent vowels take no vowel sign: with one they would look like another vowel.
_SYLLABLE = (
    "(?:[\u0904-\u0914\u0960\u0961\u0972-\u0977]"
    # These three have their nukta already.
    "|(?:[\u0929\u0931\u0934]"
    "|[\u0915-\u0928\u092a-\u0930\u0932\u0933\u0935-\u0939\u0958-\u095f\u0978-\u097f]\u093c?)"
    "[\u093a\u093b\u093e-\u094f\u0955-\u0957\u0962\u0963]?)"
    "[\u0900-\u0903]?"
)
_DEVANAGARI = re.compile(rf"(?:{_SYLLABLE}|[{_SIGNS}])*")
_DIGITS = {0x0966 + digit: str(digit) for digit in range(10)}
_LETTER = re.compile("[\u0904-\u0939\u0958-\u0961\u0972-\u097f]")


def username_key(username: str) -> str:
    """What equal usernames share. Raises ValueError for what cannot be one."""
    key = folded_username(username)
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"must have {SHORTEST} to {LONGEST} characters")
    if not (_LATIN.fullmatch(key) or (_DEVANAGARI.fullmatch(key) and _LETTER.search(key))):
        raise ValueError(
            "must be letters of one script, Latin a-z or Devanagari, with digits and . _ - besides"
        )
    return key


def folded_username(part: str) -> str:
    """What a part of a username is in all keys of usernames that have it."""
    return _folded(part).translate(_DIGITS)


def displayed(username: str) -> str:
    """How a username is written from now on: its own case, in plain letters."""
    return unicodedata.normalize("NFKC", username)


def email_key(email: str) -> str:
    """What equal addresses share: case does not tell them apart."""
    return _folded(email)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
