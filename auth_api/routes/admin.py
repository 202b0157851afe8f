"""For administrators."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from auth_api.access import at_least
from auth_api.openapi import documented
from auth_api.pages import cursor_of, row_before, split
from auth_api.schemas.history import AuditPage, AuditQuery, AuditRow
from auth_api.services import services
from auth_api.tables import AuditEntry
from auth_api.validation import parse_query


@documented(tag="administration", access=at_least("admin"), query=AuditQuery, answer=AuditPage)
async def audit_logs(request: Request) -> JSONResponse:
    """Lists the audit log, newest first."""
    query = parse_query(request, AuditQuery)
    statement = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(query.limit + 1)
    before = row_before(query.cursor)
    if before is not None:
        statement = statement.where(col(AuditEntry.id) < before)
    if query.user_id is not None:
        statement = statement.where(col(AuditEntry.user_id) == query.user_id)
    if query.action is not None:
        statement = statement.where(col(AuditEntry.action) == query.action)
    found = await services(request).database.read(lambda session: session.scalars(statement).all())
    rows, more = split(list(found), query.limit)
    last = rows[-1].id if rows and more else None
    page = AuditPage(
        results=[AuditRow.model_validate(row, from_attributes=True) for row in rows],
        next=cursor_of(last) if last else None,
    )
    return JSONResponse(page.model_dump(mode="json"))


routes = [Route("/api/admin/audit-logs/", audit_logs, methods=["GET"])]
