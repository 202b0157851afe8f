"""What options and arguments of several commands can be."""

from __future__ import annotations

import argparse

_LARGEST = 2**53


def number(text: str) -> int:
    """The number of a row. Raises ValueError, which argparse understands."""
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= _LARGEST):
        raise ValueError
    return int(text)


def printable(text: str) -> str:
    """Text without control characters, and in an encoding. Raises ValueError."""
    if not text.isprintable():
        raise ValueError
    return text


def add_limit(listing: argparse.ArgumentParser) -> None:
    """`--limit`, the rows that a list has at most."""
    listing.add_argument("--limit", type=number, default=50, help="rows (default: %(default)s)")
