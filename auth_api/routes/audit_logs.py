"""The audit log, for administrators."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from auth_api.audit.queries import AuditTrail, shown
from auth_api.authorisation.access import at_least
from auth_api.http.json_response import JSONResponse
from auth_api.http.pagination import page, row_before
from auth_api.http.validation import parse_query
from auth_api.routes.openapi import documented
from auth_api.schemas.administration import AuditFilter, AuditPage, AuditQuery
from auth_api.services import caller, services


@documented(tag="administration", access=at_least("admin"), query=AuditQuery, answer=AuditPage)
async def audit_logs(request: Request) -> JSONResponse:
    """Lists the audit log, newest first."""
    query = parse_query(request, AuditQuery)
    found = await _trail(query).page(
        services(request).database, query.limit + 1, row_before(query.cursor)
    )
    return JSONResponse(page([shown(row) for row in found], query.limit))


@documented(
    tag="administration",
    access=at_least("admin"),
    query=AuditFilter,
    answer=None,
    media=("text/csv",),
)
async def export(request: Request) -> Response:
    """Exports the audit log as CSV, newest first. The export itself is logged."""
    trail, database = _trail(parse_query(request, AuditFilter)), services(request).database
    await trail.note_export(database, caller(request), request)
    return StreamingResponse(
        trail.as_csv(database),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="ranjana-audit-log.csv"'},
    )


def _trail(query: AuditFilter) -> AuditTrail:
    return AuditTrail(query.user_id, query.action, query.since, query.until)


routes = [
    Route("/api/admin/audit-logs/", audit_logs, methods=["GET"]),
    Route("/api/admin/audit-logs/export/", export, methods=["GET"]),
]
