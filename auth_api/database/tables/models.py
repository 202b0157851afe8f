"""What is to be served: the database's word, which TorchServe is brought in line with.

model_versions   model_releases
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Integer
from sqlmodel import Field, SQLModel

from auth_api.database.columns import Number, moment


class ModelVersion(SQLModel, table=True):
    """A version of a model that somebody registered, or removed."""

    __tablename__ = "model_versions"

    model: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    archive: str
    """Name of a file in the model store."""
    sha256: str
    """Of that file, in hexadecimal."""
    workers: int = Field(sa_column=Column(Integer, nullable=False))
    state: str
    """`checking` while it is tried out; `registered`; or `removed`: not to be served any more,
    even if TorchServe brings it along."""
    changed_at: datetime = moment()
    changed_by: int | None = Field(default=None, sa_column=Column(Number, nullable=True))
    """A user, by number."""


class ModelRelease(SQLModel, table=True):
    """Who gets which version of a model."""

    __tablename__ = "model_releases"

    model: str = Field(primary_key=True)
    default_version: str
    traffic: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    """Percent of the users by version, 100 in all."""
    previous_version: str | None = None
    """The default before this one, for who wants it back."""
    since: datetime = moment()
    """When the traffic was last changed: what a report compares begins here."""
    changed_at: datetime = moment()
    changed_by: int | None = Field(default=None, sa_column=Column(Number, nullable=True))
