"""Models: what is served and how good it is."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from auth_api import audit
from auth_api.access import PUBLIC, at_least
from auth_api.alphabets import ALPHABETS
from auth_api.errors import NotFound
from auth_api.models.charts import Kind
from auth_api.models.tables import ModelVersion
from auth_api.openapi import documented
from auth_api.schemas.models import (
    ConfusionAnswer,
    MetricsAnswer,
    ModelAnswer,
    ModelsAnswer,
    ModelsStatus,
    RocAnswer,
    VersionQuery,
)
from auth_api.services import caller, services
from auth_api.validation import parse_query
from handlers.characters import CHARACTERS

_PNG = "image/png"
_ANALYST = at_least("analyst")
_ELSEWHERE = frozenset({"confusion", "roc", "model", "version", "data", "pictures"})


@documented(tag="models", access=PUBLIC, answer=ModelsAnswer)
async def models(request: Request) -> JSONResponse:
    """Lists the models: versions, default, traffic, workers, state and model card."""
    having = services(request)
    shown = [await having.showing.model(name) for name in having.settings.models]
    return JSONResponse({"success": True, "models": shown})


@documented(tag="models", access=PUBLIC, answer=ModelsStatus)
async def status(request: Request) -> JSONResponse:
    """Says for each model whether it is ready, and if not, why."""
    having = services(request)
    states = {name: await having.showing.readiness(name) for name in having.settings.models}
    word = "ready" if set(states.values()) == {"ready"} else "not_ready"
    return JSONResponse({"success": True, "status": word, "models": states})


@documented(tag="models", access=PUBLIC, answer=ModelAnswer, errors=(404,))
async def model(request: Request) -> JSONResponse:
    """Shows one model."""
    shown = await services(request).showing.model(model_name(request))
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
    """How good a version was when it was evaluated, over all and for each class.

    With `Accept: image/png`, as a picture.
    """
    row, figures = await _evaluated(request)
    if _wants_picture(request):
        return await _picture(request, "metrics", row, figures)
    shown = {name: value for name, value in figures.items() if name not in _ELSEWHERE}
    return JSONResponse({**shown, **_measured(row, figures)})


@documented(
    tag="models",
    access=_ANALYST,
    query=VersionQuery,
    answer=ConfusionAnswer,
    media=(_PNG,),
    errors=(404,),
)
async def confusion_matrix(request: Request) -> Response:
    """What was read as what; of the similarity model, which reference was nearest.

    With `Accept: image/png`, as a picture.
    """
    row, figures = await _evaluated(request)
    matrix = figures.get("confusion")
    if matrix is None:
        raise _not_measured(row)
    if _wants_picture(request):
        return await _picture(request, "confusion-matrix", row, figures)
    labels = [character.name for character in ALPHABETS.get(row.model, CHARACTERS)]
    return JSONResponse({**_measured(row, figures), "labels": labels, "matrix": matrix})


@documented(
    tag="models",
    access=_ANALYST,
    query=VersionQuery,
    answer=RocAnswer,
    media=(_PNG,),
    errors=(404,),
)
async def roc_curve(request: Request) -> Response:
    """The receiver operating characteristic of each class against the rest and their mean; of
    the similarity model, of same against different.

    With `Accept: image/png`, as a picture.
    """
    row, figures = await _evaluated(request)
    curves = figures.get("roc")
    if curves is None:
        raise _not_measured(row)
    if _wants_picture(request):
        return await _picture(request, "roc-curve", row, figures)
    return JSONResponse({**_measured(row, figures), **curves})


@documented(
    tag="models",
    access=at_least("data-scientist"),
    query=VersionQuery,
    answer=None,
    media=("application/octet-stream",),
    errors=(404,),
)
async def export(request: Request) -> Response:
    """The archive of a version as a file; its SHA-256 is in `X-Checksum-SHA256`."""
    row = _row(request)
    having = services(request)
    path = having.archives.path(row.archive)
    checksum = await having.archives.sha256(row.archive)
    if checksum is None:
        raise NotFound(f"The archive {row.archive} is not in the model store.", "archive_not_found")
    owner = caller(request).user_id
    await having.database.write(
        lambda session: audit.record(
            session, "model_exported", owner, request, model=row.model, version=row.version
        )
    )
    return FileResponse(
        path,
        filename=f"{row.model}-{row.version}.mar",
        media_type="application/octet-stream",
        headers={"X-Checksum-SHA256": checksum},
    )


def model_name(request: Request) -> str:
    """The model that the path names. Raises NotFound."""
    name: str = request.path_params["name"]
    served = services(request).settings.models
    if name not in served:
        raise NotFound(
            f"There is no such model: choose {', '.join(served[:-1])} or {served[-1]}.",
            "model_not_found",
        )
    return name


def _row(request: Request) -> ModelVersion:
    """The version that is asked for, or the default. Raises NotFound or BadRequest."""
    name = model_name(request)
    query = parse_query(request, VersionQuery)
    state = services(request).releases.state(name)
    version = query.version or (state.release.default_version if state.release else None)
    if version is None or not state.registered(version):
        raise NotFound(f"There is no version {version or ''} of {name}.", "version_not_found")
    return state.versions[version]


async def _evaluated(request: Request) -> tuple[ModelVersion, dict[str, Any]]:
    row = _row(request)
    figures = await services(request).archives.figures(row.archive)
    if figures is None:
        raise _not_measured(row)
    return row, figures


def _not_measured(row: ModelVersion) -> NotFound:
    return NotFound(
        f"The archive of version {row.version} of {row.model} has no such figures.",
        "figures_not_found",
    )


def _measured(row: ModelVersion, figures: dict[str, Any]) -> dict[str, Any]:
    """As `_Figures`."""
    return {
        "success": True,
        "model": row.model,
        "version": row.version,
        "data": figures.get("data"),
        "pictures": figures.get("pictures"),
    }


def _wants_picture(request: Request) -> bool:
    """Whether a PNG is preferred to JSON, which is what `*/*` gets."""
    accepted = request.headers.get("accept", "")
    types = [part.partition(";")[0].strip().lower() for part in accepted.split(",")]
    return _PNG in types and "application/json" not in types


async def _picture(
    request: Request, kind: Kind, row: ModelVersion, figures: dict[str, Any]
) -> Response:
    having = services(request)
    named = {**figures, "model": row.model, "version": row.version}
    png = await having.charts.png(kind, row.sha256, named)
    return Response(png, media_type=_PNG, headers={"Vary": "Accept"})


_MODEL = "/api/models/{name}/"

routes = [
    Route("/api/models/", models, methods=["GET"]),
    Route("/api/models/status/", status, methods=["GET"]),
    Route(_MODEL, model, methods=["GET"]),
    Route(f"{_MODEL}metrics/", metrics, methods=["GET"]),
    Route(f"{_MODEL}confusion-matrix/", confusion_matrix, methods=["GET"]),
    Route(f"{_MODEL}roc-curve/", roc_curve, methods=["GET"]),
    Route(f"{_MODEL}export/", export, methods=["GET"]),
]
