"""What was asked and with what result, over some time, from counts.

An answer costs as many rows of counts as there were hours (of one user: days) times versions times
classes that came up, however often, and a look-up for each feedback given in that time. No
statement walks the history: a prediction is only ever looked up by its number, for what its user
said of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, NamedTuple

from sqlalchemy import String, case, func, select, true
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api.database import Database
from auth_api.tables import Feedback, Prediction, User
from auth_api.usage.estimates import Sums
from auth_api.usage.tables import UsageDay, UsageHour


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


def use_of_all(
    session: Session, database: Database, since: datetime, bucket: str, model: str | None
) -> SystemUse:
    """Since the beginning of a day or an hour; `bucket` is `day` or `hour`."""
    return SystemUse(
        list(_counted(session, since, model)),
        list(_buckets(session, database, since, bucket, model)),
        [
            judged
            for judged in _judged(session, database, since, None)
            if model in (None, judged.model)
        ],
        _active_users(session, since),
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


def _counted(session: Session, since: datetime, model: str | None) -> Iterator[Counted]:
    keys = (UsageHour.model, UsageHour.version, UsageHour.measure, UsageHour.label)
    columns = [col(key) for key in keys]
    query = select(*columns, *_sums(UsageHour)).where(*_asked(since, model)).group_by(*columns)
    for name, version, measure, label, *added in session.execute(query):
        yield Counted(name, version, measure, label, _added(*added))


def _buckets(
    session: Session, database: Database, since: datetime, bucket: str, model: str | None
) -> Iterator[InBucket]:
    hour = col(UsageHour.hour)
    start: Any = hour
    if bucket == "day" and database.is_sqlite:
        start = func.substr(hour, 1, len("2000-01-01"), type_=String)
    elif bucket == "day":
        start = func.date_trunc("day", hour, "UTC")
    query = (
        select(
            start.label("start"),
            col(UsageHour.model),
            col(UsageHour.measure),
            *_sums(UsageHour),
        )
        .where(*_asked(since, model))
        .group_by("start", col(UsageHour.model), col(UsageHour.measure))
    )
    for began, name, measure, *added in session.execute(query):
        moment = datetime.fromisoformat(began) if isinstance(began, str) else began
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        yield InBucket(moment, name, measure, _added(*added))


def _asked(since: datetime, model: str | None) -> list[Any]:
    conditions: list[Any] = [col(UsageHour.hour) >= since]
    return conditions if model is None else [*conditions, col(UsageHour.model) == model]


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
