"""`web-font`: makes the web font of the page."""

from __future__ import annotations

import argparse
from pathlib import Path

from archive_scripts.archives.building import ROOT
from archive_scripts.commands import Commands
from archive_scripts.commands.output import add_json_option, print_result


def add_to(commands: Commands) -> None:
    """Declares the command."""
    parser = commands.add_parser(
        "web-font", help="make the web font of the page (needs requirements/dev.txt)"
    )
    parser.add_argument("font", type=Path, help="NithyaRanjanaDU-Regular.otf")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "auth_api/web/fonts/nithya-ranjana.woff2"
    )
    add_json_option(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from archive_scripts.letterforms.web_font import write_web_font

    write_web_font(options.font, options.output)
    size = options.output.stat().st_size
    print_result(
        options,
        {"written": str(options.output), "bytes": size},
        f"wrote {options.output} ({size} bytes)",
    )
