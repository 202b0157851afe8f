"""Tables as CSV (RFC 4180), safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def csv_head(columns: Sequence[str]) -> str:
    """The header line, after the byte order mark that some spreadsheets need to recognise UTF-8."""
    return "\ufeff" + csv_line(columns)


def csv_line(values: Iterable[object]) -> str:
    """One row, with its line end."""
    text = io.StringIO()
    csv.writer(text).writerow(_cell(value) for value in values)
    return text.getvalue()


def _cell(value: object) -> object:
    # A spreadsheet would run such a text as a formula (OWASP, CSV injection).
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
