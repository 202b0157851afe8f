"""Gives accounts the standing that their corrections need to count."""

from __future__ import annotations

import time
from datetime import timedelta

from auth_api.corrections.standing import MIN_AGE, MIN_DAYS
from auth_api.practice.progress import SLOT
from tests.authorisation.test_access import seconds_ago, sql, user_id
from tests.support.apis import Api, User


def give_standing(
    api: Api, *users: User, age: timedelta = MIN_AGE, days: int = MIN_DAYS, slots_a_day: int = 1
) -> None:
    """Makes accounts `age` old and used on so many days, also if they were newer before."""
    today = int(time.time()) // 86_400
    a_day = timedelta(days=1) // SLOT
    for user in users:
        created = seconds_ago(api, age.total_seconds())
        number = user_id(user)
        sql(api, "UPDATE users SET created_at = $1 WHERE id = $2", created, number)
        sql(api, "DELETE FROM practice_slots WHERE user_id = $1", number)
        for day in range(days):
            for slot in range(slots_a_day):
                place = (today - day) * a_day + slot
                statement = "INSERT INTO practice_slots (user_id, slot) VALUES ($1, $2)"
                sql(api, statement, number, place)
