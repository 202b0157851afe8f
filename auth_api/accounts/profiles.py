"""A user's own account: read, changed and deleted by its owner."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.accounts import usernames
from auth_api.accounts.reserved_names import require_unreserved
from auth_api.audit import recording
from auth_api.authorisation.access import ROLES, Caller
from auth_api.authorisation.guards import active_administrators, require_active
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.audit import Action
from auth_api.database.tables.history import Comparison, Prediction
from auth_api.database.tables.jobs import Job
from auth_api.errors import Conflict, Unauthorised
from auth_api.history.pictures import PictureStore
from auth_api.jobs.input_files import InputFiles

_BATCH_SIZE = 2000


@dataclass(frozen=True)
class Profiles:
    database: Database
    pictures: PictureStore
    inputs: InputFiles

    async def get(self, caller: Caller) -> User:
        """The caller's account. Raises `Unauthorised` if it was deleted, `Unavailable`."""
        return await self.database.read(lambda session: user_of(session, caller))

    async def change(
        self, caller: Caller, timezone: str | None, training_consent: bool | None, request: Request
    ) -> User:
        """Changes the values that are not None. Raises `Unauthorised`, `Unavailable`."""

        def work(transaction: Session) -> User:
            require_active(transaction, caller)  # locks the user before the consent is compared
            user = transaction.get_one(User, caller.user_id)
            if timezone is not None:
                user.timezone = timezone
                recording.record(transaction, "profile_changed", caller.user_id, request)
            if training_consent not in (None, user.training_consent):
                user.training_consent = bool(training_consent)
                action: Action = "consent_given" if training_consent else "consent_withdrawn"
                recording.record(transaction, action, caller.user_id, request)
            return user

        return await self.database.write(work)

    async def change_username(self, caller: Caller, username: str, request: Request) -> None:
        """Raises `BadRequest`, `Conflict`, `Unauthorised`, `Unavailable`."""
        if caller.role != ROLES[-1]:
            require_unreserved(username, "new_username")
        key = usernames.username_key(username, "new_username")

        def work(transaction: Session) -> None:
            require_active(transaction, caller)
            user = transaction.get_one(User, caller.user_id)
            user.username, user.username_key = usernames.display_form(username), key
            recording.record(transaction, "username_changed", caller.user_id, request)

        try:
            await self.database.write(work)
        except IntegrityError as error:
            raise Conflict("This username is taken.", "username_taken") from error

    async def delete(self, caller: Caller) -> None:
        """Deletes the account and everything that belongs to it.

        The history goes first and in batches, because it may be large. Pictures are deleted after
        their rows. If the process stops in between, `auth_api.operations.cleanup` deletes the rest.

        Raises `Conflict` (`last_admin`) before anything is deleted, `Unauthorised`, `Unavailable`.
        """

        def delete_batch(transaction: Session) -> list[str]:
            """Deletes a part of the history; returns its pictures, none when all is deleted."""
            if active_administrators(transaction) == {caller.user_id}:
                raise Conflict(
                    "You are the last administrator: make another one first.", "last_admin"
                )
            require_active(transaction, caller)  # locks the user, so that nothing is added
            pictures: list[str] = []
            for table in (Prediction, Comparison):
                rows = select(col(table.id)).where(col(table.user_id) == caller.user_id)
                batch = delete(table).where(col(table.id).in_(rows.limit(_BATCH_SIZE)))
                pictures += transaction.scalars(batch.returning(col(table.media)))
            return pictures

        def delete_rest(transaction: Session) -> tuple[list[str], list[str]]:
            pictures = delete_batch(transaction)
            jobs = delete(Job).where(col(Job.user_id) == caller.user_id)
            inputs = transaction.scalars(jobs.returning(col(Job.input))).all()
            transaction.execute(delete(User).where(col(User.id) == caller.user_id))
            # Without the request, because its address is personal data.
            recording.record(transaction, "account_deleted", caller.user_id)
            return pictures, [name for name in inputs if name]

        works = True  # a store that does not answer takes seconds each time
        while pictures := await self.database.write(delete_batch):
            works = works and await self.pictures.discard(pictures)
        pictures, inputs = await self.database.write(delete_rest)
        if works:
            await self.pictures.discard(pictures)
        await self.inputs.discard(inputs)


def user_of(session: Session, caller: Caller) -> User:
    """The account of a caller. Raises `Unauthorised` if it was deleted."""
    user = session.get(User, caller.user_id)
    if user is None:
        raise Unauthorised("The account no longer exists.", "session_ended")
    return user
