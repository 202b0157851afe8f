"""Worksheets: sheets to print, and photographs of them to judge."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth_api.authorisation.access import BATCHES, WORKSHEETS
from auth_api.errors import ApiError, NotFound, Unauthorised, Unavailable
from auth_api.http.json_response import JSONResponse
from auth_api.http.uploads import Upload, read_images
from auth_api.http.validation import parse_query
from auth_api.models.version_routing import client_of
from auth_api.practice.presenting import to_practise
from auth_api.routes.openapi import documented
from auth_api.schemas.worksheets import (
    MAX_SHEETS,
    JudgeAnswer,
    JudgeForm,
    JudgeJson,
    JudgeQuery,
    WorksheetOptions,
    WorksheetQuery,
)
from auth_api.services import possible_caller, services
from auth_api.settings import SIMILARITY
from auth_api.worksheets.selection import classes_of

_FILE_NAME = 'inline; filename="ranjana-worksheet.pdf"'
_FOR_EVERYONE, _FOR_ONE = "public, max-age=3600", "private, no-cache"
_PICTURES_PER_SHEET = 10
"""A sheet counts in the rate limit as so many pictures, because it has that much work."""


@documented(
    tag="worksheets",
    access=WORKSHEETS,
    query=WorksheetQuery,
    answer=None,
    also={304: None},
    media=("application/pdf",),
    errors=(400,),
)
async def worksheet(request: Request) -> Response:
    """Makes a PDF of worksheets: one row for each character, on as many pages as are needed.

    Give one of `characters`, `text`, `group` and `due`. Fewer characters than rows get several rows
    each. Marks on the sheet say what is printed, for `/api/worksheets/judge/`.
    """
    query = parse_query(request, WorksheetQuery)
    classes = await _classes(request, query)
    options = {name: getattr(query, name) for name in WorksheetOptions.model_fields}
    document = await services(request).worksheets.pdf(classes, **options)
    answer = document.answer(request, _FOR_ONE if query.due else _FOR_EVERYONE)
    answer.headers["Content-Disposition"] = _FILE_NAME
    return answer


@documented(
    tag="worksheets",
    access=BATCHES,
    query=JudgeQuery,
    form=JudgeForm,
    json=JudgeJson,
    answer=JudgeAnswer,
    errors=(404,),
)
async def judge(request: Request) -> JSONResponse:
    """Judges what is written on up to 8 photographed worksheets.

    Each photograph shows one whole sheet of `/api/worksheets/`, at any angle up to 35 degrees; a
    corner may be covered. Each written cell is compared with the reference of its row. `results`
    are in order of the images, each a sheet or an error; the error of a single image is the answer.
    A sheet counts in the rate limit as ten pictures. For a signed-in caller each judged cell is
    stored in the history and counts as practice, with the help that was printed.
    """
    query = parse_query(request, JudgeQuery)
    app = services(request)
    if SIMILARITY not in app.settings.models:
        raise NotFound("There is no model to compare with.", "model_not_found")
    with ExitStack() as held:
        uploads, options = await read_images(
            request, query, JudgeJson, app.settings.max_body_bytes, held, MAX_SHEETS
        )
        await app.authoriser.count_pictures(request, _PICTURES_PER_SHEET * len(uploads))
        results = await asyncio.gather(*(_result(request, options, upload) for upload in uploads))
    failures = [result for result in results if isinstance(result, ApiError)]
    unavailable = [failure for failure in failures if isinstance(failure, Unavailable)]
    if len(results) == len(failures) and (len(results) == 1 or unavailable == failures):
        raise failures[0]
    shown = [result.body if isinstance(result, ApiError) else result for result in results]
    return JSONResponse({"success": True, "results": shown})


async def _classes(request: Request, query: WorksheetQuery) -> list[int]:
    """The characters that a request asks for."""
    if not query.due or query.model_fields_set & {"characters", "text", "group"}:
        return classes_of(query)
    owner = possible_caller(request)
    if owner is None:
        raise Unauthorised("Please sign in to get what is due.")
    return await to_practise(services(request).database, owner.user_id, query.rows)


async def _result(request: Request, query: JudgeQuery, upload: Upload) -> dict[str, Any] | ApiError:
    owner = possible_caller(request)
    try:
        with ExitStack() as held:
            answer = await services(request).version_router.predict(
                SIMILARITY,
                await upload(held),
                client_of(request, owner),
                options=query.options(),
            )
        written = [cell for cell in answer["cells"] if cell["comparison"]]
        ids: list[int | None] = [None] * len(written)
        if owner:
            ids[:] = await services(request).recorder.record_worksheet(
                owner.user_id, query.strictness, written
            )
        for cell, comparison_id in zip(written, ids, strict=True):
            cell["comparison"]["comparison_id"] = comparison_id
        return answer
    except ApiError as error:
        return error.with_traceback(None)  # whose frames would keep the image


routes = [
    Route("/api/worksheets/", worksheet, methods=["GET"]),
    Route("/api/worksheets/judge/", judge, methods=["POST"]),
]
