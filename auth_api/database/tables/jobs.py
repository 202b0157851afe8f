"""Jobs, their items, and the uploads that are to become jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer
from sqlmodel import Field, SQLModel

from auth_api.database.columns import AUTOINCREMENT, RowId, owner_id, row_id, timestamp

Kind = Literal["predict", "train", "tune"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]

UNFINISHED = ("queued", "running")


class Job(SQLModel, table=True):
    """A job of any kind.

    `holder` is the process that runs it. If the holder does not renew its lease before
    `held_until`, another process takes over. Both are None unless the job is running.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_page", "user_id", "id"),
        Index("ix_jobs_state", "state", "id"),
        Index("ix_jobs_finished", "finished_at"),
        AUTOINCREMENT,
    )

    id: int | None = row_id()
    user_id: int = owner_id()
    kind: str
    state: str = "queued"
    created_at: datetime = timestamp()
    started_at: datetime | None = timestamp(nullable=True)
    finished_at: datetime | None = timestamp(nullable=True)
    parameters: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    input: str | None = Field(default=None, unique=True)
    """Name of the input file, see `auth_api.jobs.input_files`."""
    progress: float = 0
    """0-1."""
    total: int = 0
    succeeded: int = 0
    failed: int = 0
    """Numbers of items, 0 for a job without items."""
    outcome: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    error: str | None = None
    """Why the job failed, one sentence."""
    cancelling: bool = False
    """Whether the owner has cancelled it. The holder stops when it notices."""
    holder: str | None = None
    held_until: datetime | None = timestamp(nullable=True)
    attempts: int = 0
    """Starts without progress since."""


class JobItem(SQLModel, table=True):
    """An image of a job. `position` is its place in the upload."""

    __tablename__ = "job_items"

    job_id: int = Field(
        sa_column=Column(RowId, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    )
    position: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    file: str
    start: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    length: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    """Where the image lies in the input file, in bytes. `length` is that of the image itself."""
    packed: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    """Bytes that the image takes in the input file if it is deflated there."""
    crc: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    """CRC-32 of an image in a zip."""
    answer: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True), nullable=True)
    )
    """None until the image is processed."""


class UploadReservation(SQLModel, table=True):
    """An upload under way, which counts as a job of its user. The process that receives it renews
    `held_until`; after that the row counts for nothing.
    """

    __tablename__ = "upload_reservations"
    __table_args__ = (AUTOINCREMENT,)

    id: int | None = row_id()
    user_id: int = owner_id(index=True)
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Room on the disk that it may take."""
    held_until: datetime = timestamp()
