"""The statements that nearly every request executes, as SQL text for each driver.

SQLAlchemy takes several times as long to prepare a statement as the driver takes to send it.
`docs/decisions.md` says what that costs a request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.engine import Dialect

Row = tuple[Any, ...]

_SQLITE: Dialect = pysqlite.dialect()
_POSTGRESQL: Dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]


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
    naive = moment.astimezone(UTC).replace(tzinfo=None)
    return json.dumps(keys), naive.isoformat(" ", "microseconds")


class Insertion:
    """An INSERT of any number of rows into a table that assigns their `id`."""

    def __init__(self, table: Table) -> None:
        self._columns: list[Column[Any]] = [each for each in table.columns if each.name != "id"]
        names = ", ".join(column.name for column in self._columns)
        marks = ", ".join("?" for _ in self._columns)
        # No injection: all names and types come from our own tables.
        self.sqlite = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608
        arrays = ", ".join(
            f"${place}::{column.type.compile(_POSTGRESQL)}[]"
            for place, column in enumerate(self._columns, 1)
        )
        self.postgresql = (
            f"INSERT INTO {table.name} ({names}) SELECT {names} "  # noqa: S608
            f"FROM unnest({arrays}) WITH ORDINALITY AS rows ({names}, place) "
            "ORDER BY place RETURNING id"
        )
        self._sqlite_processors = self._processors(_SQLITE)
        self._postgresql_processors = self._processors(_POSTGRESQL)

    def sqlite_rows(self, rows: Sequence[dict[str, Any]]) -> list[Row]:
        """The rows in the form that SQLite's driver takes: a tuple a row."""
        return list(zip(*self._values(rows, self._sqlite_processors), strict=True))

    def postgresql_columns(self, rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
        """The rows in the form that asyncpg takes: a list a column."""
        return self._values(rows, self._postgresql_processors)

    def _processors(self, dialect: Dialect) -> list[Callable[[Any], Any] | None]:
        types = [column.type.dialect_impl(dialect) for column in self._columns]
        return [each.bind_processor(dialect) for each in types]

    def _values(
        self, rows: Sequence[dict[str, Any]], processors: Sequence[Callable[[Any], Any] | None]
    ) -> list[list[Any]]:
        return [
            [process(row[column.name]) if process else row[column.name] for row in rows]
            for column, process in zip(self._columns, processors, strict=True)
        ]
