"""The columns that tables are made of."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field

# SQLite numbers its rows itself only in a column of the type INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")
# Numbers of deleted rows are never given again.
NUMBERED = {"sqlite_autoincrement": True}


class Utc(TypeDecorator[datetime]):
    """A moment; aware in Python, also where the database keeps no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Python to the database."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The database to Python."""
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value


def now() -> datetime:
    """The present moment, aware."""
    return datetime.now(timezone.utc)


def row_id() -> Any:
    """The number of a row."""
    return Field(default=None, sa_column=Column(Number, primary_key=True))


def of_user(*, index: bool = False) -> Any:
    """The number of the user whom a row belongs to, and goes with."""
    reference = ForeignKey("users.id", ondelete="CASCADE")
    return Field(sa_column=Column(Number, reference, nullable=False, index=index))


def moment(*, nullable: bool = False) -> Any:
    """A point in time: now unless something else is said, nothing if it may be."""
    if nullable:
        return Field(default=None, sa_column=Column(Utc, nullable=True))
    return Field(default_factory=now, sa_column=Column(Utc, nullable=False))
