"""Which accounts have enough standing that their votes decide what a picture shows.

Anybody can sign up several times and agree with themselves. An account of standing costs a week
and use on several days.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, select
from sqlmodel import col

from auth_api.database.tables.accounts import User
from auth_api.database.tables.practice import PracticeSlot
from auth_api.practice.progress import SLOT

MIN_AGE = timedelta(days=7)
"""Age of the account."""

MIN_DAYS = 3
"""Days (UTC) on which the account had a picture recognised or compared and kept in its history."""


def has_standing(moment: datetime) -> Any:
    """SQL condition: the user of a row of `users` has standing at a moment."""
    slots_per_day = timedelta(days=1) // SLOT
    days = (
        select(func.count((col(PracticeSlot.slot) // slots_per_day).distinct()))
        # Anybody can say of a drawing that it was written on another day.
        .where(col(PracticeSlot.user_id) == col(User.id), ~col(PracticeSlot.late))
        .correlate(User)
        .scalar_subquery()
    )
    return and_(col(User.created_at) <= moment - MIN_AGE, days >= MIN_DAYS)
