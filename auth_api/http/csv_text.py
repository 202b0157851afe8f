"""Tables as CSV (RFC 4180), safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def csv_head(columns: Sequence[str]) -> str:
    """The first line of a table in CSV (RFC 4180), after a byte order mark for spreadsheets that
    want one.
    """
    return "\ufeff" + csv_line(columns)


def csv_line(values: Iterable[object]) -> str:
    """A line of such a table."""
    text = io.StringIO()
    csv.writer(text).writerow(_cell(value) for value in values)
    return text.getvalue()


def _cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets an apostrophe (OWASP, CSV
    injection).
    """
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
