"""What becomes of jobs in the database, where all processes of the service meet.

A process takes a job up by putting its name on it, for `LEASE_SECONDS`; it says again and again
that it is still there. A job whose process has gone silent is another's to take up. Only the
holder of a job writes to it, and every write asks for that in the same transaction, so that a
process that was merely slow, and whose job somebody else has by now, writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Session, aliased
from sqlmodel import col
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.database.columns import now
from auth_api.database.database import Database, core_of
from auth_api.database.tables.jobs import UNFINISHED, Job, JobItem
from auth_api.observability.metrics import Metrics

LEASE_SECONDS = 15.0
"""How long a process may be silent before its jobs are taken from it."""

MOST_ATTEMPTS = 5
"""So often is a job taken up that gets no further, before it is given up: it may be what ends
the processes that work at it."""

_ITEMS = core_of(JobItem)
_INSERT_ITEMS = insert(_ITEMS)
_ANSWER = (
    update(_ITEMS)
    .where(
        _ITEMS.c.job_id == bindparam("job"),
        _ITEMS.c.position == bindparam("place"),
        _ITEMS.c.answer.is_(None),
    )
    .values(answer=bindparam("found"))
)


class LeaseLost(Exception):
    """The job is not, or no longer, this process's."""


class Pending(NamedTuple):
    """An item without an answer: where it is in the job's file, in bytes."""

    position: int
    start: int
    length: int


class Answered(NamedTuple):
    """The answer to an item, with its `success`."""

    position: int
    answer: dict[str, Any]


class JobQueue:
    """The jobs, for one process that works at some of them."""

    def __init__(self, database: Database, holder: str, metrics: Metrics | None = None) -> None:
        """`holder` is a name that no other process has; without `metrics` nobody asks for them."""
        self._database = database
        self._holder = holder
        self._metrics = metrics or Metrics()

    async def take(self, kinds: Sequence[str], but_of: Collection[int]) -> Job | None:
        """Takes up a job of one of the `kinds`, if there is one, not of the users `but_of`: of
        those of whose jobs of these kinds the fewest are running, the oldest.

        Raises Unavailable.
        """

        def work(transaction: Session) -> Job | None:
            moment = now()
            job: Job | None = transaction.scalar(_next(kinds, but_of, moment))
            if job is None:
                return None
            if job.cancelling:  # its holder did not live to do so
                _end(job, "cancelled", None)
                return job
            job.attempts += 1
            if job.attempts > MOST_ATTEMPTS:
                error = f"It was interrupted {MOST_ATTEMPTS} times without getting any further."
                _end(job, "failed", error)
                return job
            job.state = "running"
            job.started_at = job.started_at or moment
            job.holder, job.held_until = self._holder, moment + timedelta(seconds=LEASE_SECONDS)
            return job

        job = await self._database.write(work)
        if job is None or job.state == "running":
            return job
        note_end(self._metrics, job)
        return None

    async def hold(self, jobs: Collection[int]) -> dict[int, bool]:
        """Says that this process is still there; answers which of the `jobs` it still has, and
        whether their owners want them cancelled. Raises Unavailable.
        """
        still = (
            update(Job)
            .where(col(Job.id).in_(jobs), col(Job.holder) == self._holder)
            .values(held_until=now() + timedelta(seconds=LEASE_SECONDS))
            .returning(col(Job.id), col(Job.cancelling))
        )
        rows = await self._database.write(lambda transaction: transaction.execute(still).all())
        return {row.id: row.cancelling for row in rows}

    async def is_over(self, job: int) -> bool:
        """Whether nobody is to go on with a job of this process: its owner wants it cancelled, or
        is no more. Raises Unavailable.
        """
        held = await self.hold([job])
        return held[job] if job in held else not await self.is_unfinished(job)

    async def is_unfinished(self, job: int) -> bool:
        """Whether a job is still to be done, by whomever: it has not ended, nor gone with its
        owner's account. Raises Unavailable.
        """
        found = await self._database.read(lambda session: session.get(Job, job))
        return found is not None and found.state in UNFINISHED

    async def pending(self, job: int) -> list[Pending]:
        """The items without an answer, in order. Raises Unavailable."""
        query = (
            select(col(JobItem.position), col(JobItem.start), col(JobItem.length))
            .where(col(JobItem.job_id) == job, col(JobItem.answer).is_(None))
            .order_by(col(JobItem.position))
        )
        rows = await self._database.read(lambda session: session.execute(query).all())
        return [Pending(*row) for row in rows]

    async def record(self, job: int, answers: Sequence[Answered]) -> None:
        """Keeps answers, each only if there is none yet. Raises LeaseLost or Unavailable."""

        def work(transaction: Session) -> None:
            held = self._held(transaction, job)
            rows = [{"job": job, "place": each.position, "found": each.answer} for each in answers]
            transaction.connection().execute(_ANSWER, rows)
            held.succeeded += sum(each.answer["success"] for each in answers)
            held.failed += sum(not each.answer["success"] for each in answers)
            held.progress = (held.succeeded + held.failed) / max(1, held.total)
            held.attempts = 0

        await self._database.write(work)

    async def report(
        self, job: int, progress: float, outcome: dict[str, Any] | None = None
    ) -> None:
        """Keeps how far a job without items is, 0-1, and what has come of it so far.

        A job that was interrupted may have to repeat a little: only what goes beyond that is
        progress. Raises LeaseLost or Unavailable.
        """

        def work(transaction: Session) -> None:
            held = self._held(transaction, job)
            if progress > held.progress:
                held.progress = progress
                held.attempts = 0
            if outcome is not None:
                held.outcome = outcome

        await self._database.write(work)

    async def end(
        self,
        job: int,
        state: str,
        error: str | None = None,
        outcome: dict[str, Any] | None = None,
    ) -> None:
        """Finishes a job; without an `outcome`, what was reported of it stays.

        Raises LeaseLost or Unavailable.
        """

        def work(transaction: Session) -> Job:
            held = self._held(transaction, job)
            if outcome is not None:
                held.outcome = outcome
            _end(held, state, error)
            return held

        note_end(self._metrics, await self._database.write(work))

    async def give_back(self, job: int) -> None:
        """Gives a job back that was interrupted, for whoever comes first; the attempt counts.

        Raises LeaseLost or Unavailable.
        """

        def work(transaction: Session) -> None:
            held = self._held(transaction, job)
            held.state, held.holder, held.held_until = "queued", None, None

        await self._database.write(work)

    async def let_go(self) -> None:
        """Gives all jobs of this process back, for whoever comes first. Raises Unavailable."""
        mine, attempts = col(Job.holder) == self._holder, col(Job.attempts) - 1
        await self._database.write(lambda transaction: _requeue(transaction, mine, attempts))

    async def take_all_back(self, kinds: Sequence[str]) -> None:
        """Gives all jobs of the `kinds` back, whoever had them: for a process that is alone and
        has just started. Raises Unavailable.
        """
        theirs, attempts = col(Job.kind).in_(kinds), col(Job.attempts)
        await self._database.write(lambda transaction: _requeue(transaction, theirs, attempts))

    def _held(self, transaction: Session, job: int) -> Job:
        """A job of this process, locked."""
        held = transaction.get(Job, job, with_for_update=True)
        if held is None or held.holder != self._holder:
            raise LeaseLost
        return held


def add(
    transaction: Session,
    job: Job,
    items: Sequence[JobItem],
    by: int | None,
    request: Request | None,
) -> None:
    """Queues a job with its items, which have no `job_id` yet; `by` is the user who asks, None
    for somebody with access to the machine.
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
    recording.record(transaction, "job_created", by, request, **details)


def cancel(job: Job) -> None:
    """Cancels an unfinished job, or has its holder do so if it has one that lives."""
    if job.held_until is not None and job.held_until > now():
        job.cancelling = True
    else:
        _end(job, "cancelled", None)


def note_end(metrics: Metrics, job: Job) -> None:
    """Counts a job that has ended just now."""
    metrics.jobs_ended.labels(job.kind, job.state).inc()
    if job.started_at is not None and job.finished_at is not None:
        seconds = (job.finished_at - job.started_at).total_seconds()
        metrics.job_seconds.labels(job.kind).observe(seconds)


def _next(kinds: Sequence[str], but_of: Collection[int], moment: datetime) -> Any:
    other = aliased(Job)
    running = (
        select(func.count())
        .where(col(other.user_id) == col(Job.user_id), col(other.state) == "running")
        .where(col(other.held_until) > moment, col(other.kind).in_(kinds))
        .scalar_subquery()
    )
    silent = and_(col(Job.state) == "running", col(Job.held_until) <= moment)
    return (
        select(Job)
        .where(or_(col(Job.state) == "queued", silent), col(Job.kind).in_(kinds))
        .where(col(Job.user_id).not_in(but_of))
        .order_by(running, col(Job.id))
        .limit(1)
        .with_for_update(skip_locked=True, of=Job)
    )


def _end(job: Job, state: str, error: str | None) -> None:
    if state == "succeeded":
        job.progress = 1
    job.state, job.error, job.finished_at = state, error, now()
    job.holder = job.held_until = None


def _requeue(transaction: Session, which: Any, attempts: Any) -> None:
    waiting = {"state": "queued", "holder": None, "held_until": None, "attempts": attempts}
    transaction.execute(update(Job).where(col(Job.state) == "running", which).values(waiting))
