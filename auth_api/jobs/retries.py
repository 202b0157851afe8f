"""Retries: a job whose process stops or crashes is claimed again, until it runs out of attempts.

The process that claims a job gets a lease on it, and renews the lease while it works. When the
lease has expired, any process may claim the job. `JobQueue` calls these functions in its
transactions.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, update
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api.database.columns import now
from auth_api.database.tables.jobs import Job

LEASE_SECONDS = 15.0
"""A process that does not renew a lease within this time loses the job."""

MAX_ATTEMPTS = 5
"""Attempts without progress before a job fails. A job that crashes its process would otherwise be
retried for ever."""


class LeaseLost(Exception):
    """The process does not hold the lease of the job, or holds it no longer."""


def claimable(moment: datetime) -> Any:
    """SQL condition: the job is queued, or its lease has expired."""
    expired = and_(col(Job.state) == "running", col(Job.held_until) <= moment)
    return or_(col(Job.state) == "queued", expired)


def lease_end() -> datetime:
    """When a lease expires that is granted now."""
    return now() + timedelta(seconds=LEASE_SECONDS)


def start_attempt(job: Job, holder: str) -> str | None:
    """Leases the job to the process `holder`. Returns an error instead, a sentence for the job's
    owner, if no attempt is left.
    """
    job.attempts += 1
    if job.attempts > MAX_ATTEMPTS:
        return f"It was interrupted {MAX_ATTEMPTS} times without getting any further."
    job.state, job.holder, job.held_until = "running", holder, lease_end()
    job.started_at = job.started_at or now()
    return None


def require_lease(transaction: Session, job_id: int, holder: str) -> Job:
    """Locks and returns a job. Raises `LeaseLost` unless `holder` has its lease."""
    job = transaction.get(Job, job_id, with_for_update=True)
    if job is None or job.holder != holder:
        raise LeaseLost
    return job


def requeue(transaction: Session, which: Any, *, count_attempt: bool = True) -> None:
    """Ends the leases of the running jobs that match `which`: any process may claim them at once.
    `count_attempt=False` takes back the attempt that `start_attempt` counted.
    """
    attempts = col(Job.attempts) - (0 if count_attempt else 1)
    queued = {"state": "queued", "holder": None, "held_until": None, "attempts": attempts}
    transaction.execute(update(Job).where(col(Job.state) == "running", which).values(queued))
