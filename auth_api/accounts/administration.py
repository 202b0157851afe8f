"""Users as administrators see them: looked up, listed, changed, deactivated.

An administrator is the caller of a route, or nobody: somebody with access to the machine.

Who is deactivated keeps all that is theirs, and is as before once they are active again; only
their sessions and unfinished jobs have ended for good.
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
from auth_api.accounts.profiles import Accounts, key_of, require_password
from auth_api.accounts.sessions import end_others
from auth_api.audit import recording
from auth_api.authorisation.access import ROLES, Caller
from auth_api.authorisation.guards import active_administrators, require_administrator
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.jobs import UNFINISHED, Job
from auth_api.errors import Conflict, NotFound
from auth_api.jobs import queue
from auth_api.schemas.administration import UserShown


@dataclass(frozen=True)
class Changes:
    """What is to be changed of a user; None leaves a thing as it is."""

    username: str | None = None
    email: str | None = None
    password: str | None = None
    role: str | None = None
    active: bool | None = None


@dataclass(frozen=True)
class Users:
    """All users."""

    database: Database
    accounts: Accounts

    async def page(
        self,
        limit: int,
        before: int | None,
        *,
        role: str | None = None,
        active: bool | None = None,
        search: str | None = None,
    ) -> list[User]:
        """At most `limit` users, newest first, those of before the id `before`; `search` is part
        of a username or an e-mail address.

        Reads users only, in the order of their ids, until there are enough. Raises Unavailable.
        """
        query = select(User).order_by(col(User.id).desc()).limit(limit)
        if before is not None:
            query = query.where(col(User.id) < before)
        if role is not None:
            query = query.where(col(User.role) == role)
        if active is not None:
            query = query.where(col(User.active) == active)
        if search is not None:
            username, email = usernames.folded_username(search), usernames.email_key(search)
            query = query.where(
                or_(
                    col(User.username_key).contains(username, autoescape=True),
                    col(User.email_key).contains(email, autoescape=True),
                )
            )
        return await self.database.read(lambda session: list(session.scalars(query)))

    async def one(self, number: int) -> User:
        """Raises NotFound or Unavailable."""
        user = await self.database.read(lambda session: session.get(User, number))
        if user is None:
            raise _missing()
        return user

    async def named(self, who: str) -> User:
        """The user with this number, username or e-mail address. Raises NotFound or Unavailable."""
        # No username is a number: each has a letter.
        if who.isascii() and who.isdigit() and len(who) <= 15:
            query = select(User).where(col(User.id) == int(who))
        else:
            conditions = [col(User.email_key) == usernames.email_key(who)]
            with suppress(ValueError):  # can be an address only
                conditions.append(col(User.username_key) == usernames.username_key(who))
            query = select(User).where(or_(*conditions))
        user = await self.database.read(lambda session: session.scalar(query))
        if user is None:
            raise NotFound(f"There is no user {who}.", "user_not_found")
        return user

    async def change(
        self,
        number: int,
        changes: Changes,
        caller: Caller | None = None,
        request: Request | None = None,
    ) -> User:
        """Changes a user, whom a new password or being deactivated signs out everywhere; answers
        them as they are then. Without a caller, it is somebody with access to the machine.

        Raises NotFound, BadRequest, Conflict (`last_admin`, or a name that is taken), Forbidden,
        Unauthorised or Unavailable.
        """
        user = await self.one(number)
        values = await self._values(user, changes)

        def work(transaction: Session) -> User:
            administrators = (
                require_administrator(transaction, caller)
                if caller
                else active_administrators(transaction)
            )
            found = transaction.get(User, number, with_for_update={"key_share": True})
            if found is None:
                raise _missing()
            changed = sorted(name for name in values if getattr(found, name) != values[name])
            for name in changed:
                setattr(found, name, values[name])
            if administrators == {number} and not (found.active and found.role == ROLES[-1]):
                raise Conflict(
                    "This is the last administrator: make another one first.", "last_admin"
                )
            deactivated = "active" in changed and not found.active
            if deactivated:
                end_others(transaction, number, None)
            elif "password_hash" in changed:
                end_others(transaction, number, caller.session_id if caller else None)
            _record(transaction, caller, found, changed, request)
            if deactivated:
                _cancel_jobs(transaction, number, caller, request)
            return found

        try:
            return await self.database.write(work)
        except IntegrityError as error:
            await self._require_free(user, values)
            raise Conflict("Somebody else took that name just now.", "username_taken") from error

    async def _values(self, user: User, changes: Changes) -> dict[str, Any]:
        """Columns of the table, as they are to be. Raises BadRequest, Conflict or Unavailable."""
        values: dict[str, Any] = {}
        if changes.username is not None:
            values["username"] = usernames.displayed(changes.username)
            values["username_key"] = key_of(changes.username, "username")
        if changes.email is not None:
            values["email"] = changes.email
            values["email_key"] = usernames.email_key(changes.email)
        if changes.role is not None:
            values["role"] = changes.role
        if changes.active is not None:
            values["active"] = changes.active
        if changes.password is not None:
            username, email = values.get("username"), values.get("email")
            require_password(
                changes.password, username or user.username, email or user.email, "password"
            )
        await self._require_free(user, values)
        if changes.password is not None:
            values["password_hash"] = await self.accounts.passwords.hash(changes.password)
        return values

    async def _require_free(self, user: User, values: dict[str, Any]) -> None:
        username_key = values.get("username_key", user.username_key)
        email_key = values.get("email_key", user.email_key)
        await self.accounts.require_free(username_key, email_key, but=user.id)


def shown(user: User) -> dict[str, Any]:
    """As `UserShown`."""
    return UserShown.model_validate(user, from_attributes=True).model_dump(mode="json")


def _record(
    transaction: Session,
    caller: Caller | None,
    user: User,
    columns: list[str],
    request: Request | None,
) -> None:
    """Says in the audit log which fields were changed; what they are, of the role and of being
    active only: others may tell who it is.
    """
    by = caller.user_id if caller else None
    fields = [name.replace("_hash", "") for name in columns if not name.endswith("_key")]
    if "active" in fields and not user.active:
        fields.remove("active")
        recording.record(transaction, "user_deactivated", by, request, id=user.id)
    if fields:
        details: dict[str, Any] = {"id": user.id, "fields": fields}
        details |= {name: getattr(user, name) for name in ("active", "role") if name in fields}
        recording.record(transaction, "user_changed", by, request, **details)


def _cancel_jobs(
    transaction: Session, user_id: int, caller: Caller | None, request: Request | None
) -> None:
    """Cancels what is unfinished of a user's jobs; the clean-up removes what they leave."""
    unfinished = (
        select(Job)
        .where(col(Job.user_id) == user_id, col(Job.state).in_(UNFINISHED))
        .order_by(col(Job.id))
        .with_for_update()
    )
    by = caller.user_id if caller else None
    for job in transaction.scalars(unfinished).all():
        if not job.cancelling:
            queue.cancel(job)
            recording.record(transaction, "job_cancelled", by, request, id=job.id)


def _missing() -> NotFound:
    return NotFound("There is no such user.")
