"""Attempts at characters, the progress that follows from them, and when users practised."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer
from sqlmodel import Field, SQLModel

from auth_api.database.columns import Number, moment, of_user


class Attempt(SQLModel, table=True):
    """One practised character: what progress is computed from.

    Stays when retention removes the comparison with its pictures, goes when its user deletes it.
    """

    __tablename__ = "attempts"
    __table_args__ = (Index("ix_attempts_character", "user_id", "character", "comparison_id"),)

    comparison_id: int = Field(sa_column=Column(Number, primary_key=True, autoincrement=False))
    user_id: int = of_user()
    character: int
    at: datetime = moment()
    score: float


class CharacterProgress(SQLModel, table=True):
    """What follows from all attempts at one character, see `auth_api.practice.progress`."""

    __tablename__ = "character_progress"

    user_id: int = Field(
        sa_column=Column(Number, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    )
    character: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    attempts: int = 0
    best: float = 0
    quality: float = 0
    recent: list[float] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    card: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    last_at: datetime | None = moment(nullable=True)


class PracticeSlot(SQLModel, table=True):
    """A quarter of an hour in which a user was active, counted from 1970.

    All time zones are whole quarters of an hour from UTC, so that a slot lies within one day
    wherever its user lives.
    """

    __tablename__ = "practice_slots"

    user_id: int = Field(
        sa_column=Column(Number, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    )
    slot: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
