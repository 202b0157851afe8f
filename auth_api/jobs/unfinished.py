"""How many jobs wait and are worked at, which the database knows for all processes."""

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

# Seconds: who asks again within the first gets what was found; no answer waits longer for the
# database than the second.
_KEPT = 5.0
_PATIENCE = 2.0

_UNFINISHED = (
    select(
        col(Job.kind),
        col(Job.state),
        func.count().label("jobs"),
        func.min(col(Job.created_at)).label("oldest"),
    )
    .where(col(Job.state).in_(UNFINISHED))
    .group_by(col(Job.kind), col(Job.state))
)


class _Unfinished(NamedTuple):
    kind: str
    state: str
    jobs: int
    oldest: datetime
    """When the first of these was handed in."""


class UnfinishedJobs:
    """The jobs that have not ended."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asking = asyncio.Lock()
        self._asked = -_KEPT
        self._found: list[_Unfinished] | None = None

    async def metrics(self) -> list[Metric]:
        """Of all kinds of jobs, and whether the database answers, without which there are none."""
        async with self._asking:
            if time.monotonic() - self._asked >= _KEPT:
                self._found = await self._look()
                self._asked = time.monotonic()
        answers = float(self._found is not None)
        up = GaugeMetricFamily("database_up", "Whether the database answers: 1 or 0.", answers)
        return [up, *_families(self._found)] if self._found is not None else [up]

    async def _look(self) -> list[_Unfinished] | None:
        looking = self._database.read(
            lambda session: [_Unfinished(*row) for row in session.execute(_UNFINISHED).tuples()]
        )
        try:
            return await asyncio.wait_for(looking, _PATIENCE)
        except (Unavailable, asyncio.TimeoutError):
            return None


def _families(found: list[_Unfinished]) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("jobs", "Jobs that have not ended.", labels=("kind", "state"))
    oldest = GaugeMetricFamily(
        "jobs_oldest_queued_seconds",
        "How long the first that waits has done so.",
        labels=("kind",),
    )
    counts = {(each.kind, each.state): each.jobs for each in found}
    since = {each.kind: each.oldest for each in found if each.state == "queued"}
    moment = now()
    for kind in get_args(Kind):
        for state in UNFINISHED:
            jobs.add_metric((kind, state), counts.get((kind, state), 0))
        oldest.add_metric((kind,), (moment - since.get(kind, moment)).total_seconds())
    yield from (jobs, oldest)
