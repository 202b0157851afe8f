"""How commands answer: JSON for programs, tables on a terminal, plain lines everywhere else."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any


def add_json(parser: argparse.ArgumentParser) -> None:
    """Declares `--json`."""
    parser.add_argument("--json", action="store_true", help="answer one JSON object")


def answer(
    options: argparse.Namespace,
    found: dict[str, Any],
    lines: str,
    *,
    columns: Sequence[str] = (),
    rows: Sequence[Sequence[object]] = (),
) -> None:
    """Answers `found` where JSON is asked for, else `rows` under `columns` on a terminal, else
    `lines`, which are empty where there is nothing to say.
    """
    if options.json:
        print(json.dumps(found, ensure_ascii=False))
    elif rows and sys.stdout.isatty():
        _print_table(columns, rows)
    elif lines:
        print(lines)


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    # Imported here: archives are built without it.
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*map(str, row))
    Console().print(table)
