"""Reads the audit log: a page of it, or all that was asked for, newest first, as a table too.

Its rows are numbered as they come, so that a time is looked up by halving among the numbers and
needs no index of its own.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
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
from auth_api.database.tables.audit import AuditEntry
from auth_api.http.csv_text import csv_head, csv_line
from auth_api.http.json_response import iso
from auth_api.schemas.administration import AuditRow

COLUMNS = ("id", "at", "action", "user_id", "address", "request_id", "details")
"""Of the table."""

# Rows of an export in memory at a time.
_AT_A_TIME = 500
# By so much may a row be older than the one before it: transactions end in any order, and the
# clocks of several machines differ.
_DISORDER = timedelta(minutes=1)


@dataclass(frozen=True)
class AuditTrail:
    """A part of the audit log; `since` is the first moment of it, `until` the first after it."""

    user_id: int | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    async def page(self, database: Database, limit: int, before: int | None) -> list[AuditEntry]:
        """At most `limit` rows of before the id `before`. Raises Unavailable."""
        return await database.read(lambda session: self._page(session, limit, before))

    async def all_of(self, database: Database) -> AsyncIterator[AuditEntry]:
        """Every row, some hundred in memory at a time. Raises Unavailable."""
        before: int | None = None
        while True:
            rows = await self.page(database, _AT_A_TIME, before)
            for row in rows:
                yield row
            if len(rows) < _AT_A_TIME:
                return
            before = rows[-1].id

    async def note_export(
        self, database: Database, caller: Caller | None = None, request: Request | None = None
    ) -> None:
        """Says in the log that it is about to be exported; without a caller, by somebody with
        access to the machine. Raises Forbidden, Unauthorised or Unavailable.
        """
        asked = {
            name: iso(value) if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
            if value is not None
        }

        def note(transaction: Session) -> None:
            if caller:
                require_administrator(transaction, caller)
            by = caller.user_id if caller else None
            recording.record(transaction, "audit_log_exported", by, request, asked=asked)

        await database.write(note)

    async def as_csv(self, database: Database) -> AsyncIterator[str]:
        """A line a row, as `auth_api.history.exporting` writes them. Raises Unavailable."""
        yield csv_head(COLUMNS)
        async for row in self.all_of(database):
            cells = {**shown(row), "details": json.dumps(row.details, ensure_ascii=False)}
            yield csv_line([cells[name] for name in COLUMNS])

    def _page(self, session: Session, limit: int, before: int | None) -> list[AuditEntry]:
        query = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(limit)
        if before is not None:
            query = query.where(col(AuditEntry.id) < before)
        if self.user_id is not None:
            query = query.where(col(AuditEntry.user_id) == self.user_id)
        if self.action is not None:
            query = query.where(col(AuditEntry.action) == self.action)
        if self.since is not None:
            first = _first_at(session, self.since - _DISORDER)
            query = query.where(col(AuditEntry.id) >= first, col(AuditEntry.at) >= self.since)
        if self.until is not None:
            last = _first_at(session, self.until + _DISORDER)
            query = query.where(col(AuditEntry.id) < last, col(AuditEntry.at) < self.until)
        return list(session.scalars(query))


def shown(row: AuditEntry) -> dict[str, Any]:
    """As `AuditRow`."""
    return AuditRow.model_validate(row, from_attributes=True).model_dump(mode="json")


def _first_at(session: Session, moment: datetime) -> int:
    """An id that about all rows from a moment on have or are above, and none before it has."""
    newest = session.scalar(select(func.max(col(AuditEntry.id))))
    if newest is None:
        return 0
    low, high = 0, newest + 1
    while low < high:
        middle = (low + high) // 2
        next_row = (
            select(col(AuditEntry.id), col(AuditEntry.at))
            .where(col(AuditEntry.id) >= middle)
            .order_by(col(AuditEntry.id))
            .limit(1)
        )
        row = session.execute(next_row).one()
        if row.at < moment:
            low = row.id + 1
        else:
            high = middle
    return low
