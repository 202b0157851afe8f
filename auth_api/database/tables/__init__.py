"""The tables, a module a subject, as of the newest migration.

    users ─┬─ sessions ── refresh_tokens      one session a sign-in; its tokens, hashed
           ├─ api_keys                        hashed
           ├─ predictions ── feedback         the history of recognitions
           ├─ comparisons                     the history of comparisons
           ├─ attempts ─ ─ character_progress what a user practised, and what follows from it
           ├─ practice_slots                  when: quarters of an hour
           └─ jobs ── job_items               what a user has read or trained in the background
    audit_log                                 append-only, outlives its users
    model_versions, model_releases            which versions are served, and who gets which
    usage_hours, usage_days                   counts for analytics

All rows of a user are deleted with the user (`ON DELETE CASCADE`). Pictures are files, named by the
column `media` (`auth_api.history.queries.pictures`). Times are UTC.
"""

from __future__ import annotations

from sqlmodel import SQLModel

from auth_api.database.tables import (  # noqa: F401 - their import fills METADATA
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
