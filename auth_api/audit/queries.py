"""Reads the audit log, newest first: in pages, or as CSV for an export.

Ids grow with time, so a binary search over the ids finds a time without an index on it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.authorisation.access import Caller
from auth_api.authorisation.guards import require_administrator
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.audit import AuditEntry
from auth_api.http.csv_text import csv_head, csv_line
from auth_api.http.json_response import iso
from auth_api.schemas.administration import AuditRow

COLUMNS = tuple(AuditRow.model_fields)
"""The columns of the CSV file and of the command line's table."""

# The field of `details` that has the account concerned. A user who cancels an own job is not in it.
_SUBJECTS = {
    **dict.fromkeys(("user_created", "admin_created", "user_changed"), "id"),
    **dict.fromkeys(("user_deactivated", "user_unlocked"), "id"),
    "job_cancelled": "owner",
}
# Rows of an export that are in memory at a time.
_BATCH_SIZE = 500
# A row may be older than the row before it by this much, because transactions end in any order and
# the clocks of several machines differ.
_MAX_DISORDER = timedelta(minutes=1)


@dataclass(frozen=True)
class AuditTrail:
    """A part of the audit log: entries at `since` or later, and before `until`."""

    user_id: int | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    async def page(self, database: Database, limit: int, before: int | None) -> list[AuditRow]:
        """At most `limit` rows with an id below `before`. Raises `Unavailable`."""

        def work(session: Session) -> list[AuditRow]:
            query = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(limit)
            if before is not None:
                query = query.where(col(AuditEntry.id) < before)
            if self.user_id is not None:
                query = query.where(col(AuditEntry.user_id) == self.user_id)
            if self.action is not None:
                query = query.where(col(AuditEntry.action) == self.action)
            if self.since is not None:
                first = _first_at(session, self.since - _MAX_DISORDER)
                query = query.where(col(AuditEntry.id) >= first, col(AuditEntry.at) >= self.since)
            if self.until is not None:
                last = _first_at(session, self.until + _MAX_DISORDER)
                query = query.where(col(AuditEntry.id) < last, col(AuditEntry.at) < self.until)
            return _named(session, session.scalars(query).all())

        return await database.read(work)

    async def note_export(
        self, database: Database, caller: Caller | None = None, request: Request | None = None
    ) -> None:
        """Records that the log is about to be exported. `caller` is None on the command line.

        Raises `Forbidden`, `Unauthorised`, `Unavailable`.
        """
        filters = {
            name: iso(value) if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
            if value is not None
        }

        def note(transaction: Session) -> None:
            if caller:
                require_administrator(transaction, caller)
            by = caller.user_id if caller else None
            recording.record(transaction, "audit_log_exported", by, request, asked=filters)

        await database.write(note)

    async def as_csv(self, database: Database) -> AsyncIterator[str]:
        """The lines of a CSV file, one per row, after a header. Raises `Unavailable`."""
        yield csv_head(COLUMNS)
        before: int | None = None
        while rows := await self.page(database, _BATCH_SIZE, before):
            for row in rows:
                cells = shown(row)
                yield csv_line([cells[name] for name in COLUMNS])
            before = rows[-1].id


def shown(row: AuditRow) -> dict[str, Any]:
    """A row as JSON."""
    return row.model_dump(mode="json")


def _named(session: Session, entries: Sequence[AuditEntry]) -> list[AuditRow]:
    """The entries with the names of their users. The log itself has none: it outlives accounts."""
    rows = [AuditRow.model_validate(entry, from_attributes=True) for entry in entries]
    for row in rows:
        if row.action in _SUBJECTS:
            row.subject_id = row.details.get(_SUBJECTS[row.action])
    ids = {each for row in rows for each in (row.user_id, row.subject_id) if each is not None}
    query = select(col(User.id), col(User.username)).where(col(User.id).in_(ids))
    names: dict[int | None, str] = dict(session.execute(query).tuples().all()) if ids else {}
    for row in rows:
        row.username, row.subject = names.get(row.user_id), names.get(row.subject_id)
    return rows


def _first_at(session: Session, moment: datetime) -> int:
    """The lowest id at `moment` or later, by binary search; off by the disorder of the rows."""
    newest = session.scalar(select(func.max(col(AuditEntry.id))))
    if newest is None:
        return 0

    def time_from(row_id: int) -> datetime:
        query = select(col(AuditEntry.at)).where(col(AuditEntry.id) >= row_id)
        return session.scalars(query.order_by(col(AuditEntry.id)).limit(1)).one()

    return bisect_left(range(newest + 1), moment, key=time_from)
