"""One module a command: `add_to` declares its options, and what it imports it imports late,
so that building archives needs nothing that only training does.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `ArgumentParser.add_subparsers` returns."""


def add_sources(parser: argparse.ArgumentParser) -> None:
    """The options that say what synthetic handwriting is made of."""
    parser.add_argument(
        "--font", type=Path, action="append", default=[], dest="fonts", help="a font file"
    )
    parser.add_argument(
        "--glyphs",
        type=Path,
        action="append",
        default=[],
        help="a folder of class_N.png, white on black, one letterform a class",
    )
    parser.add_argument(
        "--no-strokes", action="store_true", help="leave letterforms.json out altogether"
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="SOURCE",
        help="leave out the forms of one source in letterforms.json",
    )
