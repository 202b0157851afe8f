"""Health and readiness, for probes and operators. Metrics have a port of their own."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from auth_api.authorisation.access import OPERATIONS
from auth_api.http.error_responses import error_response
from auth_api.http.json_response import JSONResponse
from auth_api.operations.readiness import READY
from auth_api.routes.openapi import documented
from auth_api.schemas.ops import DatabaseReadyAnswer, HealthAnswer, ReadyAnswer
from auth_api.services import services


@documented(tag="operations", access=OPERATIONS, answer=HealthAnswer)
async def health(request: Request) -> JSONResponse:
    """Says that the service is alive. Database and model server are not checked."""
    return JSONResponse({"success": True, "status": "healthy"})


@documented(tag="operations", access=OPERATIONS, answer=ReadyAnswer, errors=(503,))
async def ready(request: Request) -> JSONResponse:
    """Says whether predictions can be made, or what is missing, within three seconds.

    The models are asked every five seconds at most.
    """
    if request.app.state.shutdown.started:
        return _not_ready("The service is stopping.", "stopping")
    states = await services(request).readiness.states()
    if states.ready:
        return JSONResponse({"success": True, "status": "ready", **states._asdict()})
    return _not_ready("The service is not ready.", "not_ready", states._asdict())


@documented(tag="operations", access=OPERATIONS, answer=DatabaseReadyAnswer, errors=(503,))
async def database_ready(request: Request) -> JSONResponse:
    """Says whether this process can take requests: for load balancers and readiness probes.

    Models are not checked. All processes share them, so that a missing one would take away all
    processes at once, and sign-in and history with them.
    """
    if request.app.state.shutdown.started:
        return _not_ready("The service is stopping.", "stopping")
    state = await services(request).readiness.database()
    if state == READY:
        return JSONResponse({"success": True, "status": "ready", "database": state})
    return _not_ready("The service is not ready.", "not_ready", {"database": state})


def _not_ready(sentence: str, code: str, states: dict[str, object] | None = None) -> JSONResponse:
    return error_response(503, sentence, code, states, {"Retry-After": "2"})


routes = [
    Route("/health", health),
    Route("/ready", ready),
    Route("/ready/database", database_ready),
]

PATHS = frozenset(route.path for route in routes)
"""The paths of all these routes."""
