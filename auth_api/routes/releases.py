"""Versions of models: registration, default, traffic, workers, removal."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.routing import Route

from auth_api.authorisation.access import at_least
from auth_api.authorisation.guards import require_role
from auth_api.http.json_response import JSONResponse
from auth_api.http.validation import parse_json
from auth_api.models import traffic_report
from auth_api.models.presenting import release
from auth_api.routes.models import model_name
from auth_api.routes.openapi import documented
from auth_api.schemas.accounts import Message
from auth_api.schemas.models import (
    NewVersion,
    OneVersion,
    ReleaseAnswer,
    Traffic,
    TrafficReport,
    VersionAnswer,
    Workers,
)
from auth_api.services import caller, services

_ENGINEER = at_least("ml-engineer")


@documented(
    tag="models",
    access=_ENGINEER,
    json=NewVersion,
    answer=VersionAnswer,
    status=201,
    errors=(404, 409),
)
async def register(request: Request) -> JSONResponse:
    """Registers an archive of the model store as a version without traffic.

    The archive is refused with a reason unless its checksum is correct, it is for this model, and
    a worker starts with it and recognises a test picture in time.
    """
    name = model_name(request)
    fields = await parse_json(request, NewVersion)
    app, operator = services(request), caller(request)
    row = await app.registry.register(
        name,
        fields.archive,
        fields.sha256,
        operator.user_id,
        request,
        partial(require_role, caller=operator, role=_ENGINEER.role),
    )
    shown = await app.presenter.version(name, row.version)
    return JSONResponse({"success": True, **shown}, 201)


@documented(tag="models", access=_ENGINEER, answer=Message, errors=(404, 409))
async def remove(request: Request) -> JSONResponse:
    """Removes a version that is not the default and has no traffic. Its archive is kept."""
    name = model_name(request)
    version = request.path_params["version"]
    await services(request).releases.remove(name, version, caller(request).user_id, request)
    return JSONResponse({"message": "Version removed successfully."})


@documented(tag="models", access=_ENGINEER, json=Workers, answer=VersionAnswer, errors=(404,))
async def scale(request: Request) -> JSONResponse:
    """Sets the number of workers of a version, and waits until they are ready."""
    name, version = model_name(request), request.path_params["version"]
    fields = await parse_json(request, Workers)
    app = services(request)
    await app.releases.set_workers(name, version, fields.workers, caller(request).user_id, request)
    shown = await app.presenter.version(name, version)
    return JSONResponse({"success": True, **shown})


@documented(
    tag="models", access=_ENGINEER, json=OneVersion, answer=ReleaseAnswer, errors=(404, 409)
)
async def set_default(request: Request) -> JSONResponse:
    """Makes a version the default for all users, to promote it or to roll back.

    No request is lost.
    """
    name = model_name(request)
    fields = await parse_json(request, OneVersion)
    state = await services(request).releases.set_default(
        name, fields.version, caller(request).user_id, request
    )
    return JSONResponse(release(name, state))


@documented(tag="models", access=_ENGINEER, json=Traffic, answer=ReleaseAnswer, errors=(404, 409))
async def set_traffic(request: Request) -> JSONResponse:
    """Splits the users among versions. Each user always gets the same version."""
    name = model_name(request)
    fields = await parse_json(request, Traffic)
    state = await services(request).releases.set_traffic(
        name, fields.root, caller(request).user_id, request
    )
    return JSONResponse(release(name, state))


@documented(tag="models", access=_ENGINEER, answer=TrafficReport, errors=(404,))
async def report(request: Request) -> JSONResponse:
    """Compares the versions of the traffic split since it last changed, with 95 % intervals.

    Compares requests, latency, confidence, errors and corrections.
    """
    name = model_name(request)
    app = services(request)
    state = app.releases.state(name)
    return JSONResponse(await traffic_report.compared(app.database, name, state))


_MODEL = "/api/models/{name}/"

routes = [
    Route(f"{_MODEL}versions/", register, methods=["POST"]),
    Route(f"{_MODEL}versions/{{version}}/", scale, methods=["PUT"]),
    Route(f"{_MODEL}versions/{{version}}/", remove, methods=["DELETE"]),
    Route(f"{_MODEL}default/", set_default, methods=["PUT"]),
    Route(f"{_MODEL}traffic/", set_traffic, methods=["PUT"]),
    Route(f"{_MODEL}traffic/report/", report, methods=["GET"]),
]
