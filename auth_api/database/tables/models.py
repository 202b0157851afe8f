"""Which model versions TorchServe shall serve. `auth_api.models.reconciler` makes it so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Integer
from sqlmodel import Field, SQLModel

from auth_api.database.columns import RowId, timestamp


class ModelVersion(SQLModel, table=True):
    """A registered or removed version of a model."""

    __tablename__ = "model_versions"

    model: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    archive: str
    """File name in the model store."""
    sha256: str
    """SHA-256 of the archive, hexadecimal."""
    workers: int = Field(sa_column=Column(Integer, nullable=False))
    state: str
    """`checking` during the smoke test, `registered`, or `removed`. A removed version is
    unregistered even if TorchServe loads it on its own."""
    changed_at: datetime = timestamp()
    changed_by: int | None = Field(default=None, sa_column=Column(RowId, nullable=True))
    """The id of a user."""


class ModelRelease(SQLModel, table=True):
    """How the users of a model are split among its versions."""

    __tablename__ = "model_releases"

    model: str = Field(primary_key=True)
    default_version: str
    traffic: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    """Percentage of users by version, 100 in total."""
    previous_version: str | None = None
    """The default before this one, for a rollback."""
    since: datetime = timestamp()
    """When the traffic last changed. Reports compare the versions from here on."""
    changed_at: datetime = timestamp()
    changed_by: int | None = Field(default=None, sa_column=Column(RowId, nullable=True))
