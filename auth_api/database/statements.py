"""Statements that nearly every request executes, as SQL text for each driver.

SQLAlchemy takes several times as long to prepare a statement as the driver takes to send it. See
`docs/decisions.md` for what that costs a request.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

Row = tuple[Any, ...]


class Lookup:
    """A SELECT by any number of text keys.

    In its text, `{among}` stands for the condition that a column is one of the keys, and `{moment}`
    for a point in time.
    """

    def __init__(self, text: str) -> None:
        self.sqlite = text.format(among="IN (SELECT value FROM json_each(?1))", moment="?2")
        self.postgresql = text.format(among="= ANY($1)", moment="$2")


def sqlite_parameters(keys: Sequence[str], moment: datetime) -> Row:
    """The parameters of a `Lookup` in the form that SQLite's driver takes."""
    naive = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return json.dumps(keys), naive.isoformat(" ", "microseconds")
