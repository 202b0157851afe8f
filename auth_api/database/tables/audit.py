"""The audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel

from auth_api.database.columns import AUTOINCREMENT, RowId, row_id, timestamp

Action = Literal[
    "signed_up",
    "signed_in",
    "sign_in_failed",
    "sign_in_slowed",
    "signed_out",
    "session_ended",
    "other_sessions_ended",
    "token_reused",
    "password_changed",
    "password_change_failed",
    "username_changed",
    "profile_changed",
    "account_deleted",
    "account_exported",
    "api_key_created",
    "api_key_revoked",
    "history_deleted",
    "history_exported",
    "history_expired",
    "feedback_given",
    "admin_created",
    "job_created",
    "job_cancelled",
    "user_created",
    "user_changed",
    "user_deactivated",
    "user_unlocked",
    "audit_log_exported",
    "consent_given",
    "consent_withdrawn",
    "correction_accepted",
    "correction_rejected",
    "corrections_exported",
    "version_registered",
    "version_refused",
    "version_removed",
    "workers_changed",
    "default_changed",
    "traffic_changed",
    "model_exported",
    "backup_made",
    "backup_restored",
]


class AuditEntry(SQLModel, table=True):
    """One action: its user, time and address. Database triggers reject changes and deletions."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_user", "user_id", "id"),
        Index("ix_audit_log_action", "action", "id"),
        AUTOINCREMENT,
    )

    id: int | None = row_id()
    at: datetime = timestamp()
    action: str
    user_id: int | None = Field(default=None, sa_column=Column(RowId, nullable=True))
    """The id only, so that the row identifies nobody once the account is deleted."""
    address: str | None = None
    request_id: str | None = None
    client_request_id: str | None = None
    """The caller's own id of the request, which may be anything and need not be unique."""
    details: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False, server_default=text("'{}'"))
    )
