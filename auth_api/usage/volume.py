"""How much was asked in all, for who looks at the service as a whole."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api.usage.tables import UsageHour

_NAMES = {"class": "answers", "refused": "refused", "failed": "failed", "fell_back": "fell_back"}


def volume(session: Session, first: datetime, end: datetime) -> dict[str, int]:
    """As `Volume`, of the hours from `first` on and before `end`."""
    query = (
        select(col(UsageHour.measure), func.sum(col(UsageHour.count)))
        .where(col(UsageHour.hour) >= first, col(UsageHour.hour) < end)
        .where(col(UsageHour.measure).in_(_NAMES))
        .group_by(col(UsageHour.measure))
    )
    found = {_NAMES[measure]: int(count) for measure, count in session.execute(query)}
    return {name: found.get(name, 0) for name in _NAMES.values()}
