"""The audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel

from auth_api.database.columns import NUMBERED, Number, moment, row_id


class AuditEntry(SQLModel, table=True):
    """Who did what, when, from where. Triggers of the database refuse changes and deletions."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_user", "user_id", "id"),
        Index("ix_audit_log_action", "action", "id"),
        NUMBERED,
    )

    id: int | None = row_id()
    at: datetime = moment()
    action: str
    user_id: int | None = Field(default=None, sa_column=Column(Number, nullable=True))
    """Who, by number: the row says nothing of a person whose account is gone."""
    address: str | None = None
    request_id: str | None = None
    details: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False, server_default=text("'{}'"))
    )
