"""`references`: the pictures that learners compare their hand with."""

from __future__ import annotations

import argparse
from pathlib import Path

from archive_scripts.archives import ROOT
from archive_scripts.commands import Commands
from archive_scripts.commands.answers import add_json, answer


def add_to(commands: Commands) -> None:
    """Declares the command."""
    parser = commands.add_parser("references", help="draw reference_images/ with a font")
    parser.add_argument("--font", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=ROOT / "reference_images")
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from archive_scripts.references import draw_references

    draw_references(options.font, options.output)
    answer(options, {"written": str(options.output)}, f"wrote {options.output}")
