"""Attempts at characters, the progress computed from them, and when users were active."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer
from sqlmodel import Field, SQLModel

from auth_api.database.columns import RowId, owner_id, timestamp


class Attempt(SQLModel, table=True):
    """One comparison as practice of a character.

    It stays when retention deletes the comparison. It goes when the user deletes the comparison.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        Index("ix_attempts_character", "user_id", "character", "comparison_id"),
        Index("ix_attempts_attempt_id", "user_id", "attempt_id", unique=True),
    )

    comparison_id: int = Field(sa_column=Column(RowId, primary_key=True, autoincrement=False))
    user_id: int = owner_id()
    character: int
    at: datetime = timestamp()
    """When it was written."""
    score: float
    help: str = "none"
    """As in `Comparison`."""
    attempt_id: str | None = None
    """The client's own id, so that an attempt that is sent again counts once."""


class CharacterProgress(SQLModel, table=True):
    """Progress from all attempts at one character, see `auth_api.practice.progress`."""

    __tablename__ = "character_progress"

    user_id: int = Field(
        sa_column=Column(RowId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    )
    character: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    attempts: int = 0
    best: float = 0
    quality: float = 0
    recent: list[float] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    card: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    last_at: datetime | None = timestamp(nullable=True)
    from_memory: int = 0
    first_from_memory: datetime | None = timestamp(nullable=True)
    last_from_memory: datetime | None = timestamp(nullable=True)


class PracticeSlot(SQLModel, table=True):
    """A quarter-hour in which a user was active, counted from 1970 (UTC).

    Every time zone is a whole number of quarter-hours from UTC, so a slot lies within one day in
    every time zone.
    """

    __tablename__ = "practice_slots"

    user_id: int = Field(
        sa_column=Column(RowId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    )
    slot: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    late: bool = False
    """Whether only a client says so: what was written in it arrived later."""
