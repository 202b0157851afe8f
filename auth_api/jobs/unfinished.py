"""Metrics of the jobs that wait or run. The database counts them for all processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import get_args

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
    select(col(Job.kind), col(Job.state), func.count(), func.min(col(Job.created_at)))
    .where(col(Job.state).in_(UNFINISHED))
    .group_by(col(Job.kind), col(Job.state))
)


_Group = tuple[str, str, int, datetime]
"""Kind, state, number of jobs, and when the oldest of them was queued."""


class UnfinishedJobs:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = asyncio.Lock()
        self._counted_at = -_CACHE_SECONDS
        self._groups: Sequence[_Group] | None = None

    async def metrics(self) -> list[Metric]:
        """Metrics of all kinds of jobs, or only `database_up` if the database does not answer."""
        async with self._lock:
            if time.monotonic() - self._counted_at >= _CACHE_SECONDS:
                self._groups = await self._count()
                self._counted_at = time.monotonic()
        answers = float(self._groups is not None)
        up = GaugeMetricFamily("database_up", "Whether the database answers: 1 or 0.", answers)
        return [up, *_families(self._groups)] if self._groups is not None else [up]

    async def _count(self) -> Sequence[_Group] | None:
        counting = self._database.read(lambda session: session.execute(_QUERY).tuples().all())
        try:
            return await asyncio.wait_for(counting, _TIMEOUT_SECONDS)
        except (TimeoutError, Unavailable):
            return None


def _families(groups: Sequence[_Group]) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("jobs", "Jobs that have not ended.", labels=("kind", "state"))
    oldest = GaugeMetricFamily(
        "jobs_oldest_queued_seconds", "How long the oldest queued job waits.", labels=("kind",)
    )
    counts = {(kind, state): number for kind, state, number, _ in groups}
    since = {kind: oldest for kind, state, _, oldest in groups if state == "queued"}
    moment = now()
    for kind in get_args(Kind):
        for state in UNFINISHED:
            jobs.add_metric((kind, state), counts.get((kind, state), 0))
        oldest.add_metric((kind,), (moment - since.get(kind, moment)).total_seconds())
    yield from (jobs, oldest)
