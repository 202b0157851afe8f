"""The audit log, for administrators."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from auth_api import audit
from auth_api.access import at_least, require_administrator
from auth_api.audit_trail import Trail
from auth_api.database import Database
from auth_api.exporting import csv_head, csv_line
from auth_api.openapi import documented
from auth_api.pages import cursor_of, row_before, split
from auth_api.presenting import iso
from auth_api.schemas.administration import AuditFilter, AuditPage, AuditQuery, AuditRow
from auth_api.services import caller, services
from auth_api.validation import parse_query

_COLUMNS = ("id", "at", "action", "user_id", "address", "request_id", "details")


@documented(tag="administration", access=at_least("admin"), query=AuditQuery, answer=AuditPage)
async def audit_logs(request: Request) -> JSONResponse:
    """Lists the audit log, newest first."""
    query = parse_query(request, AuditQuery)
    found = await _trail(query).page(
        services(request).database, query.limit + 1, row_before(query.cursor)
    )
    rows, more = split(found, query.limit)
    last = rows[-1].id if rows and more else None
    page = AuditPage(
        results=[AuditRow.model_validate(row, from_attributes=True) for row in rows],
        next=cursor_of(last) if last else None,
    )
    return JSONResponse(page.model_dump(mode="json"))


@documented(
    tag="administration",
    access=at_least("admin"),
    query=AuditFilter,
    answer=None,
    media=("text/csv",),
)
async def export(request: Request) -> Response:
    """The audit log as a table, newest first; that it was exported is in the log itself."""
    query = parse_query(request, AuditFilter)
    owner, database = caller(request), services(request).database
    asked = query.model_dump(mode="json", exclude_none=True)

    def note(transaction: Session) -> None:
        require_administrator(transaction, owner)
        audit.record(transaction, "audit_log_exported", owner.user_id, request, asked=asked)

    await database.write(note)
    return StreamingResponse(
        _as_csv(_trail(query), database),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="ranjana-audit-log.csv"'},
    )


def _trail(query: AuditFilter) -> Trail:
    return Trail(query.user_id, query.action, query.since, query.until)


async def _as_csv(trail: Trail, database: Database) -> AsyncIterator[str]:
    yield csv_head(_COLUMNS)
    async for row in trail.all_of(database):
        cells = {**row.model_dump(), "at": iso(row.at), "details": json.dumps(row.details)}
        yield csv_line([cells[name] for name in _COLUMNS])


routes = [
    Route("/api/admin/audit-logs/", audit_logs, methods=["GET"]),
    Route("/api/admin/audit-logs/export/", export, methods=["GET"]),
]
