"""Corrections of a model by its users: listed, judged, and exported as labelled data."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from auth_api.authorisation.access import at_least
from auth_api.corrections.data_set import EXPORT_ROLE
from auth_api.corrections.presenting import entry
from auth_api.corrections.review import Verdict
from auth_api.errors import NotFound
from auth_api.history.pictures import MEDIA_TYPES, media_type
from auth_api.http.json_response import JSONResponse
from auth_api.http.pagination import cursor_of, row_before
from auth_api.http.validation import parse_query, row_number
from auth_api.http.zip_stream import zipped
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

_REVIEWER = at_least(EXPORT_ROLE)
_ADMIN = at_least("admin")


@documented(
    tag="corrections", access=_REVIEWER, query=CorrectionQuery, answer=CorrectionPage, errors=(404,)
)
async def corrections(request: Request) -> JSONResponse:
    """Lists corrections of a model by its users, newest first.

    With `state`, a page can be short or empty although more follow: go on until `next` is null.
    """
    query, model = parse_query(request, CorrectionQuery), _model(request)
    rows, before = await services(request).corrections.page(
        model, query.state, query.limit, row_before(query.cursor)
    )
    following = cursor_of(before) if before is not None else None
    return JSONResponse({"results": [entry(model, row) for row in rows], "next": following})


@documented(tag="corrections", access=_REVIEWER, answer=None, media=MEDIA_TYPES, errors=(404,))
async def image(request: Request) -> Response:
    """Returns the picture, while its user consents to its use as data; of a HEIC a JPEG in grey."""
    model = _model(request)
    picture = await services(request).corrections.image(model, row_number(request))
    return Response(picture, media_type=media_type(picture))


@documented(
    tag="corrections",
    access=_ADMIN,
    query=JudgementQuery,
    answer=CorrectionEntry,
    errors=(404, 409),
)
async def accept(request: Request) -> JSONResponse:
    """Accepts a correction as data, whatever other users say of the same picture.

    Its user must consent, and the picture must still be stored.
    """
    return await _judge(request, "accepted")


@documented(
    tag="corrections",
    access=_ADMIN,
    query=JudgementQuery,
    answer=CorrectionEntry,
    errors=(404, 409),
)
async def reject(request: Request) -> JSONResponse:
    """Rejects a correction, so that it does not count."""
    return await _judge(request, "rejected")


@documented(
    tag="corrections",
    access=_REVIEWER,
    query=CorrectionExportQuery,
    answer=None,
    media=("application/zip",),
    errors=(404,),
)
async def export(request: Request) -> Response:
    """Streams the corrections that count as a zip: one folder per class, and `labels.csv`.

    A correction counts when an administrator has accepted it, or when at least three users of some
    standing name the same class for the same picture and fewer of them name any other class. A user
    has standing a week after sign-up and with recognitions or comparisons on three days. Each
    picture is in the zip once, and only while its user consents.
    """
    query, model = parse_query(request, CorrectionExportQuery), _model(request)
    confirmed = query.include == "confirmed"
    data = services(request).correction_data
    await data.record_export(model, confirmed, caller(request), request)
    name = f"{model}-corrections-{datetime.now(UTC):%Y-%m-%d}.zip"
    return StreamingResponse(
        zipped(data.files(model, confirmed=confirmed)),
        media_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _judge(request: Request, verdict: Verdict) -> JSONResponse:
    query, model = parse_query(request, JudgementQuery), _model(request)
    judged = await services(request).corrections.judge(
        model, row_number(request), verdict, caller(request), request, query.actual_class
    )
    return JSONResponse(entry(model, judged))


def _model(request: Request) -> str:
    """The model of the path. Raises `NotFound` unless it is one that recognises."""
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
