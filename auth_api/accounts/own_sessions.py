"""A user's own sessions: lists them and ends them.

`sessions` starts and continues them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session as Transaction
from sqlmodel import col
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.authorisation.access import Caller
from auth_api.authorisation.guards import require_active
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.accounts import Session
from auth_api.errors import NotFound
from auth_api.schemas.sessions import SessionShown

_ID = re.compile(r"[0-9a-f]{32}")


async def active_sessions(database: Database, caller: Caller) -> Sequence[Session]:
    """The caller's active sessions, the last used first. Raises `Unavailable`."""
    last_used = func.coalesce(col(Session.last_used_at), col(Session.created_at))
    query = select(Session).where(*_active(caller.user_id))
    query = query.order_by(last_used.desc(), col(Session.id))
    return await database.read(lambda session: session.scalars(query).all())


def shown(session: Session, owner: Caller) -> SessionShown:
    """A session as its owner sees it."""
    return SessionShown(
        id=session.id,
        client=session.client,
        current=session.id == owner.session_id,
        created_at=session.created_at,
        last_used_at=session.last_used_at or session.created_at,
        expires_at=session.expires_at,
    )


async def end_session(
    database: Database, caller: Caller, session_id: str, request: Request
) -> None:
    """Ends a session of the caller, which may be the current one.

    Raises `NotFound`, `Unauthorised`, `Unavailable`.
    """

    def end(transaction: Transaction) -> None:
        require_active(transaction, caller)
        this = col(Session.id) == session_id
        # Checks the format first, because a database may reject arbitrary text.
        if not (_ID.fullmatch(session_id) and _revoke(transaction, caller.user_id, this)):
            raise NotFound("There is no such session.")
        own = session_id == caller.session_id
        recording.record(transaction, "session_ended", caller.user_id, request, own=own)

    await database.write(end)


async def end_other_sessions(database: Database, caller: Caller, request: Request) -> int:
    """Ends the caller's sessions except the current one; returns how many.

    Raises `Unauthorised`, `Unavailable`.
    """

    def end(transaction: Transaction) -> int:
        require_active(transaction, caller)
        count = revoke_except(transaction, caller.user_id, caller.session_id)
        recording.record(transaction, "other_sessions_ended", caller.user_id, request, count=count)
        return count

    return await database.write(end)


def revoke_except(transaction: Transaction, user_id: int, kept_id: str | None) -> int:
    """Ends a user's sessions except `kept_id`, all of them if it is None; returns how many."""
    return _revoke(transaction, user_id, col(Session.id) != (kept_id or ""))


def _revoke(transaction: Transaction, user_id: int, which: ColumnElement[bool]) -> int:
    revocation = update(Session).where(which, *_active(user_id)).values(revoked_at=now())
    return len(transaction.scalars(revocation.returning(col(Session.id))).all())


def _active(user_id: int) -> tuple[ColumnElement[bool], ...]:
    """The conditions that select a user's active sessions."""
    return (
        col(Session.user_id) == user_id,
        col(Session.revoked_at).is_(None),
        col(Session.expires_at) > now(),
    )
