"""Tables as lines of JSON: the same from SQLite and from PostgreSQL, and back into either.

They are those that the database has, and not those of the code: a backup is loaded at the revision
it was made at. Moments are ISO 8601 in UTC. What is JSON in the database is a string, in which
`null` and nothing at all are two things.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from itertools import islice
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    DateTime,
    MetaData,
    Table,
    Text,
    cast,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy import column as plain_column
from sqlalchemy import table as plain_table
from sqlalchemy.exc import DBAPIError

from auth_api.operations.backups.archive import Damaged, Member

Row = dict[str, Any]

_REVISION = "alembic_version"
_AT_A_TIME = 500
_LONGEST_LINE = 64 * 1024 * 1024


def tables_of(connection: Connection) -> list[Table]:
    """The tables that are there, those that others refer to first."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != _REVISION]


def is_empty(connection: Connection) -> bool:
    """Whether no table has a row."""
    return not any(
        connection.execute(select(text("1")).select_from(table).limit(1)).first()
        for table in tables_of(connection)
    )


def write_rows(
    connection: Connection,
    table: Table,
    write: Callable[[bytes], None],
    see: Callable[[Row], None],
) -> int:
    """Writes a line for each row, which `see` is shown too; answers how many there are."""
    shown = [
        cast(column, Text).label(column.name) if isinstance(column.type, JSON) else column
        for column in table.columns
    ]
    query = select(*shown).order_by(*table.primary_key.columns)
    number = 0
    for row in connection.execute(query.execution_options(yield_per=_AT_A_TIME)).mappings():
        portable = {name: _portable(value) for name, value in row.items()}
        see(portable)
        write(f"{json.dumps(portable)}\n".encode())
        number += 1
    return number


def load_rows(connection: Connection, table: Table, member: Member) -> int:
    """Fills an empty table; answers how many rows it has. Raises Damaged."""
    typed = plain_table(table.name, *(plain_column(c.name, _bound(c)) for c in table.columns))
    kinds = {column.name: column.type for column in table.columns}
    aware = connection.dialect.name != "sqlite"
    lines = iter(lambda: member.content.readline(_LONGEST_LINE), b"")
    number = 0
    try:
        while some := [_loaded(line, kinds, aware) for line in islice(lines, _AT_A_TIME)]:
            connection.execute(insert(typed), some)
            number += len(some)
    except (ValueError, TypeError, AttributeError, RecursionError, DBAPIError) as error:
        raise Damaged(f"{member.name} has rows that the table {table.name} does not take") from (
            error
        )
    return number


def last_numbers(connection: Connection, tables: list[Table]) -> dict[str, int]:
    """The highest number that each table has given a row, be the row gone."""
    return {
        table.name: max(_given(connection, table), _highest(connection, table))
        for table in _numbered(tables)
    }


def go_on_from(connection: Connection, tables: list[Table], numbers: Mapping[str, int]) -> None:
    """Has new rows get numbers that none had."""
    for table in _numbered(tables):
        last = max(numbers.get(table.name, 0), _highest(connection, table))
        if not last:
            continue
        named = {"name": table.name, "last": last}
        if connection.dialect.name == "sqlite":
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), named)
            row = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)")
            connection.execute(row, named)
        else:
            connection.execute(select(func.setval(_sequence(table), literal(last, BigInteger))))


def _numbered(tables: list[Table]) -> Iterator[Table]:
    return (table for table in tables if "id" in table.columns and _is_number(table.columns["id"]))


def _is_number(column: Column[Any]) -> bool:
    return column.type.python_type is int


def _given(connection: Connection, table: Table) -> int:
    if connection.dialect.name == "sqlite":
        query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return connection.execute(query, {"name": table.name}).scalar() or 0
    # One that gave no number yet says 1 and that it was not called.
    name = connection.execute(select(_sequence(table))).scalar_one()
    query = text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}")  # noqa: S608
    return int(connection.execute(query).scalar_one())


def _sequence(table: Table) -> Any:
    return func.pg_get_serial_sequence(table.name, "id")


def _highest(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.max(table.columns["id"]))).scalar() or 0


def _portable(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    aware = value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value
    return aware.astimezone(timezone.utc).isoformat()


def _bound(column: Column[Any]) -> Any:
    return JSON(none_as_null=True) if isinstance(column.type, JSON) else column.type


def _loaded(line: bytes, kinds: Mapping[str, Any], aware: bool) -> Row:
    """Raises ValueError, TypeError or AttributeError."""
    row = json.loads(line)
    if row.keys() != kinds.keys():
        raise ValueError("other columns")
    return {name: _bindable(value, kinds[name], aware) for name, value in row.items()}


def _bindable(value: Any, kind: Any, aware: bool) -> Any:
    if value is None:
        return None
    if isinstance(kind, JSON):
        found = json.loads(value)
        return JSON.NULL if found is None else found
    if isinstance(kind, DateTime):
        moment = datetime.fromisoformat(value)
        return moment if aware else moment.astimezone(timezone.utc).replace(tzinfo=None)
    return value
