"""What users say a model got wrong: looked through, judged, and taken away as data."""

from __future__ import annotations

from datetime import datetime, timezone

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from auth_api.authorisation.access import at_least
from auth_api.corrections.exporting import zipped
from auth_api.corrections.presenting import entry
from auth_api.corrections.review import COLLECTORS, Verdict
from auth_api.errors import NotFound
from auth_api.history.pictures import MEDIA_TYPES, media_type
from auth_api.http.json_response import JSONResponse
from auth_api.http.pagination import cursor_of, row_before
from auth_api.http.validation import parse_query, row_number
from auth_api.practice.alphabets import require_recogniser
from auth_api.routes.openapi import documented
from auth_api.schemas.corrections import (
    CorrectionEntry,
    CorrectionExportQuery,
    CorrectionPage,
    CorrectionQuery,
    JudgementQuery,
)
from auth_api.services import caller, services
from auth_api.settings import SIMILARITY

_LOOKING = at_least(COLLECTORS)
_JUDGING = at_least("admin")


@documented(
    tag="corrections", access=_LOOKING, query=CorrectionQuery, answer=CorrectionPage, errors=(404,)
)
async def corrections(request: Request) -> JSONResponse:
    """Lists what users say that the model got wrong, newest first.

    A page of one state may be short, or empty, and yet have a next one: follow `next` to its end.
    """
    query, model = parse_query(request, CorrectionQuery), _model(request)
    rows, before = await services(request).corrections.page(
        model, query.state, query.limit, row_before(query.cursor)
    )
    following = cursor_of(before) if before is not None else None
    return JSONResponse({"results": [entry(model, row) for row in rows], "next": following})


@documented(tag="corrections", access=_LOOKING, answer=None, media=MEDIA_TYPES, errors=(404,))
async def image(request: Request) -> Response:
    """The picture as it was sent, while its user consents to its use as data."""
    model = _model(request)
    picture = await services(request).corrections.image(model, row_number(request))
    return Response(picture, media_type=media_type(picture))


@documented(
    tag="corrections",
    access=_JUDGING,
    query=JudgementQuery,
    answer=CorrectionEntry,
    errors=(404, 409),
)
async def accept(request: Request) -> JSONResponse:
    """Has a correction count, whatever others say of the same picture.

    Its user must consent, and its picture be there.
    """
    return await _judge(request, "accepted")


@documented(
    tag="corrections",
    access=_JUDGING,
    query=JudgementQuery,
    answer=CorrectionEntry,
    errors=(404, 409),
)
async def reject(request: Request) -> JSONResponse:
    """Has a correction not count."""
    return await _judge(request, "rejected")


@documented(
    tag="corrections",
    access=_LOOKING,
    query=CorrectionExportQuery,
    answer=None,
    media=("application/zip",),
    errors=(404,),
)
async def export(request: Request) -> Response:
    """Streams the corrections that count as a zip: a folder a class, and `labels.csv`.

    A correction counts when two users at least say the same of the same picture, and more than
    say anything else, or when an administrator has accepted it. Each picture is in it once, and
    only while its users consent.
    """
    query, model = parse_query(request, CorrectionExportQuery), _model(request)
    confirmed = query.include == "confirmed"
    having = services(request).corrections
    await having.note_export(model, confirmed, caller(request), request)
    name = f"{model}-corrections-{datetime.now(timezone.utc):%Y-%m-%d}.zip"
    return StreamingResponse(
        zipped(having.files(model, confirmed=confirmed)),
        media_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _judge(request: Request, verdict: Verdict) -> JSONResponse:
    query, model, number = (
        parse_query(request, JudgementQuery),
        _model(request),
        row_number(request),
    )
    judged = await services(request).corrections.judge(
        model, number, verdict, caller(request), request, query.actual_class
    )
    return JSONResponse(entry(model, judged))


def _model(request: Request) -> str:
    """Raises NotFound for what is no model that recognises."""
    model: str = request.path_params["name"]
    if model == SIMILARITY:
        raise NotFound(
            "There is no feedback on comparisons, and so there are no corrections.",
            "model_not_found",
        )
    require_recogniser(model, services(request).settings.models)
    return model


_CORRECTIONS = "/api/models/{name}/corrections/"

routes = [
    Route(_CORRECTIONS, corrections, methods=["GET"]),
    Route(f"{_CORRECTIONS}export/", export, methods=["GET"]),
    Route(f"{_CORRECTIONS}{{id}}/image/", image, methods=["GET"]),
    Route(f"{_CORRECTIONS}{{id}}/accept/", accept, methods=["POST"]),
    Route(f"{_CORRECTIONS}{{id}}/reject/", reject, methods=["POST"]),
]
