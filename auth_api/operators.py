"""What those who run the service do to accounts: functions of a transaction, each of which is in
the audit log.

`by` is the administrator who does it, None for somebody with access to the machine.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api import audit, names
from auth_api.errors import Conflict, NotFound
from auth_api.sessions import end_others
from auth_api.tables import User


def user_named(session: Session, who: str) -> User:
    """The account with this number, username or e-mail address. Raises NotFound."""
    # No username is a number: each has a letter.
    if who.isascii() and who.isdigit() and len(who) <= 15:
        user = session.get(User, int(who))
    else:
        key = names.email_key(who)
        conditions = [col(User.email_key) == key]
        with suppress(ValueError):  # can be an address only
            conditions.append(col(User.username_key) == names.username_key(who))
        user = session.scalar(select(User).where(or_(*conditions)))
    if user is None:
        raise NotFound(f"There is no user {who}.", "user_not_found")
    return user


def users(session: Session, limit: int, role: str | None, active: bool | None) -> list[User]:
    """At most `limit` accounts, newest first, of one role and state if these are given."""
    query = select(User).order_by(col(User.id).desc()).limit(limit)
    if role is not None:
        query = query.where(col(User.role) == role)
    if active is not None:
        query = query.where(col(User.active) == active)
    return list(session.scalars(query))


def set_role(
    transaction: Session,
    number: int,
    role: str,
    by: int | None = None,
    request: Request | None = None,
) -> User:
    """Gives a user a role, which counts from their next request on.

    Raises NotFound, or Conflict for the last administrator.
    """
    if role != "admin":
        _require_other_admin(transaction, number)
    return _change(transaction, number, "user_changed", {"role": role}, by, request)


def activate(
    transaction: Session, number: int, by: int | None = None, request: Request | None = None
) -> User:
    """Lets a user in again. Raises NotFound."""
    return _change(transaction, number, "user_changed", {"active": True}, by, request)


def deactivate(
    transaction: Session, number: int, by: int | None = None, request: Request | None = None
) -> User:
    """Keeps a user out at once, sessions and keys included; all that is theirs stays.

    Raises NotFound, or Conflict for the last administrator.
    """
    _require_other_admin(transaction, number)
    changed = _change(transaction, number, "user_deactivated", {"active": False}, by, request)
    end_others(transaction, number, None)
    return changed


def replace_password(
    transaction: Session,
    number: int,
    password_hash: str,
    by: int | None = None,
    request: Request | None = None,
) -> User:
    """Gives a user another password, by its hash, and ends all their sessions. Raises NotFound."""
    values = {"password_hash": password_hash}
    changed = _change(transaction, number, "user_changed", values, by, request)
    end_others(transaction, number, None)
    return changed


def _change(
    transaction: Session,
    number: int,
    action: audit.Action,
    values: dict[str, Any],
    by: int | None,
    request: Request | None,
) -> User:
    """Notes what was changed by the names of the columns, if anything was."""
    user = transaction.get(User, number, with_for_update=True, populate_existing=True)
    if user is None:
        raise NotFound(f"There is no user {number}.", "user_not_found")
    fields = [name for name, value in values.items() if getattr(user, name) != value]
    if fields:
        user.sqlmodel_update(values)
        audit.record(transaction, action, by, request, id=number, fields=fields)
    return user


def _require_other_admin(transaction: Session, number: int) -> None:
    """Locks all administrators, so that of two who leave at once the second one is the last.

    Raises Conflict.
    """
    query = select(col(User.id)).where(col(User.role) == "admin", col(User.active))
    admins = transaction.scalars(query.order_by(col(User.id)).with_for_update()).all()
    if list(admins) == [number]:
        raise Conflict("This is the last administrator: make another one first.", "last_admin")
