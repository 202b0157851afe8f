"""Checks credentials: signs users in and changes their passwords.

`sessions` issues the tokens. `http.rate_limits` slows down those who guess.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.accounts import usernames
from auth_api.accounts.own_sessions import revoke_except
from auth_api.accounts.passwords import Passwords, require_valid_password
from auth_api.accounts.profiles import user_of
from auth_api.accounts.sessions import Pair, Sessions
from auth_api.audit import recording
from auth_api.authorisation.access import Caller
from auth_api.authorisation.guards import require_active
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.audit import Action
from auth_api.errors import BadRequest, Conflict, TooMany, Unauthorised
from auth_api.http.rate_limits import RateLimits, limited_address
from auth_api.observability.metrics import Metrics

# Built once, because building statements is the largest cost of a sign-in after hashing.
_CREDENTIALS = select(col(User.id), col(User.password_hash), col(User.active))
_BY_EMAIL = _CREDENTIALS.where(col(User.email_key) == bindparam("key"))
_BY_USERNAME = _CREDENTIALS.where(col(User.username_key) == bindparam("key"))


@dataclass(frozen=True)
class Credentials:
    database: Database
    passwords: Passwords
    sessions: Sessions
    limits: RateLimits
    metrics: Metrics

    async def sign_in(
        self, name: str, password: str, request: Request, *, web: bool = False
    ) -> Pair:
        """Starts a session for a username or e-mail address; `web` for a web page's session.

        Raises `Unauthorised`, `TooMany`, `Unavailable`.
        """
        key = _sign_in_key(name)
        user_id, stored = await self._find(key)
        account = f"user {user_id}" if user_id else f"name {key}"
        try:
            await self.limits.count_password_attempt(account, limited_address(request))
        except TooMany:
            self.metrics.sign_ins.labels("limited").inc()
            await self._record("sign_in_slowed", user_id, request)
            raise
        if not await self._verify(stored, password, account, request):
            outcome = "unknown" if stored is None else "wrong_password"
            self.metrics.sign_ins.labels(outcome).inc()
            await self._record("sign_in_failed", user_id, request)
            raise Unauthorised("The username or the password is wrong.", "bad_credentials")
        assert user_id is not None
        assert stored is not None
        current = await self.passwords.rehash_if_outdated(stored, password)
        if current != stored:
            await self.database.write(
                lambda transaction: _replace_hash(transaction, user_id, stored, current)
            )
        pair = await self.sessions.start(user_id, current, request, web=web)
        if pair is None:
            # Meanwhile the password changed, the account was deleted, or another sign-in stored
            # a newer hash. In the last case the next attempt succeeds.
            return await self.sign_in(name, password, request, web=web)
        self.metrics.sign_ins.labels("succeeded").inc()
        return pair

    async def change_password(self, caller: Caller, old: str, new: str, request: Request) -> None:
        """Replaces the password and ends all other sessions.

        Raises `Unauthorised` (also for a wrong old password), `BadRequest`, `Conflict`, `TooMany`,
        `Unavailable`.
        """
        user = await self.database.read(lambda session: user_of(session, caller))
        # Counted apart from sign-ins, so that guessing there does not lock out the owner here.
        account = f"change {caller.user_id}"
        await self.limits.count_password_attempt(account, limited_address(request))
        if not await self._verify(user.password_hash, old, account, request):
            await self._record("password_change_failed", caller.user_id, request)
            raise Unauthorised("The old password is wrong.", "bad_credentials")
        require_valid_password(new, user.username, user.email, "new_password")
        new_hash = await self.passwords.hash(new)

        def change(transaction: Session) -> None:
            require_active(transaction, caller)
            if not _replace_hash(transaction, caller.user_id, user.password_hash, new_hash):
                raise Conflict("The password was changed elsewhere just now.", "password_changed")
            revoke_except(transaction, caller.user_id, caller.session_id)
            recording.record(transaction, "password_changed", caller.user_id, request)

        await self.database.write(change)

    async def _verify(
        self, stored: str | None, password: str, account: str, request: Request
    ) -> bool:
        """Whether a password is right; counts failures. Raises `Unavailable`."""
        if await self.passwords.verify(stored, password):
            await self.limits.reset_failures(account)
            return True
        await self.limits.count_failure(limited_address(request))
        return False

    async def _find(self, key: str) -> tuple[int | None, str | None]:
        """The id and the password hash of an account; no hash if it is deactivated."""
        query = _BY_EMAIL if "@" in key else _BY_USERNAME
        row = await self.database.read(lambda session: session.execute(query, {"key": key}).first())
        return (row.id, row.password_hash if row.active else None) if row else (None, None)

    async def _record(self, action: Action, user_id: int | None, request: Request) -> None:
        await self.database.write(
            lambda transaction: recording.record(transaction, action, user_id, request)
        )


def _sign_in_key(name: str) -> str:
    """The key of an e-mail address or username; an invalid name is its own key."""
    if "@" in name:
        return usernames.email_key(name)
    # An invalid name is not refused here, so that attempts with it are limited like all others.
    with suppress(BadRequest):
        return usernames.username_key(name)
    return name


def _replace_hash(transaction: Session, user_id: int, old: str, new: str) -> bool:
    """Replaces the hash unless it is no longer `old`; returns whether it did. Locks the user."""
    change = (
        update(User)
        .where(col(User.id) == user_id, col(User.active), col(User.password_hash) == old)
        .values(password_hash=new)
        .returning(col(User.id))
    )
    return transaction.scalar(change) is not None
