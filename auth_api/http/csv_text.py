"""Tables as CSV (RFC 4180), safe to open in a spreadsheet.

Every cell is in quotes. A text cannot become a formula, also where a program separates cells
differently: an apostrophe stands before what would begin one (OWASP, CSV injection). Numbers stay
numbers.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence

# Where some program may begin a cell within a text: after one of these, or at its start.
_SEPARATORS = ",;|\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029\uff0c\uff1b\uff5c"
# Characters that some programs skip before a formula. None is a separator: each run is then
# searched once, so that the time grows with the length of a text only.
_SKIPPED = ' "\\0\xa0\u200b\u3000\ufeff'
# The last four are the full-width forms.
_FORMULA = "=+@\\-\uff1d\uff0b\uff20\uff0d"
_START_OF_FORMULA = re.compile(
    f"^(?=[\\t\\r\\n])|(?:^|(?<=[{_SEPARATORS}]))(?=[{_SKIPPED}]*[{_FORMULA}])"
)


def csv_head(columns: Sequence[str]) -> str:
    """The header line, after the byte order mark that some spreadsheets need to recognise UTF-8."""
    return "\ufeff" + csv_line(columns)


def csv_line(values: Iterable[object]) -> str:
    """One row, with its line end. None is an empty cell; lists and objects are JSON."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(_cell(value) for value in values)
    return text.getvalue()


def _cell(value: object) -> object:
    safe = _without_formulas(value)
    return json.dumps(safe, ensure_ascii=False) if isinstance(safe, dict | list) else safe


def _without_formulas(value: object) -> object:
    """Defuses the texts in `value`, so that JSON remains JSON."""
    if isinstance(value, str):
        return _START_OF_FORMULA.sub("'", value)
    if isinstance(value, dict):
        return {_without_formulas(name): _without_formulas(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_formulas(each) for each in value]
    return value
