"""The tables as of the newest migration, one module a subject.

    users ─┬─ sessions ── refresh_tokens      one session a sign-in; token hashes
           ├─ known_devices                   hashes of devices that have signed in
           ├─ api_keys                        key hashes
           ├─ predictions ── feedback         the history of recognitions
           ├─ comparisons                     the history of comparisons
           ├─ attempts ─ ─ character_progress practice, and the progress computed from it
           ├─ practice_slots                  quarter-hours in which a user was active
           ├─ usage_days                      counts for analytics, by user
           ├─ jobs ── job_items               predictions and trainings in the background
           └─ upload_reservations             uploads that are under way
    audit_log                                 append-only, outlives its users
    model_versions, model_releases            which versions are served, and to whom
    usage_hours                               counts for analytics, of all callers

All rows of a user are deleted with the user (`ON DELETE CASCADE`). Pictures are files, named by
the column `media` (`auth_api.history.pictures`). Times are UTC.
"""

from __future__ import annotations

from sqlmodel import SQLModel

from auth_api.database.tables import (  # noqa: F401 - importing them fills METADATA
    accounts,
    audit,
    history,
    jobs,
    models,
    practice,
    usage,
)

METADATA = SQLModel.metadata
"""The schema of all tables."""
