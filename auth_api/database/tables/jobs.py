"""Jobs and their items.

users ── jobs ── job_items
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer
from sqlmodel import Field, SQLModel

from auth_api.database.columns import NUMBERED, Number, moment, of_user, row_id

Kind = Literal["predict", "train", "tune"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]

UNFINISHED = ("queued", "running")


class Job(SQLModel, table=True):
    """One job of any kind.

    `holder` is the process that works at it and `held_until` how long it may be silent before
    another one takes over; both are nothing while the job waits and once it is finished.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_page", "user_id", "id"),
        Index("ix_jobs_state", "state", "id"),
        Index("ix_jobs_finished", "finished_at"),
        NUMBERED,
    )

    id: int | None = row_id()
    user_id: int = of_user()
    kind: str
    state: str = "queued"
    created_at: datetime = moment()
    started_at: datetime | None = moment(nullable=True)
    finished_at: datetime | None = moment(nullable=True)
    parameters: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    input: str | None = Field(default=None, unique=True)
    """Name of the file with what is worked at, see `auth_api.jobs.input_files`."""
    progress: float = 0
    """0-1."""
    total: int = 0
    succeeded: int = 0
    failed: int = 0
    """Items, of jobs that have some."""
    outcome: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    error: str | None = None
    """A sentence, of a job that failed."""
    cancelling: bool = False
    """Whether its owner does not want it any more; its holder stops when it notices."""
    holder: str | None = None
    held_until: datetime | None = moment(nullable=True)
    attempts: int = 0
    """How often it was taken up without getting any further."""


class JobItem(SQLModel, table=True):
    """One of the things that a job works at, in the order in which they were handed in."""

    __tablename__ = "job_items"

    job_id: int = Field(
        sa_column=Column(Number, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    )
    position: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    file: str
    start: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    length: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    """Where it is in the job's file, in bytes."""
    answer: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True), nullable=True)
    )
    """None until there is one."""
