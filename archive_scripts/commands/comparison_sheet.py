"""`comparison-sheet`: draws overlays and feedback for labelled pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

from archive_scripts.archives.building import ROOT
from archive_scripts.commands import Commands
from archive_scripts.commands.output import add_json_option, print_result


def add_to(commands: Commands) -> None:
    """Declares the command."""
    parser = commands.add_parser(
        "comparison-sheet", help="draw overlays and feedback for labelled pictures, to judge by eye"
    )
    parser.add_argument("folder", type=Path, help="class_12.png, or one folder per class")
    parser.add_argument("--strictness", default="normal", help="lenient, normal or strict")
    parser.add_argument("--output", type=Path, default=Path("comparison_sheet.png"))
    add_json_option(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from archive_scripts.evaluation.comparison_sheet import comparison_sheet
    from handlers.comparison import Strictness

    strictness = Strictness.named(options.strictness)
    comparison_sheet(options.folder, ROOT / "reference_images", strictness).save(options.output)
    print_result(options, {"written": str(options.output)}, f"wrote {options.output}")
