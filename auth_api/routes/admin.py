"""For administrators: an overview, the jobs of all users, and the settings."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from auth_api.authorisation.access import at_least
from auth_api.database.columns import now
from auth_api.http.json_response import JSONResponse, iso
from auth_api.http.pagination import page, row_before
from auth_api.http.validation import parse_query, row_number
from auth_api.jobs.presenting import owned_entry
from auth_api.operations.effective_settings import effective
from auth_api.operations.overview import overview
from auth_api.routes.openapi import documented
from auth_api.schemas.administration import (
    AllJobsPage,
    AllJobsQuery,
    Configuration,
    OwnedJob,
    StatsAnswer,
)
from auth_api.services import caller, services

_ADMIN = at_least("admin")


@documented(tag="administration", access=_ADMIN, answer=StatsAnswer)
async def stats(request: Request) -> JSONResponse:
    """Shows an overview of the service."""
    app = services(request)
    found = await overview(app.database, app.settings.media_dir)
    uptime = (now() - app.started_at).total_seconds()
    return JSONResponse(
        {
            "success": True,
            **found,
            "since": iso(app.started_at),
            "uptime_seconds": round(uptime, 1),
        }
    )


@documented(tag="administration", access=_ADMIN, query=AllJobsQuery, answer=AllJobsPage)
async def jobs(request: Request) -> JSONResponse:
    """Lists the jobs of all users, newest first, without their results."""
    query = parse_query(request, AllJobsQuery)
    found = await services(request).jobs.page(
        query.user_id,
        query.limit + 1,
        row_before(query.cursor),
        state=query.state,
        kind=query.kind,
    )
    return JSONResponse(page([owned_entry(row) for row in found], query.limit))


@documented(tag="administration", access=_ADMIN, answer=OwnedJob, errors=(404,))
async def job(request: Request) -> JSONResponse:
    """Shows a job of any user, without its results."""
    return JSONResponse(owned_entry(await services(request).jobs.one(None, row_number(request))))


@documented(tag="administration", access=_ADMIN, answer=OwnedJob, errors=(404, 409))
async def cancel_job(request: Request) -> JSONResponse:
    """Cancels a job of any user. Its results so far are kept."""
    cancelled = await services(request).jobs.cancel(
        caller(request), row_number(request), request, of_anyone=True
    )
    return JSONResponse(owned_entry(cancelled))


@documented(tag="administration", access=_ADMIN, answer=Configuration)
async def config(request: Request) -> JSONResponse:
    """Shows the effective settings, with secrets masked."""
    return JSONResponse({"success": True, "settings": effective(services(request).settings)})


_JOB = "/api/admin/jobs/{id}/"

routes = [
    Route("/api/admin/stats/", stats, methods=["GET"]),
    Route("/api/admin/jobs/", jobs, methods=["GET"]),
    Route(_JOB, job, methods=["GET"]),
    Route(_JOB, cancel_job, methods=["DELETE"]),
    Route("/api/admin/config/", config, methods=["GET"]),
]
