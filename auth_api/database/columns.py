"""Column types and column factories that all tables use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field

# SQLite assigns row ids only to a column of the type INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")
# Without this, SQLite may reuse the ids of deleted rows.
AUTOINCREMENT = {"sqlite_autoincrement": True}


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, always timezone-aware in Python. SQLite stores it as naive UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Converts from Python to the database."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Converts from the database to Python."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def now() -> datetime:
    """The current time, timezone-aware, in UTC."""
    return datetime.now(UTC)


def row_id() -> Any:
    """A primary key that the database assigns."""
    return Field(default=None, sa_column=Column(RowId, primary_key=True))


def owner_id(*, index: bool = False) -> Any:
    """The id of the user who owns the row. The row is deleted with the user."""
    reference = ForeignKey("users.id", ondelete="CASCADE")
    return Field(sa_column=Column(RowId, reference, nullable=False, index=index))


def timestamp(*, nullable: bool = False) -> Any:
    """A point in time. The default is now, or None if `nullable`."""
    if nullable:
        return Field(default=None, sa_column=Column(UtcDateTime, nullable=True))
    return Field(default_factory=now, sa_column=Column(UtcDateTime, nullable=False))
