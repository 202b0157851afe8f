"""The commands: `python -m archive_scripts <command> --help`."""

from __future__ import annotations

import argparse
import sys

from archive_scripts.commands import (
    archives,
    calibrate,
    chart,
    comparison_sheet,
    contact_sheet,
    evaluate,
    improve,
    references,
    train,
    web_font,
    worksheet_files,
)

_COMMANDS = (
    archives,
    references,
    worksheet_files,
    contact_sheet,
    train,
    improve,
    evaluate,
    calibrate,
    chart,
    comparison_sheet,
    web_font,
)


def build_parser() -> argparse.ArgumentParser:
    """Builds the parser of all commands."""
    parser = argparse.ArgumentParser(prog="python -m archive_scripts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for module in _COMMANDS:
        module.add_to(commands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Returns the exit status."""
    options = build_parser().parse_args(arguments)
    try:
        options.run(options)
    except (OSError, ValueError) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
