"""The job queue: jobs in the database, where all processes of the service share them.

Only the process that holds the lease of a job writes to it. Every write checks the lease in the
same transaction, so a slow process whose job was claimed by another one writes nothing.
`retries` decides which jobs may be claimed again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session, aliased
from sqlmodel import col
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.database.columns import now
from auth_api.database.database import Database, core_of
from auth_api.database.tables.jobs import UNFINISHED, Job, JobItem
from auth_api.errors import Forbidden
from auth_api.jobs import owners, retries
from auth_api.jobs.unpacking import Place
from auth_api.observability.metrics import Metrics

_ITEMS = core_of(JobItem)
_INSERT_ITEMS = insert(_ITEMS)
_SET_ANSWER = (
    update(_ITEMS)
    .where(
        _ITEMS.c.job_id == bindparam("job"),
        _ITEMS.c.position == bindparam("item"),
        _ITEMS.c.answer.is_(None),
    )
    .values(answer=bindparam("new"))
)


class PendingItem(NamedTuple):
    """An item without an answer, and its place in the job's file."""

    position: int
    place: Place


class ItemAnswer(NamedTuple):
    """The answer to an item, with the key `success`."""

    position: int
    answer: dict[str, Any]


class JobQueue:
    """The queue as one process sees it, which claims jobs and works at them."""

    def __init__(self, database: Database, holder: str, metrics: Metrics | None = None) -> None:
        """`holder` identifies this process; no other process may have the same name."""
        self._database = database
        self._holder = holder
        self._metrics = metrics or Metrics()

    async def claim(self, kinds: Sequence[str], excluded_users: Collection[int]) -> Job | None:
        """Claims a job of one of the `kinds`, if there is one.

        The user with the fewest running jobs of these kinds comes first, then the oldest job.
        Jobs of `excluded_users` are not claimed. A job whose owner may not have it run any more
        fails. Raises `Unavailable`.
        """

        def work(transaction: Session) -> Job | None:
            job: Job | None = transaction.scalar(_next(kinds, excluded_users))
            if job is None:
                return None
            if job.cancelling:  # its process crashed before it could cancel the job
                _end(job, "cancelled", None)
                return job
            try:
                owners.require_entitled(transaction, job)
            except Forbidden as refusal:
                _end(job, "failed", refusal.message)
                return job
            if error := retries.start_attempt(job, self._holder):
                _end(job, "failed", error)
            return job

        while (job := await self._database.write(work)) and job.state != "running":
            count_ended(self._metrics, job)  # it has ended instead: the next one does not wait
        return job

    async def renew_leases(self, jobs: Collection[int]) -> dict[int, bool]:
        """Renews the leases that this process still has on `jobs`. Returns those jobs, and whether
        each is to be cancelled. Raises `Unavailable`.
        """
        renewal = (
            update(Job)
            .where(col(Job.id).in_(jobs), col(Job.holder) == self._holder)
            .values(held_until=retries.lease_end())
            .returning(col(Job.id), col(Job.cancelling))
        )
        rows = await self._database.write(lambda transaction: transaction.execute(renewal).all())
        return {row.id: row.cancelling for row in rows}

    async def is_cancelled_or_gone(self, job_id: int) -> bool:
        """Whether a job of this process was cancelled, has ended or was deleted with its owner's
        account. Raises `Unavailable`.
        """
        held = await self.renew_leases([job_id])
        return held[job_id] if job_id in held else not await self.is_unfinished(job_id)

    async def is_unfinished(self, job_id: int) -> bool:
        """Whether a job exists and has not ended. Raises `Unavailable`."""
        job = await self._database.read(lambda session: session.get(Job, job_id))
        return job is not None and job.state in UNFINISHED

    async def pending(self, job_id: int) -> list[PendingItem]:
        """The items without an answer, in order. Raises `Unavailable`."""
        query = (
            select(col(JobItem.position), *(getattr(JobItem, name) for name in Place._fields))
            .where(col(JobItem.job_id) == job_id, col(JobItem.answer).is_(None))
            .order_by(col(JobItem.position))
        )
        rows = await self._database.read(lambda session: session.execute(query).all())
        return [PendingItem(position, Place(*place)) for position, *place in rows]

    async def record(self, job_id: int, answers: Sequence[ItemAnswer]) -> None:
        """Saves answers of items that have none yet.

        Raises `LeaseLost`, `Forbidden` if the owner may not have the job run any more,
        `Unavailable`.
        """

        def work(transaction: Session) -> None:
            job = self._entitled(transaction, job_id)
            rows = [{"job": job_id, "item": each.position, "new": each.answer} for each in answers]
            transaction.connection().execute(_SET_ANSWER, rows)
            succeeded = sum(each.answer["success"] for each in answers)
            job.succeeded += succeeded
            job.failed += len(answers) - succeeded
            job.progress = (job.succeeded + job.failed) / max(1, job.total)
            job.attempts = 0

        await self._database.write(work)

    async def report(
        self, job_id: int, progress: float, outcome: dict[str, Any] | None = None
    ) -> None:
        """Saves the progress (0-1) of a job without items, and its outcome so far.

        A job that is retried may repeat some work. Only progress beyond the saved value counts.
        Raises as `record`.
        """

        def work(transaction: Session) -> None:
            job = self._entitled(transaction, job_id)
            if progress > job.progress:
                job.progress = progress
                job.attempts = 0
            if outcome is not None:
                job.outcome = outcome

        await self._database.write(work)

    async def owner_role(self, job: Job) -> str:
        """The role that the owner of a job has now.

        Raises `Forbidden` if they may not have the job run any more, `Unavailable`.
        """
        return await self._database.read(lambda session: owners.require_entitled(session, job))

    async def end(
        self,
        job_id: int,
        state: str,
        error: str | None = None,
        outcome: dict[str, Any] | None = None,
    ) -> None:
        """Ends a job. Without `outcome`, the outcome that was reported last stays.

        Raises `LeaseLost`, `Unavailable`.
        """

        def work(transaction: Session) -> Job:
            job = retries.require_lease(transaction, job_id, self._holder)
            if outcome is not None:
                job.outcome = outcome
            _end(job, state, error)
            return job

        count_ended(self._metrics, await self._database.write(work))

    async def release(self, job_id: int) -> None:
        """Requeues an interrupted job; the attempt counts. Raises `LeaseLost`, `Unavailable`."""

        def work(transaction: Session) -> None:
            retries.require_lease(transaction, job_id, self._holder)
            retries.requeue(transaction, col(Job.id) == job_id)

        await self._database.write(work)

    async def release_all(self) -> None:
        """Requeues all jobs of this process when it stops, which does not count as an attempt.

        Raises `Unavailable`.
        """
        mine = col(Job.holder) == self._holder
        await self._database.write(lambda each: retries.requeue(each, mine, count_attempt=False))

    def _entitled(self, transaction: Session, job_id: int) -> Job:
        """Locks and returns a job of this process. Raises `LeaseLost`, `Forbidden`."""
        job = retries.require_lease(transaction, job_id, self._holder)
        if not job.cancelling:  # otherwise it ends as cancelled
            owners.require_entitled(transaction, job)
        return job

    async def reclaim_all(self, kinds: Sequence[str]) -> None:
        """Requeues all running jobs of the `kinds`, whichever process holds them. Only for a
        process that has just started and is alone. Raises `Unavailable`.
        """
        theirs = col(Job.kind).in_(kinds)
        await self._database.write(lambda each: retries.requeue(each, theirs))


def add(
    transaction: Session,
    job: Job,
    items: Sequence[JobItem],
    actor: int | None,
    request: Request | None,
) -> None:
    """Queues a job with its items and sets their `job_id`. `actor` is the id of the user who asks;
    None for an operator on the command line.
    """
    job.total = len(items)
    job.failed = sum(item.answer is not None for item in items)
    job.progress = job.failed / max(1, job.total)
    transaction.add(job)
    transaction.flush()
    rows = [{**item.model_dump(), "job_id": job.id} for item in items]
    if rows:
        transaction.connection().execute(_INSERT_ITEMS, rows)
    details = {"id": job.id, "kind": job.kind, "items": job.total}
    recording.record(transaction, "job_created", actor, request, **details)


def cancel(transaction: Session, job: Job, actor: int | None, request: Request | None) -> bool:
    """Cancels an unfinished job at once, or tells the process that holds its lease to do so.

    `actor` as in `add`. Returns False if the job was being cancelled already.
    """
    if job.cancelling:
        return False
    if job.held_until is not None and job.held_until > now():
        job.cancelling = True
    else:
        _end(job, "cancelled", None)
    other = {} if actor == job.user_id else {"owner": job.user_id}
    recording.record(transaction, "job_cancelled", actor, request, id=job.id, **other)
    return True


def count_ended(metrics: Metrics, job: Job) -> None:
    """Updates the metrics for a job that has just ended."""
    metrics.jobs_ended.labels(job.kind, job.state).inc()
    if job.started_at is not None and job.finished_at is not None:
        seconds = (job.finished_at - job.started_at).total_seconds()
        metrics.job_seconds.labels(job.kind).observe(seconds)


def _next(kinds: Sequence[str], excluded_users: Collection[int]) -> Any:
    moment = now()
    other = aliased(Job)
    running = (
        select(func.count())
        .where(col(other.user_id) == col(Job.user_id), col(other.state) == "running")
        .where(col(other.held_until) > moment, col(other.kind).in_(kinds))
        .scalar_subquery()
    )
    return (
        select(Job)
        .where(retries.claimable(moment), col(Job.kind).in_(kinds))
        .where(col(Job.user_id).not_in(excluded_users))
        .order_by(running, col(Job.id))
        .limit(1)
        .with_for_update(skip_locked=True, of=Job)
    )


def _end(job: Job, state: str, error: str | None) -> None:
    if state == "succeeded":
        job.progress = 1
    job.state, job.error, job.finished_at = state, error, now()
    job.holder = job.held_until = None
