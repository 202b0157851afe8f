"""`worksheet-files`: makes what the service draws worksheets with."""

from __future__ import annotations

import argparse
from pathlib import Path

from archive_scripts.archives.building import ROOT
from archive_scripts.commands import Commands
from archive_scripts.commands.output import add_json_option, print_result


def add_to(commands: Commands) -> None:
    """Declares the command."""
    parser = commands.add_parser(
        "worksheet-files", help="make the fonts and the table of marks of worksheets"
    )
    parser.add_argument("ranjana", type=Path, help="NithyaRanjanaDU-Regular.otf")
    parser.add_argument("text", type=Path, help="NotoSansDevanagari[wdth,wght].ttf")
    parser.add_argument("--output", type=Path, default=ROOT / "auth_api/worksheets/files")
    add_json_option(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from archive_scripts.letterforms.worksheet_fonts import write_ranjana_font, write_text_font
    from archive_scripts.letterforms.worksheet_marks import write_marks

    output: Path = options.output
    output.mkdir(parents=True, exist_ok=True)
    write_ranjana_font(options.ranjana, output / "nithya-ranjana.otf")
    write_text_font(options.text, output / "noto-sans-devanagari.ttf")
    write_marks(output / "marks.txt")
    print_result(options, {"written": str(output)}, f"wrote {output}")
