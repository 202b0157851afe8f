"""Reads the usage of a period from counts.

A query reads one row of counts for each day (or hour), version and class, and looks up one
prediction for each feedback of that period. No statement scans the history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import case, func, select, true
from sqlalchemy.orm import Session
from sqlmodel import SQLModel, col

from auth_api.database.database import Database, core_of
from auth_api.database.tables.accounts import User
from auth_api.database.tables.history import Feedback, Prediction
from auth_api.database.tables.usage import UsageDay, UsageHour
from auth_api.usage.counters import Measure, Span, measure_of
from auth_api.usage.estimates import Sums

_VERSION_KEYS = ("model", "version", "measure", "label")
# The measures of `Volume`.
_VOLUME: Mapping[str, Measure] = {
    "answers": "class",
    "refused": "refused",
    "failed": "failed",
    "fell_back": "fell_back",
}


class Steps(NamedTuple):
    """Consecutive hours or days up to now, in UTC: the first one and their number."""

    span: Literal["hour", "day"]
    since: datetime
    length: int

    def starts(self) -> list[datetime]:
        """The beginning of each hour or day."""
        step = timedelta(**{f"{self.span}s": 1})
        return [self.since + step * number for number in range(self.length)]


def latest(span: Literal["hour", "day"], count: int, moment: datetime) -> Steps:
    """The `count` hours or days up to the one that contains `moment`."""
    newest = moment.replace(minute=0, second=0, microsecond=0)
    newest = newest if span == "hour" else newest.replace(hour=0)
    return Steps(span, newest - timedelta(**{f"{span}s": count - 1}), count)


class Counted(NamedTuple):
    """The counts of a version for one measure and label of `UsageHour`."""

    model: str
    version: str
    measure: str
    label: int
    sums: Sums


class StepCounts(NamedTuple):
    """The counts of a model for one measure in one hour or day."""

    start: datetime
    model: str
    measure: str
    sums: Sums


class DayCounts(NamedTuple):
    """A user's answers of a model on one day."""

    day: datetime
    model: str
    sums: Sums


class Judged(NamedTuple):
    """Feedback on predictions of one class by one version."""

    model: str
    version: str
    label: int
    given: int
    wrong: int


@dataclass(frozen=True)
class SystemUse:
    """Requests of all callers."""

    counted: list[Counted]
    buckets: list[StepCounts]
    judged: list[Judged]
    active_users: int


@dataclass(frozen=True)
class OwnUse:
    """Requests of one user."""

    counted: list[Counted]
    days: list[DayCounts]
    judged: list[Judged]


def sum_of(rows: Sequence[Counted] | Sequence[StepCounts], measure: str) -> Sums:
    """The sums of one measure."""
    return sum((row.sums for row in rows if row.measure == measure), Sums())


def latencies(rows: Sequence[Counted]) -> Counter[int]:
    """Number of answers by bucket of the latency histogram."""
    buckets: Counter[int] = Counter()
    for row in rows:
        if row.measure == "seconds":
            buckets[row.label] += row.sums.count
    return buckets


async def usage_of_all(database: Database, steps: Steps, model: str | None) -> SystemUse:
    """Reads the usage of all callers. `model` None means all models. Raises `Unavailable`."""
    conditions = _conditions(steps, model)

    def read(session: Session) -> SystemUse:
        of_versions = _summed(session, UsageHour, _VERSION_KEYS, conditions)
        of_steps = _summed(session, UsageHour, ("hour", "model", "measure"), conditions)
        judged = _judged(session, database, steps.since, None)
        return SystemUse(
            [
                Counted(name, version, _without_span(measure), label, sums)
                for name, version, measure, label, sums in of_versions
            ],
            [
                StepCounts(start, name, _without_span(measure), sums)
                for start, name, measure, sums in of_steps
            ],
            [row for row in judged if model in (None, row.model)],
            _active_users(session, steps.since),
        )

    return await database.read(read)


async def usage_of(database: Database, user_id: int, since: datetime) -> OwnUse:
    """Reads the usage of a user. `since` is the beginning of a day in UTC. Raises `Unavailable`."""
    own = (col(UsageDay.user_id) == user_id, col(UsageDay.day) >= since)

    def read(session: Session) -> OwnUse:
        of_versions = _summed(session, UsageDay, ("model", "version", "label"), own)
        return OwnUse(
            [Counted(model, version, "class", *rest) for model, version, *rest in of_versions],
            [DayCounts(*row) for row in _summed(session, UsageDay, ("day", "model"), own)],
            _judged(session, database, since, user_id),
        )

    return await database.read(read)


def volume(session: Session, start: datetime, span: Span) -> dict[str, int]:
    """The totals of one period in the form of `Volume`. `start` is its beginning, or `EVER`."""
    names = {measure_of(measure, span): name for name, measure in _VOLUME.items()}
    of_period = (col(UsageHour.hour) == start, col(UsageHour.measure).in_(names))
    summed = _summed(session, UsageHour, ("measure",), of_period)
    return dict.fromkeys(_VOLUME, 0) | {names[measure]: sums.count for measure, sums in summed}


def _summed(
    session: Session, table: type[SQLModel], keys: tuple[str, ...], conditions: Sequence[Any]
) -> Iterator[tuple[Any, ...]]:
    """Sums the counts with the same keys: yields the values of these columns, and `Sums`."""
    columns = core_of(table).c
    sums = [func.sum(columns[name]) for name in ("count", "total", "squares")]
    query = select(*columns[keys], *sums).where(*conditions).group_by(*columns[keys])
    for *values, count, total, squares in session.execute(query):
        yield (*values, Sums(int(count), total, squares))


def _conditions(steps: Steps, model: str | None) -> list[Any]:
    measures = [measure_of(measure, steps.span) for measure in get_args(Measure)]
    # Counts of days are stored between those of hours. Naming each day avoids reading the hours.
    hour = col(UsageHour.hour)
    when = hour >= steps.since if steps.span == "hour" else hour.in_(steps.starts())
    conditions: list[Any] = [when, col(UsageHour.measure).in_(measures)]
    return conditions if model is None else [*conditions, col(UsageHour.model) == model]


def _without_span(measure: str) -> str:
    return measure.rpartition(" ")[2]


def _judged(
    session: Session, database: Database, since: datetime, user_id: int | None
) -> list[Judged]:
    prediction = select(
        col(Prediction.model), col(Prediction.version), col(Prediction.predicted_class)
    ).where(col(Prediction.id) == col(Feedback.prediction_id))
    # Makes the database look up each prediction by its id. With much feedback PostgreSQL would scan
    # all predictions without the LIMIT. SQLite has no LATERAL and needs none.
    source: Any
    if database.is_sqlite:
        source, seen = Prediction, prediction.selected_columns
        matching = col(Prediction.id) == col(Feedback.prediction_id)
    else:
        source = prediction.correlate(Feedback).limit(1).lateral("seen")
        seen, matching = source.c, true()
    keys = (seen.model, seen.version, seen.predicted_class)
    wrong = func.sum(case((seen.predicted_class != col(Feedback.actual_class), 1), else_=0))
    query = (
        select(*keys, func.count(), wrong)
        .select_from(Feedback)
        .join(source, matching)
        .where(col(Feedback.created_at) >= since)
        .group_by(*keys)
    )
    if user_id is not None:
        query = query.where(col(Feedback.user_id) == user_id)
    return [Judged(*row) for row in session.execute(query)]


def _active_users(session: Session, since: datetime) -> int:
    """Users with an answer since then. Looks up the last day of each user."""
    last = (
        select(func.max(col(UsageDay.day)))
        .where(col(UsageDay.user_id) == col(User.id))
        .correlate(User)
        .scalar_subquery()
    )
    query = select(func.count(col(User.id))).where(last >= since.replace(hour=0))
    return session.scalar(query) or 0
