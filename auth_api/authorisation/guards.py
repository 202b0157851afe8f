"""Checks within a transaction that the caller may still do what they were let in for.

A caller is looked up when a request arrives. Their session may end, or their role change, before
the request writes; a slow upload takes minutes.
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
    """To begin a write with that must not outlive a session or an API key: that its user was let
    in may be a while ago, for who sends a request slowly. Locks the user until the transaction
    ends; answers their role as it is now.

    Raises Unauthorised.
    """
    user = transaction.execute(
        select(col(User.role), col(User.active))
        .where(col(User.id) == caller.user_id)
        .with_for_update()
    ).first()
    if caller.session_id is not None:
        session = transaction.get(Session, caller.session_id)
        alive = session is not None and session.revoked_at is None
    else:
        key = transaction.get(ApiKey, caller.api_key_id)
        alive = key is not None and (key.expires_at is None or key.expires_at > now())
    if not (user and user.active and alive):
        raise Unauthorised("The session has ended: please sign in again.", "session_ended")
    return str(user.role)


def require_role(transaction: Transaction, caller: Caller, role: str) -> None:
    """To begin a write with that is for those who have `role` or one above it, which may have
    been taken from them since they were let in. Raises Forbidden or Unauthorised.
    """
    if rank(require_active(transaction, caller)) < rank(role):
        raise role_missing(role)


def require_administrator(transaction: Transaction, caller: Caller) -> set[int]:
    """To begin a write with that only an administrator may do, who may have been demoted since
    they were let in; answers `active_administrators`. Raises Forbidden or Unauthorised.
    """
    administrators = active_administrators(transaction)
    if caller.user_id not in administrators:
        raise role_missing(ROLES[-1])
    require_active(transaction, caller)
    return administrators


def active_administrators(transaction: Transaction) -> set[int]:
    """All of them, by number, locked until the transaction ends: in one order, so that of
    several that do away with each other the last one is known to be the last.
    """
    query = (
        select(core_of(User).c.id)
        .where(col(User.role) == ROLES[-1], col(User.active))
        .order_by(col(User.id))
        .with_for_update(key_share=True)
    )
    return set(transaction.scalars(query))
