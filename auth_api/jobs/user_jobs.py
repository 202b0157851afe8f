"""The jobs of users: submit, list, cancel.

`queue` is the side of the processes that run them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.authorisation.access import Caller
from auth_api.authorisation.guards import require_active, require_administrator, require_role
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.jobs import UNFINISHED, Job, JobItem, Kind
from auth_api.errors import Conflict, Forbidden, NotFound, TooMany, Unauthorised
from auth_api.jobs import queue
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.owners import BY_OPERATOR, ROLES
from auth_api.jobs.reservations import Reservations
from auth_api.jobs.uploads import Received
from auth_api.jobs.work_folders import WorkFolders
from auth_api.observability.metrics import Metrics

_BATCH_SIZE = 250


@dataclass(frozen=True)
class UserJobs:
    """The jobs of all users."""

    database: Database
    inputs: InputFiles
    folders: WorkFolders
    reservations: Reservations
    wake: Callable[[], None]
    """Called when a job was queued."""
    metrics: Metrics

    async def add(
        self,
        owner: Caller | int,
        kind: str,
        parameters: dict[str, Any],
        received: Received | None,
        request: Request | None = None,
        complete: Callable[[Session, dict[str, Any]], None] | None = None,
        reservation: int | None = None,
    ) -> Job:
        """Queues a job, with an upload if there is one.

        `owner` is the caller, or the id of a user for whom an operator queues the job. `complete`
        sets the parameters that depend on the database, in the same transaction; it may raise
        `Conflict`. The job takes the place of a `reservation`.

        Raises `Unauthorised` or `NotFound` if the account does not exist any more, `Forbidden` if
        its role is too low by now, `TooMany`, `Conflict`, after deleting the file. Raises
        `Unavailable`: the job may or may not be queued, so the file stays and the clean-up decides.
        """
        items = received.items if received else []
        name = received.file.path.name if received else None
        if isinstance(owner, int):
            parameters = {**parameters, BY_OPERATOR: True}

        def work(transaction: Session) -> Job:
            user_id = _owner(transaction, owner, kind)
            if reservation is not None:
                self.reservations.end(transaction, reservation)
            self.reservations.require_place(transaction, user_id)
            if complete:
                complete(transaction, parameters)
            job = Job(user_id=user_id, kind=kind, parameters=parameters, input=name)
            actor = None if isinstance(owner, int) else user_id
            queue.add(transaction, job, items, actor, request)
            return job

        try:
            job = await self.database.write(work)
        except (Unauthorised, Forbidden, NotFound, TooMany, Conflict):
            await self.inputs.delete([name] if name else [])
            raise
        self.wake()
        return job

    async def page(
        self,
        user_id: int | None,
        limit: int,
        before: int | None,
        *,
        state: str | None = None,
        kind: str | None = None,
    ) -> list[Job]:
        """At most `limit` jobs of a user, or of all users, newest first. `before` is a job id: only
        older jobs. Raises `Unavailable`.
        """
        query = select(Job).order_by(col(Job.id).desc()).limit(limit)
        for column, value in ((Job.user_id, user_id), (Job.state, state), (Job.kind, kind)):
            query = query.where(col(column) == value) if value is not None else query
        query = query.where(col(Job.id) < before) if before is not None else query
        return await self.database.read(lambda session: list(session.scalars(query)))

    async def one(self, owner: Caller | None, job_id: int) -> Job:
        """A job of `owner` that they may see, or of any user (None), for operators and
        administrators.

        Raises `NotFound`, `Unavailable`.
        """
        query = _one(owner, job_id)
        return _require(await self.database.read(lambda session: session.scalar(query)))

    async def cancel(
        self,
        caller: Caller | None,
        job_id: int,
        request: Request | None = None,
        *,
        of_anyone: bool = False,
    ) -> Job:
        """Cancels a job of `caller`, or of any user if an operator asks (None) or an administrator
        (`of_anyone`). A job that was cancelled before stays as it is.

        Raises `NotFound`, `Forbidden`, `Unauthorised`, `Conflict` if the job has ended otherwise,
        `Unavailable`.
        """
        user_id = caller.user_id if caller else None
        owner = None if of_anyone else caller

        def work(transaction: Session) -> tuple[Job, bool]:
            if caller and of_anyone:
                require_administrator(transaction, caller)
            elif caller:
                require_active(transaction, caller)
            job = _require(transaction.scalar(_one(owner, job_id).with_for_update()))
            if job.state not in (*UNFINISHED, "cancelled"):
                raise Conflict("The job is finished already.", "job_finished")
            changed = job.state in UNFINISHED and queue.cancel(transaction, job, user_id, request)
            return job, changed

        job, changed = await self.database.write(work)
        if job.state == "cancelled":  # no process works at it
            if changed:
                queue.count_ended(self.metrics, job)
            await self.inputs.delete([job.input] if job.input else [])
            await self.folders.delete([job_id])
        return job

    async def answered(self, job_id: int) -> AsyncIterator[JobItem]:
        """The items of a job that have an answer, in order, read in batches."""
        last = -1
        while True:
            query = (
                select(JobItem)
                .where(col(JobItem.job_id) == job_id, col(JobItem.position) > last)
                .where(col(JobItem.answer).is_not(None))
                .order_by(col(JobItem.position))
                .limit(_BATCH_SIZE)
            )
            items = await self.database.read(_all(query))
            for item in items:
                yield item
            if len(items) < _BATCH_SIZE:
                return
            last = items[-1].position


def visible_kind(caller: Caller) -> Kind | None:
    """The only kind of job that a caller may see, None if they may see all.

    API keys see prediction jobs only, because a training needs a sign-in.
    """
    return "predict" if caller.api_key_id is not None else None


def _owner(transaction: Session, owner: Caller | int, kind: str) -> int:
    """The id of the owner, whose account is locked against deletion until the transaction ends.

    Raises `Unauthorised`, `Forbidden`, `NotFound`.
    """
    if not isinstance(owner, int):
        require_role(transaction, owner, ROLES.get(kind, "user"))
        return owner.user_id
    if transaction.get(User, owner, with_for_update={"key_share": True}) is None:
        raise NotFound("There is no such user.", "user_not_found")
    return owner


def _one(owner: Caller | None, job_id: int) -> Select[tuple[Job]]:
    query = select(Job).where(col(Job.id) == job_id)
    if owner is None:
        return query
    kind = visible_kind(owner)
    query = query.where(col(Job.user_id) == owner.user_id)
    return query.where(col(Job.kind) == kind) if kind else query


def _all(query: Select[tuple[JobItem]]) -> Callable[[Session], list[JobItem]]:
    return lambda session: list(session.scalars(query))


def _require(job: Job | None) -> Job:
    if job is None:
        raise NotFound("There is no such job.")
    return job
