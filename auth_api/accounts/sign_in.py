"""Checks credentials: signs users in and changes their passwords.

`sessions` issues the tokens. `guesses` slows down those who guess.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.accounts import devices, guesses, usernames
from auth_api.accounts.guesses import Guess, GuessLimits
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
from auth_api.errors import BadRequest, Conflict, Forbidden, TooMany, Unauthorised
from auth_api.http.rate_limits import limited_address
from auth_api.observability.metrics import Metrics

# Built once, because building statements is the largest cost of a sign-in after hashing.
_CREDENTIALS = select(col(User.id), col(User.password_hash), col(User.active), col(User.unlocks))
_BY_EMAIL = _CREDENTIALS.where(col(User.email_key) == bindparam("key"))
_BY_USERNAME = _CREDENTIALS.where(col(User.username_key) == bindparam("key"))


class SignedIn(NamedTuple):
    """The tokens of a new session, and the secret by which its device is known from now on."""

    pair: Pair
    device: str | None


class _Account(NamedTuple):
    name: str
    """Wrong passwords are counted under it."""
    user_id: int | None = None
    password_hash: str | None = None
    """None if the account does not exist or is deactivated."""
    device: str | None = None
    """The hash of the caller's device, if it has signed in before."""


@dataclass(frozen=True)
class Credentials:
    database: Database
    passwords: Passwords
    sessions: Sessions
    limits: GuessLimits
    metrics: Metrics

    async def sign_in(
        self,
        name: str,
        password: str,
        request: Request,
        *,
        device: str | None = None,
        web: bool = False,
    ) -> SignedIn:
        """Starts a session for a username or e-mail address; `web` for a web page's session.

        `device` is the secret of the caller's device, if it sent one. A page gets a new one unless
        its device is known, because another site below the same domain could have set the cookie.

        Raises `Unauthorised`, `TooMany`, `Unavailable`.
        """
        account = await self._find(_sign_in_key(name), device)
        user_id, stored = account.user_id, account.password_hash
        address = limited_address(request)
        if account.device:
            guess = guesses.from_device(account.name, account.device, address)
        else:
            guess = guesses.from_address(account.name, address)
        try:
            await self.limits.begin(guess)
        except TooMany:
            self.metrics.sign_ins.labels("limited").inc()
            await self._record("sign_in_slowed", user_id, request)
            raise
        if not await self._verify(stored, password, guess):
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
        kept = devices.new_device() if web and not account.device else device
        pair = await self.sessions.start(user_id, current, request, device=kept, web=web)
        if pair is None:
            # Meanwhile the password changed, the account was deleted, or another sign-in stored
            # a newer hash. In the last case the next attempt succeeds.
            return await self.sign_in(name, password, request, device=device, web=web)
        self.metrics.sign_ins.labels("succeeded").inc()
        return SignedIn(pair, kept)

    async def change_password(self, caller: Caller, old: str, new: str, request: Request) -> None:
        """Replaces the password and ends all other sessions.

        Raises `Forbidden` (`wrong_password`), `Unauthorised`, `BadRequest`, `Conflict`, `TooMany`,
        `Unavailable`.
        """
        user = await self.database.read(lambda session: user_of(session, caller))
        # By session, so that a thief of one session locks out no other.
        guess = guesses.from_session(f"{caller.session_id} {user.unlocks}")
        await self.limits.begin(guess)
        if not await self._verify(user.password_hash, old, guess):
            await self._record("password_change_failed", caller.user_id, request)
            # Not a 401, because clients then refresh their token and ask again.
            raise Forbidden("The old password is wrong.", "wrong_password")
        require_valid_password(new, user.username, user.email, "new_password")
        new_hash = await self.passwords.hash(new)

        def change(transaction: Session) -> None:
            require_active(transaction, caller)
            if not _replace_hash(transaction, caller.user_id, user.password_hash, new_hash):
                raise Conflict("The password was changed elsewhere just now.", "password_changed")
            revoke_except(transaction, caller.user_id, caller.session_id)
            recording.record(transaction, "password_changed", caller.user_id, request)

        await self.database.write(change)

    async def _verify(self, stored: str | None, password: str, guess: Guess) -> bool:
        """Whether a password is right. Raises `Unavailable`."""
        right = await self.passwords.verify(stored, password)
        await self.limits.end(guess, right=right)
        return right

    async def _find(self, key: str, device: str | None) -> _Account:
        query = _BY_EMAIL if "@" in key else _BY_USERNAME

        def find(session: Session) -> _Account:
            row = session.execute(query, {"key": key}).first()
            # Looked up for unknown names too, so that the time does not tell which exist.
            hashed = devices.device_hash(row.id if row else 0, device) if device else None
            known = hashed is not None and devices.is_known(session, hashed)
            if row is None:
                return _Account(f"name {key}")
            return _Account(
                f"user {row.id} {row.unlocks}",
                row.id,
                row.password_hash if row.active else None,
                hashed if known else None,
            )

        return await self.database.read(find)

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
