"""`references`: draws the reference pictures and writes their strokes."""

from __future__ import annotations

import argparse
from pathlib import Path

from archive_scripts.archives.building import ROOT
from archive_scripts.commands import Commands
from archive_scripts.commands.output import add_json_option, print_result


def add_to(commands: Commands) -> None:
    """Declares the command."""
    parser = commands.add_parser(
        "references", help="draw reference_images/ with a font, and write strokes.json"
    )
    parser.add_argument("--font", type=Path, help="without it, only strokes.json is written")
    parser.add_argument("--output", type=Path, default=ROOT / "reference_images")
    add_json_option(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from archive_scripts.letterforms.reference_strokes import write_reference_strokes
    from archive_scripts.letterforms.references import draw_references

    if options.font:
        draw_references(options.font, options.output)
    write_reference_strokes(options.output)
    print_result(options, {"written": str(options.output)}, f"wrote {options.output}")
