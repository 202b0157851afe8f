"""Tables as lines of JSON, the same from SQLite and PostgreSQL, and back into either.

Tables are reflected from the database, not taken from the code, because a backup is loaded at the
revision at which it was made. Times are ISO 8601 in UTC. JSON columns become strings, so that a
JSON `null` differs from an SQL NULL.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
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
_BATCH_SIZE = 500
_MAX_LINE_BYTES = 64 * 1024 * 1024


def tables_of(connection: Connection) -> list[Table]:
    """The tables of the database. A table comes after the ones it refers to."""
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
    on_row: Callable[[Row], None],
) -> int:
    """Writes a line for each row and passes the row to `on_row`; returns the number of rows."""
    columns = [
        cast(column, Text).label(column.name) if isinstance(column.type, JSON) else column
        for column in table.columns
    ]
    query = select(*columns).order_by(*table.primary_key.columns)
    count = 0
    for row in connection.execute(query.execution_options(yield_per=_BATCH_SIZE)).mappings():
        portable = {name: _portable(value) for name, value in row.items()}
        on_row(portable)
        write(f"{json.dumps(portable)}\n".encode())
        count += 1
    return count


def load_rows(connection: Connection, table: Table, member: Member) -> int:
    """Fills an empty table; returns the number of rows. Raises `Damaged`."""
    typed = plain_table(table.name, *(plain_column(c.name, _bound(c)) for c in table.columns))
    kinds = {column.name: column.type for column in table.columns}
    aware = connection.dialect.name != "sqlite"
    lines = iter(lambda: member.content.readline(_MAX_LINE_BYTES), b"")
    count = 0
    try:
        while batch := [_loaded(line, kinds, aware) for line in islice(lines, _BATCH_SIZE)]:
            connection.execute(insert(typed), batch)
            count += len(batch)
    except (ValueError, TypeError, AttributeError, RecursionError, DBAPIError) as error:
        raise Damaged(f"{member.name} has rows that the table {table.name} does not take") from (
            error
        )
    return count


def last_ids(connection: Connection, tables: list[Table]) -> dict[str, int]:
    """The highest id that each table has ever used, also by deleted rows."""
    return {
        table.name: max(_counter(connection, table), _highest_id(connection, table))
        for table in _with_integer_id(tables)
    }


def advance_ids(connection: Connection, tables: list[Table], last: Mapping[str, int]) -> None:
    """Advances the id counters, so that new rows never reuse an id."""
    for table in _with_integer_id(tables):
        highest = max(last.get(table.name, 0), _highest_id(connection, table))
        if not highest:
            continue
        parameters = {"name": table.name, "highest": highest}
        if connection.dialect.name == "sqlite":
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), parameters)
            row = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :highest)")
            connection.execute(row, parameters)
        else:
            connection.execute(select(func.setval(_sequence(table), literal(highest, BigInteger))))


def _with_integer_id(tables: list[Table]) -> Iterator[Table]:
    for table in tables:
        if "id" in table.columns and table.columns["id"].type.python_type is int:
            yield table


def _counter(connection: Connection, table: Table) -> int:
    if connection.dialect.name == "sqlite":
        query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return connection.execute(query, {"name": table.name}).scalar() or 0
    # The last_value of an unused sequence is 1, with is_called false.
    name = connection.execute(select(_sequence(table))).scalar_one()
    query = text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}")  # noqa: S608
    return int(connection.execute(query).scalar_one())


def _sequence(table: Table) -> Any:
    return func.pg_get_serial_sequence(table.name, "id")


def _highest_id(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.max(table.columns["id"]))).scalar() or 0


def _portable(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    return aware.astimezone(UTC).isoformat()


def _bound(column: Column[Any]) -> Any:
    return JSON(none_as_null=True) if isinstance(column.type, JSON) else column.type


def _loaded(line: bytes, kinds: Mapping[str, Any], aware: bool) -> Row:
    """Raises `ValueError`, `TypeError` or `AttributeError`."""
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
        return moment if aware else moment.astimezone(UTC).replace(tzinfo=None)
    return value
