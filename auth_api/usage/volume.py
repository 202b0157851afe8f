"""Reads the total usage, for the overview of the service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api.database.tables.usage import UsageHour
from auth_api.usage.counters import Measure, Span, measure_of

_NAMES: Mapping[str, Measure] = {
    "answers": "class",
    "refused": "refused",
    "failed": "failed",
    "fell_back": "fell_back",
}


def volume(session: Session, start: datetime, span: Span) -> dict[str, int]:
    """The totals of one period in the form of `Volume`. `start` is its beginning, or `EVER`."""
    measures = {measure_of(measure, span): name for name, measure in _NAMES.items()}
    query = (
        select(col(UsageHour.measure), func.sum(col(UsageHour.count)))
        .where(col(UsageHour.hour) == start, col(UsageHour.measure).in_(measures))
        .group_by(col(UsageHour.measure))
    )
    found = {measures[measure]: int(count) for measure, count in session.execute(query)}
    return {name: found.get(name, 0) for name in _NAMES}
