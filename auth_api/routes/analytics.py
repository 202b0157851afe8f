"""Usage over time: of the caller, and of all callers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from auth_api.authorisation.access import HISTORY, at_least
from auth_api.database.columns import now
from auth_api.errors import NotFound
from auth_api.http.json_response import JSONResponse
from auth_api.http.validation import invalid, parse_query
from auth_api.routes.openapi import documented
from auth_api.schemas.analytics import (
    MAX_DAYS_BY_HOUR,
    MyAnswer,
    MyQuery,
    SystemAnswer,
    SystemQuery,
)
from auth_api.services import caller, services
from auth_api.usage.analytics import latest, usage_of, usage_of_all
from auth_api.usage.presenting import own, system


@documented(tag="analytics", access=HISTORY, query=MyQuery, answer=MyAnswer)
async def mine(request: Request) -> JSONResponse:
    """Shows the caller's usage and feedback by day, version and class.

    Counts are about a second behind. They include images of jobs and deleted history entries.
    """
    query = parse_query(request, MyQuery)
    days = latest("day", query.days, now())
    use = await usage_of(services(request).database, caller(request).user_id, days.since)
    return JSONResponse(own(use, days))


@documented(
    tag="analytics",
    access=at_least("analyst"),
    query=SystemQuery,
    answer=SystemAnswer,
    errors=(404,),
)
async def everyone(request: Request) -> JSONResponse:
    """Shows the usage of all callers over time, by version and by class.

    Counts are about a second behind. They include anonymous callers and images of jobs.
    """
    query = parse_query(request, SystemQuery)
    app = services(request)
    if query.model is not None and query.model not in app.settings.models:
        raise NotFound(f"There is no model {query.model}.", "model_not_found")
    if query.bucket == "hour" and query.days > MAX_DAYS_BY_HOUR:
        raise invalid("days", f"can be {MAX_DAYS_BY_HOUR} at most by the hour")
    count = query.days if query.bucket == "day" else query.days * 24
    steps = latest(query.bucket, count, now())
    use = await usage_of_all(app.database, steps, query.model)
    return JSONResponse(system(use, steps))


routes = [
    Route("/api/analytics/me/", mine, methods=["GET"]),
    Route("/api/analytics/system/", everyone, methods=["GET"]),
]
