"""Creates accounts and refuses names that are taken.

`usernames`, `reserved_names` and `passwords` say which names and passwords people may choose.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.accounts import usernames
from auth_api.accounts.passwords import Passwords, require_valid_password
from auth_api.accounts.reserved_names import require_unreserved
from auth_api.audit import recording
from auth_api.authorisation.access import ROLES, Caller
from auth_api.authorisation.guards import require_administrator
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.errors import Conflict, Unavailable
from auth_api.http.validation import together
from auth_api.observability.metrics import Metrics


@dataclass(frozen=True)
class Registration:
    database: Database
    passwords: Passwords
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
        created_by: Caller | None = None,
    ) -> int:
        """Creates an account; returns its id.

        `created_by` is the administrator who creates it for somebody else. An operator does so on
        the command line, without a request.

        Raises `BadRequest`, `Conflict`, `Unavailable`; with `created_by` also `Forbidden`,
        `Unauthorised`.
        """
        for_another = created_by is not None or request is None
        require_valid(username, email, password, may_be_official=for_another)
        username_key = usernames.username_key(username)
        email_key = usernames.email_key(email)
        # Before hashing, because hashing is slow.
        await require_available(self.database, username_key, email_key)
        user = User(
            username=usernames.display_form(username),
            username_key=username_key,
            email=email,
            email_key=email_key,
            password_hash=await self.passwords.hash(password),
            timezone=timezone,
            training_consent=training_consent,
            role=role,
        )

        def add(transaction: Session) -> None:
            if created_by:
                require_administrator(transaction, created_by)
            transaction.add(user)
            transaction.flush()
            if request is None and role == ROLES[-1]:
                recording.record(transaction, "admin_created", None, id=user.id)
            elif for_another:
                by = created_by.user_id if created_by else None
                recording.record(transaction, "user_created", by, request, id=user.id, role=role)
            else:
                recording.record(transaction, "signed_up", user.id, request)
                if training_consent:
                    recording.record(transaction, "consent_given", user.id, request)

        try:
            await self.database.write(add)
        except IntegrityError as error:
            await require_available(self.database, username_key, email_key)
            raise Conflict("Somebody else took that name just now.", "username_taken") from error
        assert user.id is not None
        self.metrics.sign_ups.inc()
        return user.id

    async def taken(self, username: str, email: str) -> dict[str, str]:
        """As `taken_fields`, of names of which one may be empty. Empty without the database."""
        keys = usernames.folded_username(username), usernames.email_key(email)
        try:
            return await taken_fields(self.database, *keys)
        except Unavailable:
            return {}


def require_valid(
    username: str, email: str, password: str, *, may_be_official: bool = False
) -> None:
    """Raises a `BadRequest` that names every field at fault."""
    check_name = usernames.username_key if may_be_official else require_unreserved
    together(
        lambda: check_name(username),
        lambda: require_valid_password(password, username, email),
    )


async def require_available(
    database: Database, username_key: str, email_key: str, owner_id: int | None = None
) -> None:
    """Raises `Conflict` if a user other than `owner_id` has one of the keys, or `Unavailable`."""
    fields = await taken_fields(database, username_key, email_key, owner_id)
    details = {"fields": fields}
    if "username" in fields:
        raise Conflict("This username is taken.", "username_taken", details=details)
    if "email" in fields:
        message = "There is an account with this e-mail address."
        raise Conflict(message, "email_taken", details=details)


async def taken_fields(
    database: Database, username_key: str, email_key: str, owner_id: int | None = None
) -> dict[str, str]:
    """The reasons why a user other than `owner_id` stands in the way, by `username` and `email`.

    Raises `Unavailable`.
    """
    query = select(User).where(
        or_(col(User.username_key) == username_key, col(User.email_key) == email_key),
        col(User.id) != (owner_id or 0),
    )
    taken = await database.read(lambda session: session.scalars(query).all())
    fields = {}
    if any(user.username_key == username_key for user in taken):
        fields["username"] = "is taken"
    if any(user.email_key == email_key for user in taken):
        fields["email"] = "has an account"
    return fields
