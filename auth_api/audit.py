"""The audit log: who did what, when, from where.

Rows name people by number only, so that nothing personal but an address outlives an account.
They are written in the transaction of what they tell of: the one is never there without the
other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import insert
from sqlalchemy.orm import Session as Transaction
from starlette.requests import Request

from auth_api.database.columns import now
from auth_api.database.database import core_of
from auth_api.database.tables.audit import AuditEntry
from auth_api.http.rate_limits import caller_address
from auth_api.observability.logs import request_id

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

_INSERTION = insert(core_of(AuditEntry))


def entry(
    action: Action, user_id: int | None, request: Request | None = None, **details: object
) -> dict[str, Any]:
    """A row, to be written; `details` must say nothing that identifies a person."""
    caller = getattr(request.state, "caller", None) if request else None
    if caller and caller.api_key_id is not None:
        details["api_key"] = caller.api_key_id
    return {
        "at": now(),
        "action": action,
        "user_id": user_id,
        "address": caller_address(request) if request else None,
        "request_id": (request_id.get() or None) if request else None,
        "details": details,
    }


def write(transaction: Transaction, entries: Sequence[dict[str, Any]]) -> None:
    """Adds one or more rows."""
    transaction.execute(_INSERTION, entries)


def record(
    transaction: Transaction,
    action: Action,
    user_id: int | None,
    request: Request | None = None,
    **details: object,
) -> None:
    """Adds a row; `details` must say nothing that identifies a person."""
    write(transaction, [entry(action, user_id, request, **details)])
