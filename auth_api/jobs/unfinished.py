"""Metrics of the jobs that wait or run. The database counts them for all processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, get_args

from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily
from sqlalchemy import func, select
from sqlmodel import col

from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.jobs import UNFINISHED, Job, Kind
from auth_api.errors import Unavailable

_CACHE_SECONDS = 5.0
# A scrape waits no longer for the database.
_TIMEOUT_SECONDS = 2.0

_QUERY = (
    select(
        col(Job.kind),
        col(Job.state),
        func.count().label("jobs"),
        func.min(col(Job.created_at)).label("oldest"),
    )
    .where(col(Job.state).in_(UNFINISHED))
    .group_by(col(Job.kind), col(Job.state))
)


class _Group(NamedTuple):
    kind: str
    state: str
    jobs: int
    oldest: datetime
    """When the first of these jobs was queued."""


class UnfinishedJobs:
    """Counts the jobs that have not ended."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = asyncio.Lock()
        self._counted_at = -_CACHE_SECONDS
        self._groups: list[_Group] | None = None

    async def metrics(self) -> list[Metric]:
        """Metrics of all kinds of jobs, or only `database_up` if the database does not answer."""
        async with self._lock:
            if time.monotonic() - self._counted_at >= _CACHE_SECONDS:
                self._groups = await self._count()
                self._counted_at = time.monotonic()
        answers = float(self._groups is not None)
        up = GaugeMetricFamily("database_up", "Whether the database answers: 1 or 0.", answers)
        return [up, *_families(self._groups)] if self._groups is not None else [up]

    async def _count(self) -> list[_Group] | None:
        counting = self._database.read(
            lambda session: [_Group(*row) for row in session.execute(_QUERY).tuples()]
        )
        try:
            return await asyncio.wait_for(counting, _TIMEOUT_SECONDS)
        except (Unavailable, asyncio.TimeoutError):
            return None


def _families(groups: list[_Group]) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("jobs", "Jobs that have not ended.", labels=("kind", "state"))
    oldest = GaugeMetricFamily(
        "jobs_oldest_queued_seconds", "How long the oldest queued job waits.", labels=("kind",)
    )
    counts = {(group.kind, group.state): group.jobs for group in groups}
    since = {group.kind: group.oldest for group in groups if group.state == "queued"}
    moment = now()
    for kind in get_args(Kind):
        for state in UNFINISHED:
            jobs.add_metric((kind, state), counts.get((kind, state), 0))
        oldest.add_metric((kind,), (moment - since.get(kind, moment)).total_seconds())
    yield from (jobs, oldest)
