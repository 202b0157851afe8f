"""What was asked and with what result, over some time, from counts.

An answer costs as many rows of counts as there were days (hours, if asked by the hour) times
versions times classes that came up, however often, and a look-up for each feedback given in that
time. No statement walks the history: a prediction is only ever looked up by its number, for what
its user said of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import case, func, select, true
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.history import Feedback, Prediction
from auth_api.database.tables.usage import UsageDay, UsageHour
from auth_api.usage.counters import Measure, measure_of
from auth_api.usage.estimates import Sums


class Steps(NamedTuple):
    """Some hours or days up to now: the first and how many, UTC."""

    span: Literal["hour", "day"]
    since: datetime
    length: int

    def starts(self) -> list[datetime]:
        """When each of them began."""
        step = timedelta(**{f"{self.span}s": 1})
        return [self.since + step * number for number in range(self.length)]


def latest(span: Literal["hour", "day"], count: int, moment: datetime) -> Steps:
    """So many hours or days, the last of which `moment` is in."""
    newest = moment.replace(minute=0, second=0, microsecond=0)
    newest = newest if span == "hour" else newest.replace(hour=0)
    return Steps(span, newest - timedelta(**{f"{span}s": count - 1}), count)


class Counted(NamedTuple):
    """All of one measure of a version that has one label, see `UsageHour`."""

    model: str
    version: str
    measure: str
    label: int
    sums: Sums


class InBucket(NamedTuple):
    """All of one measure of a model in a day or an hour."""

    start: datetime
    model: str
    measure: str
    sums: Sums


class OnDay(NamedTuple):
    """A user's answers on a day."""

    day: datetime
    model: str
    sums: Sums


class Judged(NamedTuple):
    """Feedback given to predictions of a class by a version."""

    model: str
    version: str
    label: int
    given: int
    wrong: int


@dataclass(frozen=True)
class SystemUse:
    """What everybody asked since a moment."""

    counted: list[Counted]
    buckets: list[InBucket]
    judged: list[Judged]
    active_users: int


@dataclass(frozen=True)
class OwnUse:
    """What one user asked since a day."""

    counted: list[Counted]
    days: list[OnDay]
    judged: list[Judged]


def use_of_all(session: Session, database: Database, steps: Steps, model: str | None) -> SystemUse:
    """What everybody asked in those steps, of one model or of all."""
    judged = _judged(session, database, steps.since, None)
    return SystemUse(
        list(_counted(session, steps, model)),
        list(_buckets(session, steps, model)),
        [row for row in judged if model in (None, row.model)],
        _active_users(session, steps.since),
    )


def use_of(session: Session, database: Database, user_id: int, since: datetime) -> OwnUse:
    """Since the beginning of a day, UTC."""
    mine = (col(UsageDay.user_id) == user_id, col(UsageDay.day) >= since)
    sums = _sums(UsageDay)
    versions = (col(UsageDay.model), col(UsageDay.version), col(UsageDay.label))
    of_versions = select(*versions, *sums).where(*mine).group_by(*versions)
    days = (col(UsageDay.day), col(UsageDay.model))
    on_days = select(*days, *sums).where(*mine).group_by(*days)
    return OwnUse(
        [
            Counted(model, version, "class", label, _added(*added))
            for model, version, label, *added in session.execute(of_versions)
        ],
        [OnDay(day, model, _added(*added)) for day, model, *added in session.execute(on_days)],
        _judged(session, database, since, user_id),
    )


def _counted(session: Session, steps: Steps, model: str | None) -> Iterator[Counted]:
    keys = (UsageHour.model, UsageHour.version, UsageHour.measure, UsageHour.label)
    columns = [col(key) for key in keys]
    query = select(*columns, *_sums(UsageHour)).where(*_asked(steps, model)).group_by(*columns)
    for name, version, measure, label, *added in session.execute(query):
        yield Counted(name, version, _plain(measure), label, _added(*added))


def _buckets(session: Session, steps: Steps, model: str | None) -> Iterator[InBucket]:
    columns = [col(UsageHour.hour), col(UsageHour.model), col(UsageHour.measure)]
    query = select(*columns, *_sums(UsageHour)).where(*_asked(steps, model)).group_by(*columns)
    for start, name, measure, *added in session.execute(query):
        yield InBucket(start, name, _plain(measure), _added(*added))


def _asked(steps: Steps, model: str | None) -> list[Any]:
    measures = [measure_of(measure, steps.span) for measure in get_args(Measure)]
    # Counts of days are among those of hours: each is looked up, and what lies between is not
    # read.
    hour = col(UsageHour.hour)
    when = hour >= steps.since if steps.span == "hour" else hour.in_(steps.starts())
    conditions: list[Any] = [when, col(UsageHour.measure).in_(measures)]
    return conditions if model is None else [*conditions, col(UsageHour.model) == model]


def _plain(measure: str) -> str:
    return measure.rpartition(" ")[2]


def _judged(
    session: Session, database: Database, since: datetime, user_id: int | None
) -> list[Judged]:
    looked_up = select(
        col(Prediction.model), col(Prediction.version), col(Prediction.predicted_class)
    ).where(col(Prediction.id) == col(Feedback.prediction_id))
    # So that each prediction is looked up by its number. PostgreSQL would rather walk them all
    # where there is much feedback, but for the limit; SQLite, which knows no such word, does not.
    source: Any
    if database.is_sqlite:
        source, seen = Prediction, looked_up.selected_columns
        matching = col(Prediction.id) == col(Feedback.prediction_id)
    else:
        source = looked_up.correlate(Feedback).limit(1).lateral("seen")
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
    """Users who got an answer; each one's last day of use is looked up."""
    day = since.replace(hour=0)
    last = (
        select(func.max(col(UsageDay.day)))
        .where(col(UsageDay.user_id) == col(User.id))
        .correlate(User)
        .scalar_subquery()
    )
    query = select(func.count(col(User.id))).where(last >= day)
    return session.scalar(query) or 0


def _sums(table: type[UsageHour] | type[UsageDay]) -> list[Any]:
    return [func.sum(col(column)) for column in (table.count, table.total, table.squares)]


def _added(count: Any, total: float, squares: float) -> Sums:
    return Sums(int(count), total, squares)
