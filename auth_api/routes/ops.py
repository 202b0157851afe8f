"""For those who run the service: is it alive, is it ready, what does it measure."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth_api.errors import ApiError, error_response
from auth_api.metrics import Metrics
from auth_api.openapi import documented
from auth_api.schemas.ops import HealthAnswer, ReadyAnswer
from auth_api.settings import Settings
from auth_api.torchserve import TorchServe


@documented(tag="operations", answer=HealthAnswer)
async def health(request: Request) -> JSONResponse:
    """Says that the service is alive, whatever becomes of its neighbours."""
    return JSONResponse({"success": True, "status": "alive"})


@documented(tag="operations", answer=ReadyAnswer, errors=(503,))
async def ready(request: Request) -> JSONResponse:
    """Says whether predictions can be made, and if not, what is missing."""
    torchserve: TorchServe = request.app.state.torchserve
    settings: Settings = request.app.state.settings
    states = {model: await _state(torchserve, model) for model in settings.models}
    if all(state == "ready" for state in states.values()):
        return JSONResponse({"success": True, "status": "ready", "models": states})
    return error_response(
        503,
        "The service is not ready.",
        "not_ready",
        {"models": states},
        {"Retry-After": "2"},
    )


async def _state(torchserve: TorchServe, model: str) -> str:
    try:
        workers = await torchserve.workers(model)
    except ApiError as error:
        return error.message
    return "ready" if "READY" in workers else "no worker is ready"


@documented(tag="operations", answer=None)
async def metrics(request: Request) -> Response:
    """The metrics in Prometheus's text format."""
    measured: Metrics = request.app.state.metrics
    return Response(generate_latest(measured.registry), media_type=CONTENT_TYPE_LATEST)


routes = [
    Route("/health", health),
    Route("/ready", ready),
    Route("/metrics", metrics),
]
