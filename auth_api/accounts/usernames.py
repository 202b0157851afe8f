"""Which usernames are valid, and which two are the same.

A username has 3 to 30 characters of one script. Latin: the letters a-z, digits and `.`, `_`, `-`.
Devanagari: well-formed syllables, Devanagari or other digits, and the same three signs.

Two usernames are the same if their keys are equal. The key applies NFKC (Unicode annex 15) and
case folding (Unicode standard, section 3.13), and maps Devanagari digits to Latin ones: `Maya`,
`MAYA` and full-width `Maya` are the same. Not allowed are look-alike letters of other scripts
(such as the Cyrillic a), invisible characters, and marks that draw a letter in a second way.
"""

from __future__ import annotations

import re
import unicodedata

from auth_api.http.validation import invalid

MIN_LENGTH = 3
MAX_LENGTH = 30

_SIGNS = r"0-9._\-"
_LATIN = re.compile(rf"[a-z{_SIGNS}]*[a-z][a-z{_SIGNS}]*")
# A vowel, or a consonant with optional nukta and optional virama or vowel sign. A nasal or breath
# sign may follow. A vowel takes no vowel sign, because it would look like another vowel.
_SYLLABLE = (
    "(?:[\u0904-\u0914\u0960\u0961\u0972-\u0977]"
    # These three contain a nukta already.
    "|(?:[\u0929\u0931\u0934]"
    "|[\u0915-\u0928\u092a-\u0930\u0932\u0933\u0935-\u0939\u0958-\u095f\u0978-\u097f]\u093c?)"
    "[\u093a\u093b\u093e-\u094f\u0955-\u0957\u0962\u0963]?)"
    "[\u0900-\u0903]?"
)
_DEVANAGARI = re.compile(rf"(?:{_SYLLABLE}|[{_SIGNS}])*")
_DIGITS = {0x0966 + digit: str(digit) for digit in range(10)}
_LETTER = re.compile("[\u0904-\u0939\u0958-\u0961\u0972-\u097f]")


def username_key(username: str, field: str = "username") -> str:
    """The key that equal usernames share.

    Raises `BadRequest` for an invalid username; it names `field`, the field of the request.
    """
    key = folded_username(username)
    if not MIN_LENGTH <= len(key) <= MAX_LENGTH:
        raise invalid(field, f"must have {MIN_LENGTH} to {MAX_LENGTH} characters")
    if not (_LATIN.fullmatch(key) or (_DEVANAGARI.fullmatch(key) and _LETTER.search(key))):
        raise invalid(
            field,
            "must be letters of one script, Latin a-z or Devanagari, with digits and . _ - besides",
        )
    return key


def folded_username(part: str) -> str:
    """A part of a username as it appears in keys, for searching."""
    return _folded(part).translate(_DIGITS)


def display_form(username: str) -> str:
    """The username as it is shown: NFKC, with its own case and Devanagari digits."""
    return unicodedata.normalize("NFKC", username)


def email_key(email: str) -> str:
    """The key that equal e-mail addresses share; it ignores case."""
    return _folded(email)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
