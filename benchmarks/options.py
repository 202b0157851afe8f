"""The options of the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from archive_scripts.archives.building import ROOT

PARTS = (
    *("decoding", "comparing", "libraries", "speed", "accounts", "jobs", "analytics", "page"),
    *("feedback", "worksheets", "hostile"),
)


def build_parser(description: str | None) -> argparse.ArgumentParser:
    """Builds the parser. Without parts, `parts` is empty."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=description)
    parser.add_argument(
        "parts",
        nargs="*",
        type=_part,
        metavar="PART",
        help=f"one of {', '.join(PARTS)} (default: all)",
    )
    parser.add_argument("--seconds", type=float, default=4, help="seconds per server and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--picture", type=Path, help="draw the chart of `speed` to this PNG")
    parser.add_argument(
        "--attack",
        action="append",
        default=[],
        metavar="TEXT",
        help="`hostile` sends only attacks whose group or name has this text; may be repeated",
    )
    parser.add_argument(
        "--checkout", type=Path, default=ROOT, help="`hostile` attacks the code of this folder"
    )
    parser.add_argument(
        "--handwriting", type=Path, help="`worksheets` takes scans from it: class_N/*.png"
    )
    parser.add_argument("--sheets", type=int, default=100, help="of `worksheets`")
    return parser


def _part(name: str) -> str:
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"there is no part {name}")
    return name
