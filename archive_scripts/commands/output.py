"""Prints results: JSON for programs, tables on a terminal, lines elsewhere."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Declares `--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def print_result(
    options: argparse.Namespace,
    result: dict[str, Any],
    lines: str,
    *,
    columns: Sequence[str] = (),
    rows: Sequence[Sequence[object]] = (),
) -> None:
    """Prints `result` with `--json`, else `rows` under `columns` on a terminal, else `lines`.

    Empty `lines` print nothing.
    """
    if options.json:
        print(json.dumps(result, ensure_ascii=False))
    elif rows and sys.stdout.isatty():
        _print_table(columns, rows)
    elif lines:
        print(lines)


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    # Imported here, because archives are built without rich.
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*map(str, row))
    Console().print(table)
