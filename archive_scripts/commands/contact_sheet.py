"""`contact-sheet`: draws synthetic beside real handwriting."""

from __future__ import annotations

import argparse
from pathlib import Path

from archive_scripts.commands import Commands, add_sources
from archive_scripts.commands.output import add_json_option, print_result


def add_to(commands: Commands) -> None:
    """Declares the command."""
    parser = commands.add_parser(
        "contact-sheet", help="draw synthetic handwriting beside real, to judge by eye"
    )
    add_sources(parser)
    parser.add_argument(
        "--real", type=Path, action="append", default=[], help="a folder of labelled pictures"
    )
    parser.add_argument("--samples", type=int, default=10, help="synthetic samples per class")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("contact_sheet.png"))
    add_json_option(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    import cv2

    from archive_scripts.evaluation.contact_sheet import contact_sheet
    from archive_scripts.training.datasets import load_material

    material = load_material(
        strokes=not options.no_strokes,
        without=options.without,
        fonts=options.fonts,
        glyph_folders=options.glyphs,
    )
    sheet = contact_sheet(material, options.real, options.samples, options.seed)
    if not cv2.imwrite(str(options.output), sheet):
        raise OSError(f"{options.output} could not be written")
    print_result(options, {"written": str(options.output)}, f"wrote {options.output}")
