"""Usernames that look official, which nobody may choose for their own account.

A learner would trust a message of `admin`. So `Admin`, `4dmin`, `adrnin`, `a.d.m.i.n` and
`Ranjana_Support` are reserved too: two names that look alike have the same skeleton. Administrators
and operators may still give such names to accounts.
"""

from __future__ import annotations

import re

from auth_api.accounts.usernames import username_key
from auth_api.http.validation import invalid

_SERVICE = "ranjana"
"""It is a first name as well, so `ranjana7` and `ranjana.sharma` are free."""
_OFFICES = (
    "admin administrator administration superuser sysadmin root system operator owner moderator "
    "mod staff team crew support help helpdesk service security abuse info contact webmaster "
    "hostmaster postmaster official verified noreply notification everyone anonymous "
    "एडमिन प्रशासक व्यवस्थापक सहायता रञ्जना रन्जना रंजना"
)
_BESIDES = "the real our my account desk center centre super"
"""Reserved together with an office only: `the.admin`, `account-security`."""

_DIGITS = "0123456789"
_SEPARATORS = str.maketrans("", "", "._-")
_LOOK_ALIKE = str.maketrans("0123456789l", "oizeasgtbgi")
_PAIRS = (("rn", "m"), ("vv", "w"), ("ci", "d"))  # `ci` is `cl` by now


def require_unreserved(username: str, field: str = "username") -> None:
    """Raises `BadRequest` for a username that looks official, and for an invalid one."""
    name = username_key(username, field).translate(_SEPARATORS)
    # A digit may stand for a letter (`adm1n`) or beside the name (`admin1`).
    without_digits = {name.rstrip(_DIGITS), name.lstrip(_DIGITS), name.strip(_DIGITS)} - {_SERVICE}
    if any(_OFFICIAL.fullmatch(_skeleton(each)) for each in (name, *without_digits)):
        raise invalid(field, "is reserved: please choose another")


def _skeleton(name: str) -> str:
    """The same for names that look alike."""
    skeleton = name.translate(_LOOK_ALIKE)
    for pair, letter in _PAIRS:
        skeleton = skeleton.replace(pair, letter)
    return skeleton


def _official_pattern() -> re.Pattern[str]:
    """Matches a skeleton of at least one office, with nothing but offices and words beside them."""
    offices, besides = ("|".join(map(_skeleton, words.split())) for words in (_OFFICES, _BESIDES))
    office = rf"(?:(?:{offices})s?|{_skeleton(_SERVICE)})"
    return re.compile(rf"(?:{besides})*(?:{office}(?:{besides})*)+")


_OFFICIAL = _official_pattern()
