"""Jobs as their owners see them: handed in, looked at, cancelled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.authorisation.access import Caller
from auth_api.authorisation.guards import require_active
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.jobs import UNFINISHED, Job, JobItem
from auth_api.errors import Conflict, NotFound, TooMany, Unauthorised
from auth_api.jobs import queue
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.uploads import Received
from auth_api.jobs.work_folders import WorkFolders
from auth_api.observability.metrics import Metrics

_ITEMS_AT_A_TIME = 250
_RETRY_SECONDS = 30


class UserJobs:
    """The jobs of all users."""

    def __init__(
        self,
        database: Database,
        inputs: InputFiles,
        folders: WorkFolders,
        most: int,
        wake: Callable[[], None],
        metrics: Metrics,
    ) -> None:
        """`most` unfinished jobs may a user have; `wake` is called when there is a new one."""
        self._database = database
        self._inputs = inputs
        self._folders = folders
        self._most = most
        self._wake = wake
        self._metrics = metrics

    async def require_room(self, user_id: int) -> None:
        """Raises TooMany for who has too many unfinished jobs already, or Unavailable."""
        await self._database.read(lambda session: self._require_room(session, user_id))

    async def add(
        self,
        owner: Caller | int,
        kind: str,
        parameters: dict[str, Any],
        received: Received | None,
        request: Request | None = None,
        settle: Callable[[Session, dict[str, Any]], None] | None = None,
    ) -> Job:
        """Queues a job with what was received, if anything was. Its owner is who asks, or a user
        by number, for whom somebody with access to the machine does. `settle` sets the parameters
        that depend on what else there is in the database, and may raise Conflict.

        Raises Unauthorised or NotFound when the account is no more, TooMany or Conflict, and the
        file is gone then; or Unavailable, when nobody knows whether it is needed, and the clean-up
        will see.
        """
        items = received.items if received else []
        name = received.file.path.name if received else None

        def work(transaction: Session) -> Job:
            user_id = _owner(transaction, owner)
            self._require_room(transaction, user_id)
            if settle:
                settle(transaction, parameters)
            job = Job(user_id=user_id, kind=kind, parameters=parameters, input=name)
            by = None if isinstance(owner, int) else user_id
            queue.add(transaction, job, items, by, request)
            return job

        try:
            job = await self._database.write(work)
        except (Unauthorised, NotFound, TooMany, Conflict):
            await self._inputs.delete([name] if name else [])
            raise
        self._wake()
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
        """At most `limit` jobs of a user, or of all, newest first, those older than the id
        `before`.

        Raises Unavailable.
        """
        query = select(Job).order_by(col(Job.id).desc()).limit(limit)
        for column, value in ((Job.user_id, user_id), (Job.state, state), (Job.kind, kind)):
            query = query.where(col(column) == value) if value is not None else query
        query = query.where(col(Job.id) < before) if before is not None else query
        return await self._database.read(lambda session: list(session.scalars(query)))

    async def one(self, user_id: int | None, number: int) -> Job:
        """A user's job, or anybody's. Raises NotFound, also for what is somebody else's, or
        Unavailable.
        """
        query = _one(user_id, number)
        return _there(await self._database.read(lambda session: session.scalar(query)))

    async def cancel(
        self, owner: Caller | None, number: int, request: Request | None = None
    ) -> Job:
        """Cancels a job of its owner; without an owner, anybody's, for somebody with access to
        the machine. Again does nothing. Raises NotFound, Conflict or Unavailable.
        """
        user_id = owner.user_id if owner else None

        def work(transaction: Session) -> tuple[Job, bool]:
            if owner:
                require_active(transaction, owner)
            job = transaction.scalar(_one(user_id, number).with_for_update())
            changed = _cancel(job)
            if changed:
                recording.record(transaction, "job_cancelled", user_id, request, id=number)
            return _there(job), changed

        job, changed = await self._database.write(work)
        if changed and job.state == "cancelled":
            queue.note_end(self._metrics, job)
        return await self._cleared(job)

    async def answered(self, number: int) -> AsyncIterator[JobItem]:
        """The items of a job that have an answer, in order, some in memory at a time."""
        last = -1
        while True:
            query = (
                select(JobItem)
                .where(col(JobItem.job_id) == number, col(JobItem.position) > last)
                .where(col(JobItem.answer).is_not(None))
                .order_by(col(JobItem.position))
                .limit(_ITEMS_AT_A_TIME)
            )
            items = await self._database.read(_all(query))
            for item in items:
                yield item
            if len(items) < _ITEMS_AT_A_TIME:
                return
            last = items[-1].position

    async def _cleared(self, job: Job) -> Job:
        """A job that was cancelled, its files gone unless somebody still works at it."""
        if job.state == "cancelled" and job.input:
            await self._inputs.delete([job.input])
        if job.state == "cancelled" and job.id is not None:
            await self._folders.delete([job.id])
        return job

    def _require_room(self, session: Session, user_id: int) -> None:
        query = select(func.count()).where(
            col(Job.user_id) == user_id, col(Job.state).in_(UNFINISHED)
        )
        if (session.scalar(query) or 0) >= self._most:
            raise TooMany(
                f"You have {self._most} unfinished jobs: wait for one, or cancel one.",
                "too_many_jobs",
                retry_after=_RETRY_SECONDS,
            )


def _owner(transaction: Session, owner: Caller | int) -> int:
    """The number of a user who is there until the transaction ends.

    Raises Unauthorised or NotFound.
    """
    if not isinstance(owner, int):
        require_active(transaction, owner)
        return owner.user_id
    if transaction.get(User, owner, with_for_update={"key_share": True}) is None:
        raise NotFound("There is no such user.", "user_not_found")
    return owner


def _one(user_id: int | None, number: int) -> Select[tuple[Job]]:
    query = select(Job).where(col(Job.id) == number)
    return query.where(col(Job.user_id) == user_id) if user_id is not None else query


def _all(query: Select[tuple[JobItem]]) -> Callable[[Session], list[JobItem]]:
    return lambda session: list(session.scalars(query))


def _cancel(job: Job | None) -> bool:
    """Whether that changed anything. Raises NotFound or Conflict."""
    job = _there(job)
    if job.state not in (*UNFINISHED, "cancelled"):
        raise Conflict("The job is finished already.", "job_finished")
    if job.state not in UNFINISHED or job.cancelling:
        return False
    queue.cancel(job)
    return True


def _there(job: Job | None) -> Job:
    if job is None:
        raise NotFound("There is no such job.")
    return job
