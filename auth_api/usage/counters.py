"""Counts what is asked, as it is answered, so that analytics need not look at the history.

Counts are gathered in memory and written about every second, so that a request costs a few
microseconds and a write is shared by all that came in between. A process that is killed loses at
most about a second of counts; one that is stopped loses none. While the database is unreachable
they are kept, as far as there is room for them, and written when it is back.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import SQLModel, col

from auth_api.database.database import Database, core_of
from auth_api.database.tables.accounts import User
from auth_api.database.tables.usage import UsageDay, UsageHour
from auth_api.errors import Refused, Unavailable

logger = logging.getLogger(__name__)

BUCKETS = (
    *(0.001, 0.0015, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1),
    *(0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, math.inf),
)
"""Upper bounds of what is counted together of the times that answers took, in seconds."""

EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)
"""The `hour` of counts of all time."""

DEFAULT = "default"
"""What a version is called that a request did not name and that did not say which it was; and those
that many have named and that never answered."""

# Seconds between writes.
_EVERY = 1.0
# Rows of a transaction; and counts in memory, beyond which only those that are there already
# count on: a few hundred bytes each.
_AT_A_TIME = 1_000
_MOST = 100_000
# Versions of a model that are counted by name without having answered: anybody may ask for any.
_UNPROVEN = 20

Measure = Literal["class", "seconds", "refused", "failed", "fell_back", "same"]
Span = Literal["hour", "day", "ever"]


def measure_of(measure: Measure, span: Span) -> str:
    """What a measure of an hour, a whole day or all time is called in `UsageHour`."""
    return measure if span == "hour" else f"{span} {measure}"


_Key = tuple[Any, ...]
_Sums = tuple[int, float, float]
"""`count`, `total` and `squares`."""

_HOUR = ("hour", "model", "version", "measure", "label")
_DAY = ("user_id", "day", "model", "version", "label")


class Usage:
    """The counts of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # By the columns of a row's primary key, times as hours or days since 1970.
        self._hours: dict[_Key, _Sums] = {}
        self._days: dict[_Key, _Sums] = {}
        self._versions: defaultdict[str, set[str]] = defaultdict(set)
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to write what is counted."""
        self._task = asyncio.create_task(self._write_regularly())

    async def finish(self) -> None:
        """Writes what is left, if the database can be reached."""
        self._stopping.set()
        if self._task:
            await asyncio.wait({self._task})
        await self._flush()

    async def counted(
        self,
        answering: Awaitable[dict[str, Any]],
        model: str,
        version: str | None,
        user_id: int | None,
    ) -> dict[str, Any]:
        """The answer of a model, counted with the time that it took, or as refused or failed.

        `version` is the one that was asked for. Raises what `answering` raises.
        """
        began = time.perf_counter()
        try:
            answer = await answering
        except Refused:
            self.refused(model, self._plausible(model, version))
            raise
        except Unavailable:
            self.failed(model, self._plausible(model, version))
            raise
        seconds = time.perf_counter() - began
        served = answer["model"]["version"]
        self._versions[model].add(served)
        if "similarity_score" in answer:
            label, score = answer["compared_with_class"], answer["similarity_score"]
            if answer["is_same_character"]:
                self.same(model, served)
        else:
            label, score = answer["predicted_class"], answer["confidence"]
        self.answered(model, served, user_id, label, score, seconds)
        return answer

    def answered(
        self,
        model: str,
        version: str,
        user_id: int | None,
        label: int,
        score: float,
        seconds: float,
    ) -> None:
        """Counts an answer: `label` is the predicted class or the one compared with, `score` the
        confidence or the similarity score, 0-100; `user_id` None for an anonymous caller.
        """
        hour = int(time.time() // 3600)
        sums = (1, score, score * score)
        _add_if_room(self._hours, (hour, model, version, "class", label), sums)
        bucket = bisect_left(BUCKETS, seconds)
        took = (1, seconds, seconds * seconds)
        _add_if_room(self._hours, (hour, model, version, "seconds", bucket), took)
        if user_id is not None:
            _add_if_room(self._days, (user_id, hour // 24, model, version, label), sums)

    def refused(self, model: str, version: str) -> None:
        """Counts an image that could not be read."""
        self._count("refused", model, version)

    def failed(self, model: str, version: str) -> None:
        """Counts a request that a version did not answer."""
        self._count("failed", model, version)

    def fell_back(self, model: str, version: str) -> None:
        """Counts one of these that the default version answered instead."""
        self._count("fell_back", model, version)

    def same(self, model: str, version: str) -> None:
        """Counts a comparison that was called the same character."""
        self._count("same", model, version)

    def _plausible(self, model: str, version: str | None) -> str:
        """What a version is counted as that did not answer."""
        known = self._versions[model]
        if version is None or (version not in known and len(known) >= _UNPROVEN):
            return DEFAULT
        known.add(version)
        return version

    def _count(self, measure: Measure, model: str, version: str) -> None:
        _add_if_room(
            self._hours, (int(time.time() // 3600), model, version, measure, 0), (1, 0.0, 0.0)
        )

    async def _write_regularly(self) -> None:
        while not self._stopping.is_set():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _EVERY)
            await self._flush()

    async def _flush(self) -> None:
        """Writes what is counted by now, in parts; what cannot be written is kept for the next
        time. What is counted meanwhile waits for that too, else write would follow upon write.
        """
        hours, self._hours = self._hours, {}
        days, self._days = self._days, {}
        while hours or days:
            some_hours, some_days = _taken(hours), _taken(days)
            try:
                await self._database.write(self._adding(some_hours, some_days))
            except Unavailable:
                # Should its commit have failed, nobody knows whether it took place: these may
                # then be counted twice.
                self._hours = _merged(some_hours, hours, self._hours)
                self._days = _merged(some_days, days, self._days)
                return
            except Exception:  # would be as wrong the next time
                rows = len(some_hours) + len(some_days)
                logger.exception("counts of use are lost", extra={"rows": rows})

    def _adding(
        self, hours: Mapping[_Key, _Sums], days: Mapping[_Key, _Sums]
    ) -> Callable[[Session], None]:
        """A transaction that adds counts to what there is.

        Rows are locked in one order, always, so that two processes wait for each other and not
        crosswise; users first, so that none of theirs is deleted meanwhile.
        """

        def work(transaction: Session) -> None:
            users = sorted({key[0] for key in days})
            living = set(
                transaction.scalars(
                    select(col(User.id))
                    .where(col(User.id).in_(users))
                    .order_by(col(User.id))
                    .with_for_update(read=True, key_share=True)
                )
                if users
                else ()
            )
            of_living = {key: sums for key, sums in days.items() if key[0] in living}
            self._upsert(transaction, UsageHour, _HOUR, _with_longer_spans(hours))
            self._upsert(transaction, UsageDay, _DAY, of_living)

        return work

    def _upsert(
        self,
        transaction: Session,
        table: type[SQLModel],
        names: Sequence[str],
        counts: Mapping[_Key, _Sums],
    ) -> None:
        if not counts:
            return
        there, insertion = core_of(table).c, self._database.insert(table)
        added = {
            name: there[name] + insertion.excluded[name] for name in ("count", "total", "squares")
        }
        statement = insertion.on_conflict_do_update(index_elements=list(names), set_=added)
        transaction.execute(statement, [_row(names, *item) for item in sorted(counts.items())])


def _add(counts: dict[_Key, _Sums], key: _Key, sums: _Sums) -> None:
    there = counts.get(key)
    if there is not None:
        counts[key] = (there[0] + sums[0], there[1] + sums[1], there[2] + sums[2])
    else:
        counts[key] = sums


def _add_if_room(counts: dict[_Key, _Sums], key: _Key, sums: _Sums) -> None:
    if len(counts) < _MOST or key in counts:
        _add(counts, key, sums)


def _merged(*parts: Mapping[_Key, _Sums]) -> dict[_Key, _Sums]:
    """The sums of several, as far as there is room: for the first ones first."""
    merged: dict[_Key, _Sums] = {}
    for part in parts:
        for key, sums in part.items():
            _add_if_room(merged, key, sums)
    return merged


def _taken(counts: dict[_Key, _Sums]) -> dict[_Key, _Sums]:
    """Takes some counts out."""
    return {key: counts.pop(key) for key in list(islice(counts, _AT_A_TIME))}


def _with_longer_spans(hours: Mapping[_Key, _Sums]) -> dict[_Key, _Sums]:
    """The same, and what it adds to counts of whole days and of all time, so that long times are
    looked up and not added up of their hours.
    """
    summed = dict(hours)
    for (hour, model, version, measure, label), sums in hours.items():
        of_day = measure_of(measure, "day")
        _add(summed, (hour - hour % 24, model, version, of_day, label), sums)
        _add(summed, (0, model, version, measure_of(measure, "ever"), label), sums)
    return summed


def _row(names: Sequence[str], key: _Key, sums: _Sums) -> dict[str, Any]:
    row = {**dict(zip(names, key, strict=True)), "count": sums[0]}
    if "hour" in row:
        row["hour"] = EVER + timedelta(hours=row["hour"])
    else:
        row["day"] = EVER + timedelta(days=row["day"])
    return {**row, "total": sums[1], "squares": sums[2]}
