"""Models, their versions and their evaluation."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from auth_api.authorisation.access import PUBLIC, at_least
from auth_api.database.tables.models import ModelVersion
from auth_api.http.json_response import JSONResponse
from auth_api.http.validation import parse_query
from auth_api.models import evaluation_figures
from auth_api.models.evaluation_charts import Kind
from auth_api.models.exporting import exported
from auth_api.practice.alphabets import ALPHABETS
from auth_api.routes.openapi import documented
from auth_api.schemas.models import (
    ConfusedPairs,
    ConfusionAnswer,
    MetricsAnswer,
    ModelAnswer,
    ModelsAnswer,
    ModelsStatus,
    RocAnswer,
    VersionQuery,
)
from auth_api.services import caller, services
from handlers.characters import CHARACTERS

_PNG = "image/png"
_ANALYST = at_least("analyst")


@documented(tag="models", access=PUBLIC, answer=ModelsAnswer)
async def models(request: Request) -> JSONResponse:
    """Lists the models with versions, default, traffic, workers, state and model card."""
    app = services(request)
    shown = [await app.presenter.model(name) for name in app.settings.models]
    return JSONResponse({"success": True, "models": shown})


@documented(tag="models", access=PUBLIC, answer=ModelsStatus)
async def status(request: Request) -> JSONResponse:
    """Shows for each model whether it is ready, or why not."""
    app = services(request)
    states = {name: await app.presenter.readiness(name) for name in app.settings.models}
    overall = "ready" if set(states.values()) == {"ready"} else "not_ready"
    return JSONResponse({"success": True, "status": overall, "models": states})


@documented(tag="models", access=PUBLIC, answer=ModelAnswer, errors=(404,))
async def model(request: Request) -> JSONResponse:
    """Shows one model."""
    shown = await services(request).presenter.model(model_name(request))
    return JSONResponse({"success": True, **shown})


@documented(
    tag="models",
    access=_ANALYST,
    query=VersionQuery,
    answer=MetricsAnswer,
    media=(_PNG,),
    errors=(404,),
)
async def metrics(request: Request) -> Response:
    """Shows the evaluation of a version, in total and for each class.

    `Accept: image/png` returns a chart instead.
    """
    row, found = await _evaluated(request)
    if _wants_chart(request):
        return await _chart(request, "metrics", row, found)
    return JSONResponse(evaluation_figures.metrics(row, found))


@documented(
    tag="models",
    access=_ANALYST,
    query=VersionQuery,
    answer=ConfusionAnswer,
    media=(_PNG,),
    errors=(404,),
)
async def confusion_matrix(request: Request) -> Response:
    """Shows the confusion matrix of a version; for similarity, of the nearest references.

    `Accept: image/png` returns a chart instead.
    """
    row, found = await _evaluated(request)
    matrix = found.get("confusion")
    if matrix is None:
        raise evaluation_figures.not_measured(row)
    if _wants_chart(request):
        return await _chart(request, "confusion-matrix", row, found)
    # A version from before the vowels and digits of the script has fewer classes.
    classes = ALPHABETS.get(row.model, CHARACTERS)[: len(matrix)]
    labels = [character.name for character in classes]
    return JSONResponse(
        {**evaluation_figures.measured(row, found), "labels": labels, "matrix": matrix}
    )


@documented(tag="models", access=PUBLIC, query=VersionQuery, answer=ConfusedPairs, errors=(404,))
async def confused_pairs(request: Request) -> JSONResponse:
    """Lists the pairs of characters that a version takes for each other most often.

    They are from its confusion matrix, for learners to practise in turn.
    """
    row, found = await _evaluated(request)
    return JSONResponse(
        {
            **evaluation_figures.measured(row, found),
            "pairs": evaluation_figures.confused_pairs(found),
        }
    )


@documented(
    tag="models",
    access=_ANALYST,
    query=VersionQuery,
    answer=RocAnswer,
    media=(_PNG,),
    errors=(404,),
)
async def roc_curve(request: Request) -> Response:
    """Shows the ROC curve of each class against the rest and their mean; for similarity, of same
    against different.

    `Accept: image/png` returns a chart instead.
    """
    row, found = await _evaluated(request)
    curves = found.get("roc")
    if curves is None:
        raise evaluation_figures.not_measured(row)
    if _wants_chart(request):
        return await _chart(request, "roc-curve", row, found)
    return JSONResponse({**curves, **evaluation_figures.measured(row, found)})


@documented(
    tag="models",
    access=at_least("data-scientist"),
    query=VersionQuery,
    answer=None,
    media=("application/octet-stream",),
    errors=(404,),
)
async def export(request: Request) -> Response:
    """Returns the archive of a version. `X-Checksum-SHA256` has its checksum."""
    row = _row(request)
    app = services(request)
    owner = caller(request).user_id
    path, checksum = await exported(app.database, app.archives, row, owner, request)
    return FileResponse(
        path,
        filename=f"{row.model}-{row.version}.mar",
        media_type="application/octet-stream",
        headers={"X-Checksum-SHA256": checksum},
    )


def model_name(request: Request) -> str:
    """The model of the path. Raises `NotFound`."""
    name: str = request.path_params["name"]
    services(request).releases.require_model(name)
    return name


def _row(request: Request) -> ModelVersion:
    """The requested version, or the default. Raises `NotFound`, `BadRequest`."""
    name = model_name(request)
    return services(request).releases.version(name, parse_query(request, VersionQuery).version)


async def _evaluated(request: Request) -> tuple[ModelVersion, dict[str, Any]]:
    row = _row(request)
    return row, await evaluation_figures.evaluated(services(request).archives, row)


def _wants_chart(request: Request) -> bool:
    """Whether the client accepts PNG and not JSON. `*/*` gets JSON."""
    accepted = request.headers.get("accept", "")
    types = [part.partition(";")[0].strip().lower() for part in accepted.split(",")]
    return _PNG in types and "application/json" not in types


async def _chart(
    request: Request, kind: Kind, row: ModelVersion, found: dict[str, Any]
) -> Response:
    app = services(request)
    named = {**found, "model": row.model, "version": row.version}
    png = await app.charts.png(kind, row.sha256, named)
    return Response(png, media_type=_PNG, headers={"Vary": "Accept"})


_MODEL = "/api/models/{name}/"

routes = [
    Route("/api/models/", models, methods=["GET"]),
    Route("/api/models/status/", status, methods=["GET"]),
    Route(_MODEL, model, methods=["GET"]),
    Route(f"{_MODEL}metrics/", metrics, methods=["GET"]),
    Route(f"{_MODEL}confusion-matrix/", confusion_matrix, methods=["GET"]),
    Route(f"{_MODEL}confused-pairs/", confused_pairs, methods=["GET"]),
    Route(f"{_MODEL}roc-curve/", roc_curve, methods=["GET"]),
    Route(f"{_MODEL}export/", export, methods=["GET"]),
]
