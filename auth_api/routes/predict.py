"""Recognition of one image, or of several."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.routing import Route

from auth_api.authorisation.access import BATCHES, MODELS
from auth_api.errors import ApiError, Forbidden, NotFound, Unavailable
from auth_api.history.pictures import require_picture
from auth_api.http.json_response import JSONResponse
from auth_api.http.uploads import Upload, Writing, read_images, read_writing
from auth_api.http.validation import parse_query
from auth_api.models.version_routing import client_of
from auth_api.practice.alphabets import require_recogniser
from auth_api.routes.openapi import documented
from auth_api.schemas.recognition import (
    BatchAnswer,
    BatchForm,
    BatchJson,
    BatchQuery,
    PredictAnswer,
    PredictForm,
    PredictJson,
    PredictQuery,
)
from auth_api.services import possible_caller, services

Options = TypeVar("Options", bound=BatchQuery)


@documented(
    tag="recognition",
    access=MODELS,
    query=PredictQuery,
    form=PredictForm,
    json=PredictJson,
    answer=PredictAnswer,
    errors=(404,),
)
async def predict(request: Request) -> JSONResponse:
    """Recognises one character or digit.

    Send a photograph or a drawing, as a file or in base64, or the strokes of a drawing. The answer
    is the likeliest of the 36 consonants, with `characters=all` of all 62 characters of the script,
    or of the ten Western digits. A mark that is none of them gets a low confidence. Of several in
    one picture it is about the largest near the middle; `others` says how many more there are, and
    `several` asks for all of them. For a signed-in caller the answer about that one is stored in
    the history.
    """
    query = _readable(request, parse_query(request, PredictQuery))
    with ExitStack() as held:
        writing, options = await read_writing(request, query, PredictJson, held)
        _readable(request, options)
        if writing.strokes and writing.image:
            require_picture(writing.image)
        headers = options.options_for(strokes=bool(writing.strokes))
        answer = await _answer(request, options, writing, headers)
    return JSONResponse(answer)


@documented(
    tag="recognition",
    access=BATCHES,
    query=BatchQuery,
    form=BatchForm,
    json=BatchJson,
    answer=BatchAnswer,
    errors=(404,),
)
async def predict_batch(request: Request) -> JSONResponse:
    """Recognises up to 32 images at once.

    Each image counts in the rate limit. If fewer are left, none is recognised. `results` are in
    order of the images. Each is an answer or an error of `/api/predict/`. A form may have 64 MB,
    JSON only 16 MB, because it has to be read as a whole.
    """
    query = _readable(request, parse_query(request, BatchQuery))
    app = services(request)
    with ExitStack() as held:
        limit = app.settings.max_body_bytes
        uploads, options = await read_images(request, query, BatchJson, limit, held)
        _readable(request, options)
        await app.authoriser.count_pictures(request, len(uploads))
        results = await asyncio.gather(*(_result(request, options, upload) for upload in uploads))
    failures = [
        result for result in results if isinstance(result, Unavailable | NotFound | Forbidden)
    ]
    if len(failures) == len(results):
        raise failures[0]  # the cause is not in the images
    shown = [result.body if isinstance(result, ApiError) else result for result in results]
    return JSONResponse({"success": True, "results": shown})


def _readable(request: Request, options: Options) -> Options:
    """The options, whose model there is. Raises `NotFound`."""
    require_recogniser(options.model, services(request).settings.models)
    return options


async def _result(request: Request, query: BatchQuery, upload: Upload) -> dict[str, Any] | ApiError:
    try:
        with ExitStack() as held:
            return await _answer(request, query, Writing(await upload(held)), query.options())
    except ApiError as error:
        return error.with_traceback(None)  # whose frames would keep the image


async def _answer(
    request: Request, query: BatchQuery, writing: Writing, headers: Mapping[str, str]
) -> dict[str, Any]:
    owner = possible_caller(request)
    predicting = services(request).version_router.predict(
        query.model, writing.judged, client_of(request, owner), query.version, headers
    )
    if owner is None:
        return {**await predicting, "prediction_id": None}
    answer, prediction_id = await services(request).recorder.record_prediction(
        owner.user_id, writing, predicting
    )
    return {**answer, "prediction_id": prediction_id}


routes = [
    Route("/api/predict/", predict, methods=["POST"]),
    Route("/api/predict/batch/", predict_batch, methods=["POST"]),
]
