"""Accounts: made, entered, changed and deleted."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.accounts import usernames
from auth_api.accounts.passwords import Passwords, require_acceptable
from auth_api.accounts.sessions import Pair, Sessions, end_others
from auth_api.audit import recording
from auth_api.authorisation.access import ROLES, Caller
from auth_api.authorisation.guards import (
    active_administrators,
    require_active,
    require_administrator,
)
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.audit import Action
from auth_api.database.tables.history import Comparison, Prediction
from auth_api.database.tables.jobs import Job
from auth_api.errors import Conflict, TooMany, Unauthorised
from auth_api.history.pictures import PictureStore
from auth_api.http.rate_limits import RateLimits, limited_address
from auth_api.http.validation import invalid
from auth_api.jobs.input_files import InputFiles
from auth_api.observability.metrics import Metrics

_AT_A_TIME = 2000

# Made once: what signing in costs besides hashing is mostly making statements.
_SIGNING_IN = select(col(User.id), col(User.password_hash), col(User.active))
_BY_EMAIL = _SIGNING_IN.where(col(User.email_key) == bindparam("key"))
_BY_USERNAME = _SIGNING_IN.where(col(User.username_key) == bindparam("key"))


@dataclass(frozen=True)
class Accounts:
    """What can be done with accounts."""

    database: Database
    passwords: Passwords
    sessions: Sessions
    limits: RateLimits
    storage: PictureStore
    inputs: InputFiles
    metrics: Metrics

    async def sign_up(
        self,
        username: str,
        email: str,
        password: str,
        *,
        timezone: str = "UTC",
        training_consent: bool = False,
        role: str = "user",
        request: Request | None = None,
        maker: Caller | None = None,
    ) -> int:
        """Makes an account, for its owner or for an administrator, its `maker`; answers its
        number. Only somebody with access to the machine makes administrators without one.

        Raises BadRequest, Conflict or Unavailable, or what `require_administrator` raises.
        """
        keys = key_of(username, "username"), usernames.email_key(email)
        require_password(password, username, email, "password")
        await self.require_free(*keys)  # before the work of hashing
        user = User(
            username=usernames.displayed(username),
            username_key=keys[0],
            email=email,
            email_key=keys[1],
            password_hash=await self.passwords.hash(password),
            timezone=timezone,
            training_consent=training_consent,
            role=role,
        )

        def add(transaction: Session) -> None:
            if maker:
                require_administrator(transaction, maker)
            transaction.add(user)
            transaction.flush()
            if maker:
                made = {"id": user.id, "role": role}
                recording.record(transaction, "user_created", maker.user_id, request, **made)
                return
            if role == ROLES[-1]:  # by somebody with access to the machine
                recording.record(transaction, "admin_created", None, request, id=user.id)
                return
            recording.record(transaction, "signed_up", user.id, request)
            if training_consent:
                recording.record(transaction, "consent_given", user.id, request)

        try:
            await self.database.write(add)
        except IntegrityError as error:
            await self.require_free(*keys)
            raise Conflict("Somebody else took that name just now.", "username_taken") from error
        assert user.id is not None
        self.metrics.sign_ups.inc()
        return user.id

    async def sign_in(
        self, username: str, password: str, request: Request, *, web: bool = False
    ) -> Pair:
        """Starts a session for who knows the password of a username or an e-mail address, be it
        that of a web page or another one.

        Raises Unauthorised, TooMany or Unavailable.
        """
        key = usernames.email_key(username) if "@" in username else _key_or_itself(username)
        number, stored = await self._by_key(key)
        account = f"user {number}" if number else f"name {key}"
        try:
            await self.limits.begin_attempt(account, limited_address(request))
        except TooMany:
            self.metrics.sign_ins.labels("limited").inc()
            await self._note("sign_in_slowed", number, request)
            raise
        if not await self._verify(stored, password, account, request):
            wrong = "unknown" if stored is None else "wrong_password"
            self.metrics.sign_ins.labels(wrong).inc()
            await self._note("sign_in_failed", number, request)
            raise Unauthorised("The username or the password is wrong.", "bad_credentials")
        assert number is not None
        assert stored is not None
        renewed = await self.passwords.renewed(stored, password)
        if renewed != stored:
            await self.database.write(
                lambda transaction: _replace_hash(transaction, number, stored, renewed)
            )
        pair = await self.sessions.start(number, renewed, request, web=web)
        if pair is None:
            # The password was changed in the meantime, or the account deleted, or another sign-in
            # has renewed the hash: then the new one is as right.
            return await self.sign_in(username, password, request, web=web)
        self.metrics.sign_ins.labels("succeeded").inc()
        return pair

    async def _verify(
        self, stored: str | None, password: str, account: str, request: Request
    ) -> bool:
        """Whether a password is right, and counts it if it is not. Raises Unavailable."""
        if await self.passwords.verify(stored, password):
            await self.limits.forgive(account)
            return True
        await self.limits.note_failure(limited_address(request))
        return False

    async def change_password(self, caller: Caller, old: str, new: str, request: Request) -> None:
        """Replaces the password and ends all other sessions.

        Raises Unauthorised for a wrong old one, BadRequest, TooMany or Unavailable.
        """
        user, number = await self.profile(caller), caller.user_id
        # Counted apart from sign-ins: who guesses there does not keep the owner from changing.
        account = f"change {number}"
        await self.limits.begin_attempt(account, limited_address(request))
        if not await self._verify(user.password_hash, old, account, request):
            await self._note("password_change_failed", number, request)
            raise Unauthorised("The old password is wrong.", "bad_credentials")
        require_password(new, user.username, user.email, "new_password")
        renewed = await self.passwords.hash(new)

        def change(transaction: Session) -> None:
            require_active(transaction, caller)
            if not _replace_hash(transaction, number, user.password_hash, renewed):
                raise Conflict("The password was changed elsewhere just now.", "password_changed")
            end_others(transaction, number, caller.session_id)
            recording.record(transaction, "password_changed", number, request)

        await self.database.write(change)

    async def change_username(self, caller: Caller, username: str, request: Request) -> None:
        """Raises BadRequest, Conflict or Unavailable."""
        key = key_of(username, "new_username")
        values = {"username": usernames.displayed(username), "username_key": key}
        try:
            await self._update(caller, values, "username_changed", request)
        except IntegrityError as error:
            raise Conflict("This username is taken.", "username_taken") from error

    async def change_profile(
        self, caller: Caller, timezone: str | None, training_consent: bool | None, request: Request
    ) -> User:
        """Changes what is not None; answers the changed account.

        Raises Unauthorised when the account was deleted just now, or Unavailable.
        """

        def work(transaction: Session) -> None:
            require_active(transaction, caller)  # locks, so that the next line tells what was
            user = transaction.get_one(User, caller.user_id)
            if timezone is not None:
                user.timezone = timezone
                recording.record(transaction, "profile_changed", caller.user_id, request)
            if training_consent not in (None, user.training_consent):
                user.training_consent = bool(training_consent)
                action: Action = "consent_given" if training_consent else "consent_withdrawn"
                recording.record(transaction, action, caller.user_id, request)

        await self.database.write(work)
        return await self.profile(caller)

    async def profile(self, caller: Caller) -> User:
        """Raises Unauthorised when the account was deleted just now, or Unavailable."""
        user = await self.database.read(lambda session: session.get(User, caller.user_id))
        if user is None:
            raise Unauthorised("The account is no more.", "session_ended")
        return user

    async def delete(self, caller: Caller) -> None:
        """Deletes an account and all that belongs to it.

        The history is deleted first, in parts because it may be large. Pictures are deleted after
        their rows; if this is interrupted, `auth_api.operations.cleanup` removes the rest.

        Raises Conflict (`last_admin`) before anything is deleted, Unauthorised or Unavailable.
        """

        def remove_some(transaction: Session) -> list[str]:
            if active_administrators(transaction) == {caller.user_id}:
                raise Conflict(
                    "You are the last administrator: make another one first.", "last_admin"
                )
            require_active(transaction, caller)  # locks, so that nothing comes meanwhile
            return _remove_history(transaction, caller)

        def remove_rest(transaction: Session) -> tuple[list[str], list[str]]:
            rest = remove_some(transaction)
            jobs = delete(Job).where(col(Job.user_id) == caller.user_id)
            inputs = transaction.scalars(jobs.returning(col(Job.input))).all()
            transaction.execute(delete(User).where(col(User.id) == caller.user_id))
            # Without a request: its address would be personal.
            recording.record(transaction, "account_deleted", caller.user_id)
            return rest, [name for name in inputs if name]

        while pictures := await self.database.write(remove_some):
            await self.storage.delete(pictures)
        pictures, inputs = await self.database.write(remove_rest)
        await self.storage.delete(pictures)
        await self.inputs.delete(inputs)

    async def _by_key(self, key: str) -> tuple[int | None, str | None]:
        """The number of an account and the hash of its password, unless it is closed."""
        query = _BY_EMAIL if "@" in key else _BY_USERNAME
        row = await self.database.read(lambda session: session.execute(query, {"key": key}).first())
        return (row.id, row.password_hash if row.active else None) if row else (None, None)

    async def _note(self, action: Action, user_id: int | None, request: Request) -> None:
        await self.database.write(
            lambda transaction: recording.record(transaction, action, user_id, request)
        )

    async def _update(
        self, caller: Caller, values: dict[str, str], action: Action, request: Request
    ) -> None:
        change = update(User).where(col(User.id) == caller.user_id).values(**values)

        def work(transaction: Session) -> None:
            require_active(transaction, caller)
            transaction.execute(change)
            recording.record(transaction, action, caller.user_id, request)

        await self.database.write(work)

    async def require_free(self, username_key: str, email_key: str, but: int | None = None) -> None:
        """Raises Conflict where another account than `but` has one of these, or Unavailable."""
        query = select(User).where(
            or_(col(User.username_key) == username_key, col(User.email_key) == email_key),
            col(User.id) != (but or 0),
        )
        taken = await self.database.read(lambda session: session.scalars(query).all())
        if any(user.username_key == username_key for user in taken):
            raise Conflict("This username is taken.", "username_taken")
        if taken:
            raise Conflict("There is an account with this e-mail address.", "email_taken")


def key_of(username: str, field: str) -> str:
    """What equal usernames share. Raises BadRequest that names the field."""
    try:
        return usernames.username_key(username)
    except ValueError as error:
        raise invalid(field, str(error)) from error


def _key_or_itself(username: str) -> str:
    """Also for what cannot be a username: whoever tries it is to wait like all others."""
    try:
        return usernames.username_key(username)
    except ValueError:
        return username


def require_password(password: str, username: str, email: str, field: str) -> None:
    """Raises BadRequest that names the field, for a password that will not do."""
    try:
        require_acceptable(password, username, email)
    except ValueError as error:
        raise invalid(field, str(error)) from error


def _remove_history(transaction: Session, caller: Caller) -> list[str]:
    """Removes some entries; answers the names of their pictures, none when nothing is left."""
    pictures: list[str] = []
    for table in (Prediction, Comparison):
        some = select(col(table.id)).where(col(table.user_id) == caller.user_id).limit(_AT_A_TIME)
        pictures += transaction.scalars(
            delete(table).where(col(table.id).in_(some)).returning(col(table.media))
        )
    return pictures


def _replace_hash(transaction: Session, number: int, stored: str, renewed: str) -> bool:
    """Whether the account still had the hash `stored`, and is locked by now."""
    change = (
        update(User)
        .where(col(User.id) == number, col(User.active), col(User.password_hash) == stored)
        .values(password_hash=renewed)
        .returning(col(User.id))
    )
    return transaction.scalar(change) is not None
