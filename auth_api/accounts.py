"""Accounts: made, entered, changed and deleted."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.requests import Request

from auth_api import audit, names
from auth_api.access import Caller
from auth_api.database import Database
from auth_api.errors import Conflict, Unauthorised
from auth_api.passwords import Passwords, require_acceptable
from auth_api.rate_limits import RateLimits, limited_address
from auth_api.sessions import Pair, Sessions, end_others
from auth_api.storage import Storage
from auth_api.tables import Comparison, Prediction, User
from auth_api.validation import invalid


@dataclass(frozen=True)
class Accounts:
    """What can be done with accounts."""

    database: Database
    passwords: Passwords
    sessions: Sessions
    limits: RateLimits
    storage: Storage

    async def sign_up(
        self,
        username: str,
        email: str,
        password: str,
        *,
        timezone: str = "UTC",
        role: str = "user",
        request: Request | None = None,
    ) -> int:
        """Makes an account; answers its number.

        Raises BadRequest, Conflict or Unavailable.
        """
        keys = _username_key(username, "username"), names.email_key(email)
        _require_acceptable(password, username, email, "password")
        async with self.database.reading() as session:
            await _require_free(session, *keys)  # before the work of hashing
        user = User(
            username=names.displayed(username),
            username_key=keys[0],
            email=email,
            email_key=keys[1],
            password_hash=await self.passwords.hash(password),
            timezone=timezone,
            role=role,
        )
        try:
            async with self.database.writing() as transaction:
                transaction.add(user)
                await transaction.flush()
                action: audit.Action = "admin_created" if role == "admin" else "signed_up"
                transaction.add(audit.entry(action, user.id, request))
        except IntegrityError as error:
            async with self.database.reading() as session:
                await _require_free(session, *keys)
            raise Conflict("Somebody else took that name just now.", "username_taken") from error
        assert user.id is not None
        return user.id

    async def sign_in(self, username: str, password: str, request: Request) -> Pair:
        """Starts a session for who knows the password of a username or an e-mail address.

        Raises Unauthorised, TooMany or Unavailable.
        """
        key = names.email_key(username) if "@" in username else _key_or_itself(username)
        user = await self._by_key(key)
        account = f"user {user.id}" if user else key
        await self.limits.count_failures(account, limited_address(request))
        stored = user.password_hash if user and user.active else None
        if not await self.passwords.verify(stored, password):
            async with self.database.writing() as transaction:
                transaction.add(audit.entry("sign_in_failed", user.id if user else None, request))
            raise Unauthorised("The username or the password is wrong.", "bad_credentials")
        assert user
        assert user.id is not None
        await self.limits.forgive(account)
        renewed = await self.passwords.renewed(user.password_hash, password)
        async with self.database.writing() as transaction:
            # The password may have been changed, or the account deleted, in the meantime.
            if not await _replace_hash(transaction, user, renewed):
                raise Unauthorised("The username or the password is wrong.", "bad_credentials")
            transaction.add(audit.entry("signed_in", user.id, request))
            return await self.sessions.start(transaction, user.id)

    async def change_password(self, caller: Caller, old: str, new: str, request: Request) -> None:
        """Replaces the password and ends all other sessions.

        Raises Unauthorised for a wrong old one, BadRequest, TooMany or Unavailable.
        """
        user = await self.profile(caller)
        await self.limits.count_failures(f"user {user.id}", limited_address(request))
        if not await self.passwords.verify(user.password_hash, old):
            async with self.database.writing() as transaction:
                transaction.add(audit.entry("password_change_failed", user.id, request))
            raise Unauthorised("The old password is wrong.", "bad_credentials")
        await self.limits.forgive(f"user {user.id}")
        _require_acceptable(new, user.username, user.email, "new_password")
        renewed = await self.passwords.hash(new)
        async with self.database.writing() as transaction:
            if not await _replace_hash(transaction, user, renewed):
                raise Conflict("The password was changed elsewhere just now.", "password_changed")
            await end_others(transaction, caller.user_id, caller.session_id)
            transaction.add(audit.entry("password_changed", user.id, request))

    async def change_username(self, caller: Caller, username: str, request: Request) -> None:
        """Raises BadRequest, Conflict or Unavailable."""
        key = _username_key(username, "new_username")
        try:
            async with self.database.writing() as transaction:
                await transaction.execute(
                    update(User)
                    .where(col(User.id) == caller.user_id)
                    .values(username=names.displayed(username), username_key=key)
                )
                transaction.add(audit.entry("username_changed", caller.user_id, request))
        except IntegrityError as error:
            raise Conflict("This username is taken.", "username_taken") from error

    async def change_timezone(self, caller: Caller, timezone: str, request: Request) -> User:
        """Answers the changed account. Raises Unavailable."""
        async with self.database.writing() as transaction:
            await transaction.execute(
                update(User).where(col(User.id) == caller.user_id).values(timezone=timezone)
            )
            transaction.add(audit.entry("profile_changed", caller.user_id, request))
        return await self.profile(caller)

    async def profile(self, caller: Caller) -> User:
        """Raises Unauthorised when the account was deleted just now, or Unavailable."""
        async with self.database.reading() as session:
            user = await session.get(User, caller.user_id)
        if user is None:
            raise Unauthorised("The account is no more.", "session_ended")
        return user

    async def delete(self, caller: Caller) -> None:
        """Deletes an account and all that belongs to it, then its pictures.

        What is left if it is interrupted between the two is for `auth_api.cleanup`. Raises
        Unavailable.
        """
        pictures: list[str] = []
        async with self.database.writing() as transaction:
            for table in (Prediction, Comparison):
                query = select(col(table.media)).where(col(table.user_id) == caller.user_id)
                pictures += await transaction.scalars(query)
            await transaction.execute(delete(User).where(col(User.id) == caller.user_id))
            # Without a request: an address would be personal.
            transaction.add(audit.entry("account_deleted", caller.user_id))
        await self.storage.delete(pictures)

    async def _by_key(self, key: str) -> User | None:
        column = User.email_key if "@" in key else User.username_key
        async with self.database.reading() as session:
            found: User | None = await session.scalar(select(User).where(col(column) == key))
            return found


def _username_key(username: str, field: str) -> str:
    try:
        return names.username_key(username)
    except ValueError as error:
        raise invalid(field, str(error)) from error


def _key_or_itself(username: str) -> str:
    """Also for what cannot be a username: whoever tries it is to wait like all others."""
    try:
        return names.username_key(username)
    except ValueError:
        return username


def _require_acceptable(password: str, username: str, email: str, field: str) -> None:
    try:
        require_acceptable(password, username, email)
    except ValueError as error:
        raise invalid(field, str(error)) from error


async def _require_free(session: AsyncSession, username_key: str, email_key: str) -> None:
    taken = (
        await session.scalars(
            select(User).where(
                or_(col(User.username_key) == username_key, col(User.email_key) == email_key)
            )
        )
    ).all()
    if any(user.username_key == username_key for user in taken):
        raise Conflict("This username is taken.", "username_taken")
    if taken:
        raise Conflict("There is an account with this e-mail address.", "email_taken")


async def _replace_hash(transaction: AsyncSession, user: User, renewed: str) -> bool:
    """Whether the account still had the hash that `user` says, and is locked by now."""
    result = await transaction.execute(
        update(User)
        .where(
            col(User.id) == user.id,
            col(User.password_hash) == user.password_hash,
            col(User.active),
        )
        .values(password_hash=renewed)
        .returning(col(User.id))
    )
    return result.scalar() is not None
