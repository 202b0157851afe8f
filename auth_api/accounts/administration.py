"""User administration: finds, lists, changes and deactivates users.

Administrators call it through a route. The command line calls it without a caller.

A deactivated user keeps all data and can be activated again. Only their sessions and unfinished
jobs end for good.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.accounts import usernames
from auth_api.accounts.own_sessions import revoke_except
from auth_api.accounts.passwords import Passwords, require_valid_password
from auth_api.accounts.registration import require_available
from auth_api.audit import recording
from auth_api.authorisation.access import ROLES, Caller
from auth_api.authorisation.guards import active_administrators, require_administrator
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.jobs import UNFINISHED, Job
from auth_api.errors import BadRequest, Conflict, NotFound
from auth_api.jobs import queue
from auth_api.schemas.administration import ChangedUser, UserShown


@dataclass(frozen=True)
class Users:
    database: Database
    passwords: Passwords

    async def page(
        self,
        limit: int,
        before: int | None,
        *,
        role: str | None = None,
        active: bool | None = None,
        search: str | None = None,
    ) -> list[User]:
        """At most `limit` users with an id below `before`, newest first.

        `search` is a part of a username or an e-mail address. The query scans users by id until
        the page is full. Raises `Unavailable`.
        """
        query = select(User).order_by(col(User.id).desc()).limit(limit)
        if before is not None:
            query = query.where(col(User.id) < before)
        for column, value in ((User.role, role), (User.active, active)):
            query = query.where(col(column) == value) if value is not None else query
        if search is not None:
            username, email = usernames.folded_username(search), usernames.email_key(search)
            in_username = col(User.username_key).contains(username, autoescape=True)
            in_email = col(User.email_key).contains(email, autoescape=True)
            query = query.where(or_(in_username, in_email))
        return await self.database.read(lambda session: list(session.scalars(query)))

    async def one(self, user_id: int) -> User:
        """The user with this id. Raises `NotFound`, `Unavailable`."""
        user = await self.database.read(lambda session: session.get(User, user_id))
        if user is None:
            raise _missing()
        return user

    async def named(self, text: str) -> User:
        """The user with this id, name or e-mail address. Raises `NotFound`, `Unavailable`."""
        # Every username has a letter, so that a number can only be an id.
        if text.isascii() and text.isdigit() and len(text) <= 15:
            query = select(User).where(col(User.id) == int(text))
        else:
            conditions = [col(User.email_key) == usernames.email_key(text)]
            with suppress(BadRequest):  # not a valid username
                conditions.append(col(User.username_key) == usernames.username_key(text))
            query = select(User).where(or_(*conditions))
        user = await self.database.read(lambda session: session.scalar(query))
        if user is None:
            raise NotFound(f"There is no user {text}.", "user_not_found")
        return user

    async def change(
        self,
        user_id: int,
        changes: ChangedUser,
        caller: Caller | None = None,
        request: Request | None = None,
    ) -> User:
        """Changes a user; returns the changed user. `caller` is None on the command line.

        A new password or a deactivation ends all sessions of the user. An administrator who changes
        their own password keeps the current session.

        Raises `NotFound`, `BadRequest`, `Conflict` (`last_admin`, `username_taken`,
        `email_taken`), `Forbidden`, `Unauthorised`, `Unavailable`.
        """
        user = await self.one(user_id)
        values = _valid_values(user, changes)
        keys = (
            values.get("username_key", user.username_key),
            values.get("email_key", user.email_key),
        )
        await require_available(self.database, *keys, user_id)
        if changes.password is not None:
            values["password_hash"] = await self.passwords.hash(changes.password)
        actor = caller.user_id if caller else None

        def work(transaction: Session) -> User:
            if caller:
                administrators = require_administrator(transaction, caller)
            else:
                administrators = active_administrators(transaction)
            found = transaction.get(User, user_id, with_for_update={"key_share": True})
            if found is None:
                raise _missing()
            changed = sorted(name for name in values if getattr(found, name) != values[name])
            for name in changed:
                setattr(found, name, values[name])
            if administrators == {user_id} and not (found.active and found.role == ROLES[-1]):
                raise Conflict(
                    "This is the last administrator: make another one first.", "last_admin"
                )
            deactivated = "active" in changed and not found.active
            if deactivated:
                revoke_except(transaction, user_id, None)
            elif "password_hash" in changed:
                revoke_except(transaction, user_id, caller.session_id if caller else None)
            _record(transaction, actor, found, changed, request)
            if deactivated:
                _cancel_jobs(transaction, user_id, actor, request)
            return found

        try:
            return await self.database.write(work)
        except IntegrityError as error:
            await require_available(self.database, *keys, user_id)
            raise Conflict("Somebody else took that name just now.", "username_taken") from error

    async def unlock(self, user_id: int) -> None:
        """Clears the counts of wrong passwords for a user, in all processes and in Redis.

        Only the command line calls it. Raises `NotFound`, `Unavailable`.
        """

        def work(transaction: Session) -> None:
            user = transaction.get(User, user_id, with_for_update={"key_share": True})
            if user is None:
                raise _missing()
            user.unlocks += 1
            recording.record(transaction, "user_unlocked", None, id=user_id)

        await self.database.write(work)


def shown(user: User) -> dict[str, Any]:
    """A user as the JSON of `UserShown`."""
    return UserShown.model_validate(user, from_attributes=True).model_dump(mode="json")


def _valid_values(user: User, changes: ChangedUser) -> dict[str, Any]:
    """The new values by column, without the password. Raises `BadRequest`."""
    values = changes.model_dump(exclude_none=True, exclude={"password"})
    if changes.username is not None:
        values["username"] = usernames.display_form(changes.username)
        values["username_key"] = usernames.username_key(changes.username)
    if changes.email is not None:
        values["email_key"] = usernames.email_key(changes.email)
    if changes.password is not None:
        username, email = values.get("username", user.username), changes.email or user.email
        require_valid_password(changes.password, username, email)
    return values


def _record(
    transaction: Session, actor: int | None, user: User, columns: list[str], request: Request | None
) -> None:
    """Records the names of the changed fields in the audit log.

    Only `role` and `active` are recorded with their values, because the other values could
    identify a person.
    """
    fields = [name.replace("_hash", "") for name in columns if not name.endswith("_key")]
    if "active" in fields and not user.active:
        fields.remove("active")
        recording.record(transaction, "user_deactivated", actor, request, id=user.id)
    if fields:
        details: dict[str, Any] = {"id": user.id, "fields": fields}
        details |= {name: getattr(user, name) for name in ("active", "role") if name in fields}
        recording.record(transaction, "user_changed", actor, request, **details)


def _cancel_jobs(
    transaction: Session, user_id: int, actor: int | None, request: Request | None
) -> None:
    """Cancels a user's unfinished jobs; `auth_api.operations.cleanup` deletes their files."""
    unfinished = (
        select(Job)
        .where(col(Job.user_id) == user_id, col(Job.state).in_(UNFINISHED))
        .order_by(col(Job.id))
        .with_for_update()
    )
    for job in transaction.scalars(unfinished).all():
        queue.cancel(transaction, job, actor, request)


def _missing() -> NotFound:
    return NotFound("There is no such user.")
