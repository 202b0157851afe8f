"""Jobs as JSON and CSV, for their owners and administrators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from auth_api.database.tables.jobs import Job, JobItem
from auth_api.http.csv_text import csv_head, csv_line
from auth_api.http.json_response import iso
from auth_api.jobs.user_jobs import UserJobs

_COLUMNS = (
    "file",
    "success",
    "predicted_class",
    "character",
    "name",
    "confidence",
    "others",
    "code",
    "error",
    "also",
)


def state(job: Job) -> dict[str, Any]:
    """As `JobState`: the fields that change while a job runs."""
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "progress": round(job.progress, 4),
        "counts": counts(job),
        "error": job.error,
        "outcome": job.outcome,
    }


def counts(job: Job) -> dict[str, int]:
    """As `Counts`."""
    return {
        "total": job.total,
        "succeeded": job.succeeded,
        "failed": job.failed,
        "pending": job.total - job.succeeded - job.failed,
    }


def entry(job: Job) -> dict[str, Any]:
    """As `JobEntry`."""
    return state(job) | {
        "created_at": iso(job.created_at),
        "started_at": job.started_at and iso(job.started_at),
        "finished_at": job.finished_at and iso(job.finished_at),
        "model": job.parameters.get("model"),
        "cancelling": job.cancelling and job.finished_at is None,
    }


def owned_entry(job: Job) -> dict[str, Any]:
    """As `OwnedJob`."""
    return {**entry(job), "user_id": job.user_id}


def result(item: JobItem) -> dict[str, Any]:
    """As `ImageRead` or `ImageFailed`."""
    return {"file": item.file, **(item.answer or {})}


async def as_csv(jobs: UserJobs, job_id: int) -> AsyncIterator[str]:
    """One line an image. `auth_api.history.exporting` writes the history in the same form."""
    yield csv_head(_COLUMNS)
    async for item in jobs.answered(job_id):
        row = result(item)
        row["also"] = also["class"] if (also := row.get("also")) else None
        yield csv_line([row.get(name) for name in _COLUMNS])
