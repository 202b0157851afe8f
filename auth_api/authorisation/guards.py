"""Checks inside a transaction that the caller still has the access they had on arrival.

The authoriser identifies a caller when a request arrives. The session may end or the role may
change before the request writes, because a slow upload takes minutes.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session as Transaction
from sqlmodel import col

from auth_api.authorisation.access import ROLES, Caller, rank, role_missing
from auth_api.database.columns import now
from auth_api.database.database import core_of
from auth_api.database.tables.accounts import ApiKey, Session, User
from auth_api.errors import Unauthorised


def require_active(transaction: Transaction, caller: Caller) -> str:
    """Requires an active user and session or API key; returns the current role.

    Locks the user until the transaction ends. Raises `Unauthorised`.
    """
    user = transaction.execute(
        select(col(User.role), col(User.active))
        .where(col(User.id) == caller.user_id)
        .with_for_update()
    ).first()
    if caller.session_id is not None:
        session = transaction.get(Session, caller.session_id)
        active = session is not None and session.revoked_at is None
    else:
        key = transaction.get(ApiKey, caller.api_key_id)
        active = key is not None and (key.expires_at is None or key.expires_at > now())
    if not (user and user.active and active):
        raise Unauthorised("The session has ended: please sign in again.", "session_ended")
    return str(user.role)


def require_role(transaction: Transaction, caller: Caller, role: str) -> None:
    """Requires `role` or one above it, as `require_active`. Raises `Forbidden`, `Unauthorised`."""
    if rank(require_active(transaction, caller)) < rank(role):
        raise role_missing(role)


def require_administrator(transaction: Transaction, caller: Caller) -> set[int]:
    """Requires an active administrator; returns and locks all `active_administrators`.

    Raises `Forbidden`, `Unauthorised`.
    """
    administrators = active_administrators(transaction)
    if caller.user_id not in administrators:
        raise role_missing(ROLES[-1])
    require_active(transaction, caller)
    return administrators


def active_administrators(transaction: Transaction) -> set[int]:
    """The ids of all active administrators, locked until the transaction ends.

    Locks them in the order of their ids. When administrators demote each other at the same time,
    the transactions follow one another, so the last administrator is recognised.
    """
    query = (
        select(core_of(User).c.id)
        .where(col(User.role) == ROLES[-1], col(User.active))
        .order_by(col(User.id))
        .with_for_update(key_share=True)
    )
    return set(transaction.scalars(query))
