"""Counts requests to models, so that analytics need not read the history.

Counts are collected in memory and written about once a second, so a request costs a few
microseconds and many requests share one write. A process that is killed loses about a second of
counts; a process that is stopped loses none. While the database is unreachable, counts stay in
memory, up to a limit.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import SQLModel, col

from auth_api.database.database import Database, core_of
from auth_api.database.tables.accounts import User
from auth_api.database.tables.usage import UsageDay, UsageHour
from auth_api.errors import Refused, Unavailable
from auth_api.torchserve.wire_format import comparisons

logger = logging.getLogger(__name__)

BUCKETS = (
    *(0.001, 0.0015, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1),
    *(0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, math.inf),
)
"""Upper bounds of the latency histogram, in seconds."""

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The `hour` of all-time counts."""

# The version of unanswered requests that named no version, or one of too many.
_DEFAULT_VERSION = "default"
_INTERVAL_SECONDS = 1.0
# Rows per transaction.
_BATCH_SIZE = 1_000
# Counts in memory, a few hundred bytes each. Beyond this, only existing counts grow.
_MAX_COUNTS = 100_000
# Versions of a model that are counted by name although they never answered. Callers can request
# any version, so this limits the rows that they can create.
_MAX_UNKNOWN_VERSIONS = 20

Measure = Literal["class", "seconds", "refused", "failed", "fell_back", "same"]
"""As described in `UsageHour`."""

Span = Literal["hour", "day", "ever"]


def measure_of(measure: Measure, span: Span) -> str:
    """The `measure` column of `UsageHour` for counts of an hour, a whole day or all time."""
    return measure if span == "hour" else f"{span} {measure}"


_Key = tuple[Any, ...]
_Sums = tuple[int, float, float]
"""The values of `_SUMS`."""

_SUMS = ("count", "total", "squares")
_HOUR_KEY = ("hour", "model", "version", "measure", "label")
_DAY_KEY = ("user_id", "day", "model", "version", "label")


class UsageCounters:
    """The counts of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # By primary key, with hours or days since 1970 for times.
        self._hours: dict[_Key, _Sums] = {}
        self._days: dict[_Key, _Sums] = {}
        self._versions: defaultdict[str, set[str]] = defaultdict(set)
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts writing counts to the database regularly."""
        self._task = asyncio.create_task(self._write_regularly())

    async def finish(self) -> None:
        """Stops, and writes the remaining counts if the database is reachable."""
        self._stopping.set()
        if self._task:
            await asyncio.wait({self._task})
        await self._flush()

    async def track(
        self,
        answering: Awaitable[dict[str, Any]],
        model: str,
        version: str | None,
        user_id: int | None,
    ) -> dict[str, Any]:
        """Awaits and returns the answer of a model. Counts it with its latency, or as refused or
        failed.

        `version` is the requested one. Raises what `answering` raises.
        """
        began = time.perf_counter()
        try:
            answer = await answering
        except Refused:
            self.count("refused", model, self._version_label(model, version))
            raise
        except Unavailable:
            self.count("failed", model, self._version_label(model, version))
            raise
        seconds = time.perf_counter() - began
        served = answer["model"]["version"]
        self._versions[model].add(served)
        if "predicted_class" in answer:
            label, score = answer["predicted_class"], answer["confidence"]
            self.count_answer(model, served, user_id, label, score, seconds)
        compared = comparisons(answer)
        for each in compared:
            label, score = each["compared_with_class"], each["similarity_score"]
            if each["is_same_character"]:
                self.count("same", model, served)
            self.count_answer(model, served, user_id, label, score, seconds / len(compared))
        return answer

    def count_answer(
        self,
        model: str,
        version: str,
        user_id: int | None,
        label: int,
        score: float,
        seconds: float,
    ) -> None:
        """Counts an answer.

        `user_id` is None for an anonymous caller. `label` is the class that was predicted or
        compared with, `score` the confidence or the similarity score, 0-100.
        """
        hour = int(time.time() // 3600)
        sums = (1, score, score * score)
        _add_if_room(self._hours, (hour, model, version, "class", label), sums)
        bucket = bisect_left(BUCKETS, seconds)
        latency = (1, seconds, seconds * seconds)
        _add_if_room(self._hours, (hour, model, version, "seconds", bucket), latency)
        if user_id is not None:
            _add_if_room(self._days, (user_id, hour // 24, model, version, label), sums)

    def count(self, measure: Measure, model: str, version: str) -> None:
        """Counts one request of a measure that has no label."""
        hour = int(time.time() // 3600)
        _add_if_room(self._hours, (hour, model, version, measure, 0), (1, 0.0, 0.0))

    def _version_label(self, model: str, version: str | None) -> str:
        """The version that an unanswered request is counted under."""
        known = self._versions[model]
        if version is None or (version not in known and len(known) >= _MAX_UNKNOWN_VERSIONS):
            return _DEFAULT_VERSION
        known.add(version)
        return version

    async def _write_regularly(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _INTERVAL_SECONDS)
            await self._flush()

    async def _flush(self) -> None:
        """Writes the present counts in batches. Keeps those that cannot be written.

        Counts that arrive meanwhile wait for the next flush, because this one might otherwise never
        end.
        """
        hours, self._hours = self._hours, {}
        days, self._days = self._days, {}
        while hours or days:
            some_hours, some_days = _take_batch(hours), _take_batch(days)
            try:
                await self._database.write(partial(self._add, hours=some_hours, days=some_days))
            except Unavailable:
                # If the commit failed, it is unknown whether it was applied: these counts may be
                # added twice.
                self._hours = _merged(some_hours, hours, self._hours)
                self._days = _merged(some_days, days, self._days)
                return
            except Exception:  # would fail again next time
                rows = len(some_hours) + len(some_days)
                logger.exception("usage counts are lost", extra={"rows": rows})

    def _add(
        self, transaction: Session, *, hours: Mapping[_Key, _Sums], days: Mapping[_Key, _Sums]
    ) -> None:
        """Adds counts to the rows of the database.

        Always locks rows in the same order, so that two processes cannot deadlock. Locks users
        first, so that none is deleted meanwhile.
        """
        users = sorted({key[0] for key in days})
        existing = set(
            transaction.scalars(
                select(col(User.id))
                .where(col(User.id).in_(users))
                .order_by(col(User.id))
                .with_for_update(read=True, key_share=True)
            )
            if users
            else ()
        )
        of_existing = {key: sums for key, sums in days.items() if key[0] in existing}
        self._upsert(transaction, UsageHour, _HOUR_KEY, _with_totals(hours))
        self._upsert(transaction, UsageDay, _DAY_KEY, of_existing)

    def _upsert(
        self,
        transaction: Session,
        table: type[SQLModel],
        names: Sequence[str],
        counts: Mapping[_Key, _Sums],
    ) -> None:
        if not counts:
            return
        stored, insertion = core_of(table).c, self._database.insert(table)
        added = {name: stored[name] + insertion.excluded[name] for name in _SUMS}
        statement = insertion.on_conflict_do_update(index_elements=list(names), set_=added)
        transaction.execute(statement, [_row(names, *item) for item in sorted(counts.items())])


def _add(counts: dict[_Key, _Sums], key: _Key, sums: _Sums) -> None:
    count, total, squares = counts.get(key, (0, 0.0, 0.0))
    counts[key] = (count + sums[0], total + sums[1], squares + sums[2])


def _add_if_room(counts: dict[_Key, _Sums], key: _Key, sums: _Sums) -> None:
    if len(counts) < _MAX_COUNTS or key in counts:
        _add(counts, key, sums)


def _merged(*parts: Mapping[_Key, _Sums]) -> dict[_Key, _Sums]:
    """The sums of several counts. If there is no room for all, the first ones win."""
    merged: dict[_Key, _Sums] = {}
    for part in parts:
        for key, sums in part.items():
            _add_if_room(merged, key, sums)
    return merged


def _take_batch(counts: dict[_Key, _Sums]) -> dict[_Key, _Sums]:
    return {key: counts.pop(key) for key in list(islice(counts, _BATCH_SIZE))}


def _with_totals(hours: Mapping[_Key, _Sums]) -> dict[_Key, _Sums]:
    """Counts of hours, with what they add to the day and to all time.

    Queries of long periods read these totals instead of every hour.
    """
    summed = dict(hours)
    for (hour, model, version, measure, label), sums in hours.items():
        of_day = measure_of(measure, "day")
        _add(summed, (hour - hour % 24, model, version, of_day, label), sums)
        _add(summed, (0, model, version, measure_of(measure, "ever"), label), sums)
    return summed


def _row(names: Sequence[str], key: _Key, sums: _Sums) -> dict[str, Any]:
    row = dict(zip((*names, *_SUMS), (*key, *sums), strict=True))
    unit = "hour" if "hour" in row else "day"
    return {**row, unit: EVER + timedelta(**{f"{unit}s": row[unit]})}
