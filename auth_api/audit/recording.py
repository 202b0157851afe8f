"""Writes the audit log: who did what, when, and from where.

Entries are written in the transaction of the change, so that neither exists without the other. They
contain the id of a user and an address, but no other personal data, because they outlive accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session as Transaction
from starlette.requests import Request

from auth_api.database.columns import now
from auth_api.database.database import core_of
from auth_api.database.tables.audit import Action, AuditEntry
from auth_api.http.rate_limits import caller_address
from auth_api.observability.logs import client_request_id, request_id

_INSERT_ENTRY = insert(core_of(AuditEntry))


def entry(
    action: Action, user_id: int | None, request: Request | None = None, **details: object
) -> dict[str, Any]:
    """An entry for `write`. `details` must not contain anything that identifies a person."""
    caller = getattr(request.state, "caller", None) if request else None
    if caller and caller.api_key_id is not None:
        details["api_key"] = caller.api_key_id
    return {
        "at": now(),
        "action": action,
        "user_id": user_id,
        "address": caller_address(request) if request else None,
        "request_id": (request_id.get() or None) if request else None,
        "client_request_id": (client_request_id.get() or None) if request else None,
        "details": details,
    }


def write(transaction: Transaction, entries: Sequence[dict[str, Any]]) -> None:
    transaction.execute(_INSERT_ENTRY, entries)


def record(
    transaction: Transaction,
    action: Action,
    user_id: int | None,
    request: Request | None = None,
    **details: object,
) -> None:
    """Writes an entry. `details` must not contain anything that identifies a person."""
    write(transaction, [entry(action, user_id, request, **details)])
