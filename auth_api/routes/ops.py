"""Health and readiness, for operators. Metrics have a port of their own."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from auth_api.authorisation.access import OPERATIONS
from auth_api.database.database import Database
from auth_api.errors import ApiError
from auth_api.http.error_responses import error_response
from auth_api.http.json_response import JSONResponse
from auth_api.routes.openapi import documented
from auth_api.schemas.ops import HealthAnswer, ReadyAnswer
from auth_api.services import services


@documented(tag="operations", access=OPERATIONS, answer=HealthAnswer)
async def health(request: Request) -> JSONResponse:
    """Says that the service is alive. Database and model server are not checked."""
    return JSONResponse({"success": True, "status": "healthy"})


@documented(tag="operations", access=OPERATIONS, answer=ReadyAnswer, errors=(503,))
async def ready(request: Request) -> JSONResponse:
    """Says whether predictions can be made, or what is missing."""
    if request.app.state.shutdown.started:
        headers = {"Retry-After": "2"}
        return error_response(503, "The service is stopping.", "stopping", headers=headers)
    app = services(request)
    database = await _database_state(app.database)
    models = {model: await app.presenter.readiness(model) for model in app.settings.models}
    states = {"database": database, "models": models}
    if {database, *models.values()} == {"ready"}:
        return JSONResponse({"success": True, "status": "ready", **states})
    return error_response(
        503, "The service is not ready.", "not_ready", states, {"Retry-After": "2"}
    )


async def _database_state(database: Database) -> str:
    try:
        await database.ping()
    except ApiError as error:
        return error.message
    return "ready"


routes = [
    Route("/health", health),
    Route("/ready", ready),
]
