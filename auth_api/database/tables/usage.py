"""Counts: what was asked of which version of which model, when, with what result.

usage_hours    users ── usage_days
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Integer
from sqlmodel import Field, SQLModel

from auth_api.database.columns import Number, Utc


class UsageHour(SQLModel, table=True):
    """One measure of what all callers, signed in or not, asked in an hour.

    `measure` is one of

        class         answers; `label` is the predicted class, or the one compared with, `total` the
                      sum of the confidences or scores, 0-100, `squares` that of their squares
        seconds       answers; `label` is the place of the first of `counting.BUCKETS` that is not
                      below the time taken, `total` the sum of the seconds
        refused       images that could not be read
        failed        requests that the version did not answer
        fell_back     of these, those that the default version answered instead
        same          comparisons that were called the same character

    or one of these after `day `, for all of the day that begins with `hour`, or after `ever `, for
    all time, where `hour` is `counting.EVER`.
    """

    __tablename__ = "usage_hours"

    hour: datetime = Field(sa_column=Column(Utc, primary_key=True))
    model: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    measure: str = Field(primary_key=True)
    label: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    count: int = Field(sa_column=Column(BigInteger, nullable=False))
    total: float = 0
    squares: float = 0


class UsageDay(SQLModel, table=True):
    """Answers that a user got on a day (UTC) from a version, by predicted class or the one
    compared with; `total` and `squares` as of `class` above.
    """

    __tablename__ = "usage_days"

    user_id: int = Field(
        sa_column=Column(Number, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    )
    day: datetime = Field(sa_column=Column(Utc, primary_key=True))
    model: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    label: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    count: int = Field(sa_column=Column(BigInteger, nullable=False))
    total: float = 0
    squares: float = 0
