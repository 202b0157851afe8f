"""The caller's own history. Entries of other users are never found."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from auth_api.authorisation.access import HISTORY
from auth_api.database.tables.history import Comparison, Prediction
from auth_api.history.exporting import as_csv, as_json
from auth_api.history.pictures import MEDIA_TYPES, media_type
from auth_api.history.presenting import best, entry, whole_entry
from auth_api.history.queries import EntryTable
from auth_api.http.json_response import JSONResponse
from auth_api.http.pagination import page, row_before
from auth_api.http.validation import parse_query, row_number
from auth_api.routes.openapi import documented
from auth_api.schemas.accounts import Message
from auth_api.schemas.history import (
    BestComparisons,
    ComparisonPage,
    ExportQuery,
    History,
    PageQuery,
    PredictionPage,
    WholeComparisonEntry,
    WholePredictionEntry,
)
from auth_api.services import caller, services


@documented(tag="history", access=HISTORY, query=PageQuery, answer=PredictionPage)
async def predictions(request: Request) -> JSONResponse:
    """Lists recognitions, newest first. Strokes may be large: a single entry has them."""
    return await _page(request, Prediction)


@documented(tag="history", access=HISTORY, query=PageQuery, answer=ComparisonPage)
async def similarities(request: Request) -> JSONResponse:
    """Lists comparisons, newest first. Strokes may be large: a single entry has them."""
    return await _page(request, Comparison)


@documented(tag="history", access=HISTORY, answer=BestComparisons)
async def best_similarities(request: Request) -> JSONResponse:
    """Lists the best comparison of each class. Those written from memory come first, then marks
    count.
    """
    rows = await services(request).history.best(caller(request).user_id)
    return JSONResponse({"success": True, "results": [best(*row) for row in rows]})


@documented(tag="history", access=HISTORY, answer=WholePredictionEntry, errors=(404,))
async def prediction(request: Request) -> JSONResponse:
    """Shows one recognition."""
    return await _one(request, Prediction)


@documented(tag="history", access=HISTORY, answer=WholeComparisonEntry, errors=(404,))
async def similarity(request: Request) -> JSONResponse:
    """Shows one comparison."""
    return await _one(request, Comparison)


@documented(tag="history", access=HISTORY, answer=Message, errors=(404,))
async def delete_prediction(request: Request) -> JSONResponse:
    """Deletes a recognition with its picture and its feedback."""
    return await _delete(request, Prediction)


@documented(tag="history", access=HISTORY, answer=Message, errors=(404,))
async def delete_similarity(request: Request) -> JSONResponse:
    """Deletes a comparison with its pictures, and removes it from the progress."""
    return await _delete(request, Comparison)


@documented(tag="history", access=HISTORY, answer=None, media=MEDIA_TYPES, errors=(404,))
async def prediction_image(request: Request) -> Response:
    """Returns the picture as it was sent; a JPEG in grey of a HEIC, which few browsers show, and of
    strokes without a picture.
    """
    return await _picture(request, Prediction, "image")


@documented(tag="history", access=HISTORY, answer=None, media=MEDIA_TYPES, errors=(404,))
async def user_image(request: Request) -> Response:
    """Returns the picture of the learner's ink."""
    return await _picture(request, Comparison, "user")


@documented(tag="history", access=HISTORY, answer=None, media=MEDIA_TYPES, errors=(404,))
async def reference_image(request: Request) -> Response:
    """Returns the reference picture of the comparison."""
    return await _picture(request, Comparison, "reference")


@documented(tag="history", access=HISTORY, answer=None, media=MEDIA_TYPES, errors=(404,))
async def overlay_image(request: Request) -> Response:
    """Returns the learner's ink overlaid on the reference."""
    return await _picture(request, Comparison, "overlay")


@documented(tag="history", access=HISTORY, query=ExportQuery, answer=History, media=("text/csv",))
async def export(request: Request) -> Response:
    """Streams the whole history, oldest first. Pictures are given as paths."""
    query = parse_query(request, ExportQuery)
    history, owner = services(request).history, caller(request).user_id
    await history.record_export(owner, query.format, request)
    content, kind = (
        (as_csv(history, owner), "text/csv; charset=utf-8")
        if query.format == "csv"
        else (as_json(history, owner), "application/json")
    )
    name = f"ranjana-{datetime.now(UTC):%Y-%m-%d}.{query.format}"
    return StreamingResponse(
        content,
        media_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _page(request: Request, table: EntryTable) -> JSONResponse:
    query = parse_query(request, PageQuery)
    rows = await services(request).history.page(
        table, caller(request).user_id, query.limit + 1, row_before(query.cursor), query.class_
    )
    return JSONResponse(page([entry(*row) for row in rows], query.limit))


async def _one(request: Request, table: EntryTable) -> JSONResponse:
    owner = caller(request).user_id
    history = services(request).history
    row, feedback = await history.one(table, owner, row_number(request))
    return JSONResponse(whole_entry(row, feedback, await history.strokes(row)))


async def _delete(request: Request, table: EntryTable) -> JSONResponse:
    owner = caller(request).user_id
    await services(request).history.delete(table, owner, row_number(request), request)
    return JSONResponse({"message": "Deleted successfully."})


async def _picture(request: Request, table: EntryTable, kind: str) -> Response:
    owner = caller(request).user_id
    picture = await services(request).history.picture(table, owner, row_number(request), kind)
    return Response(picture, media_type=media_type(picture))


_PREDICTION = "/api/history/predictions/{id}/"
_SIMILARITY = "/api/history/similarities/{id}/"

routes = [
    Route("/api/history/predictions/", predictions, methods=["GET"]),
    Route(_PREDICTION, prediction, methods=["GET"]),
    Route(_PREDICTION, delete_prediction, methods=["DELETE"]),
    Route(f"{_PREDICTION}image/", prediction_image, methods=["GET"]),
    Route("/api/history/similarities/", similarities, methods=["GET"]),
    Route("/api/history/similarities/best/", best_similarities, methods=["GET"]),
    Route(_SIMILARITY, similarity, methods=["GET"]),
    Route(_SIMILARITY, delete_similarity, methods=["DELETE"]),
    Route(f"{_SIMILARITY}user/", user_image, methods=["GET"]),
    Route(f"{_SIMILARITY}reference/", reference_image, methods=["GET"]),
    Route(f"{_SIMILARITY}overlay/", overlay_image, methods=["GET"]),
    Route("/api/history/export/", export, methods=["GET"]),
]
