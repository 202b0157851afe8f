"""The syntax and the order of version numbers, for requests, trainings and archives."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = "(0|[1-9][0-9]{0,5})"

VERSION = rf"{_NUMBER}\.{_NUMBER}(\.{_NUMBER})?"
"""`1.2` or `1.2.3`. Each number is below a million and has no leading zeros, so that a version has
one spelling.
"""

LARGEST = 999_999
"""The largest number in a version."""

_PATTERN = re.compile(VERSION)


def is_version(text: str) -> bool:
    """Whether `text` is a version number."""
    return _PATTERN.fullmatch(text) is not None


def next_version(taken: Iterable[str]) -> str | None:
    """The minor version after the highest of `taken`; after the largest minor, the next major.

    None if no version is left. Ignores text that is no version.
    """
    numbers = [tuple(map(int, version.split("."))) for version in taken if is_version(version)]
    major, minor = max((number[:2] for number in numbers), default=(1, -1))
    if minor < LARGEST:
        return f"{major}.{minor + 1}"
    return f"{major + 1}.0" if major < LARGEST else None


def release_number(version: str) -> tuple[int, ...]:
    """The sort key of a version: `1.10` comes after `1.9`. Parts that are no numbers come first."""
    parts = version.split(".")
    return tuple(int(part) if part.isascii() and part.isdigit() else -1 for part in parts)
