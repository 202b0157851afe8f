"""What a version is called: one grammar, whoever asks for it, makes it or registers it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = "(0|[1-9][0-9]{0,5})"

VERSION = rf"{_NUMBER}\.{_NUMBER}(\.{_NUMBER})?"
"""`1.2` or `1.2.3`, each number below a million and without leading zeros: what is the same
version is written in one way.
"""

LARGEST = 999_999
"""Number in a version."""

_WHOLE = re.compile(VERSION)


def is_version(text: str) -> bool:
    """Whether a version may be called so."""
    return _WHOLE.fullmatch(text) is not None


def next_version(taken: Iterable[str]) -> str | None:
    """The next minor version above all of `taken`, after the largest the next major one; None
    where there is none left. What is no version does not count.
    """
    numbers = [tuple(map(int, version.split("."))) for version in taken if is_version(version)]
    major, minor = max((number[:2] for number in numbers), default=(1, -1))
    if minor < LARGEST:
        return f"{major}.{minor + 1}"
    return f"{major + 1}.0" if major < LARGEST else None
