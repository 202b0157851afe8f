"""Counts of requests and results, by model version."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Integer
from sqlmodel import Field, SQLModel

from auth_api.database.columns import RowId, UtcDateTime


class UsageHour(SQLModel, table=True):
    """One measure for one hour, over all callers, signed in or anonymous.

    `measure` is one of

        class       answers. `label`: the predicted class, or the class compared with. `total`: the
                    sum of confidences or scores (0-100). `squares`: the sum of their squares
        seconds     answers. `label`: index of the first of `counters.BUCKETS` not below the
                    duration. `total`: the sum of durations in seconds
        refused     unreadable images
        failed      requests that the version did not answer
        fell_back   failed requests that the default version answered instead
        same        comparisons judged to show the same character

    With the prefix `day `, the row covers the day that begins at `hour`. With the prefix `ever `,
    it covers all time, and `hour` is `counters.EVER`.
    """

    __tablename__ = "usage_hours"

    hour: datetime = Field(sa_column=Column(UtcDateTime, primary_key=True))
    model: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    measure: str = Field(primary_key=True)
    label: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    count: int = Field(sa_column=Column(BigInteger, nullable=False))
    total: float = 0
    squares: float = 0


class UsageDay(SQLModel, table=True):
    """Answers to a user on a day (UTC). `label`, `total`, `squares`: as for `class` above."""

    __tablename__ = "usage_days"

    user_id: int = Field(
        sa_column=Column(RowId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    )
    day: datetime = Field(sa_column=Column(UtcDateTime, primary_key=True))
    model: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    label: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    count: int = Field(sa_column=Column(BigInteger, nullable=False))
    total: float = 0
    squares: float = 0
