"""Comparison of an image or of strokes with the reference of a character."""

from __future__ import annotations

from contextlib import ExitStack

from starlette.requests import Request
from starlette.routing import Route

from auth_api.authorisation.access import MODELS
from auth_api.errors import NotFound
from auth_api.http.json_response import JSONResponse
from auth_api.http.uploads import read_writing
from auth_api.http.validation import invalid, parse_query
from auth_api.models.version_routing import client_of
from auth_api.routes.openapi import documented
from auth_api.schemas.comparison import (
    ComparisonAnswer,
    ComparisonForm,
    ComparisonJson,
    ComparisonQuery,
)
from auth_api.services import possible_caller, services
from auth_api.settings import SIMILARITY


@documented(
    tag="recognition",
    access=MODELS,
    query=ComparisonQuery,
    form=ComparisonForm,
    json=ComparisonJson,
    answer=ComparisonAnswer,
    errors=(404, 409),
)
async def compare(request: Request) -> JSONResponse:
    """Compares an image or strokes with the reference of `target_class`.

    The answer says how close the writing is, what is missing or extra, and where; of strokes also
    which is which, and whether their order and direction are those of the reference. For a
    signed-in caller it is stored in the history and counts as practice. An attempt that is sent
    again with its `attempt_id` counts once.
    """
    query = parse_query(request, ComparisonQuery)
    if SIMILARITY not in services(request).settings.models:
        raise NotFound("There is no model to compare with.", "model_not_found")
    owner = possible_caller(request)
    with ExitStack() as held:
        writing, options = await read_writing(request, query, ComparisonJson, held)
        if options.target_class is None:
            raise invalid("target_class", "Field required")
        answer = await services(request).version_router.predict(
            SIMILARITY,
            writing.judged,
            client_of(request, owner),
            options=options.options_for(strokes=bool(writing.strokes)),
        )
    comparison_id = (
        await services(request).recorder.record_comparison(owner.user_id, writing, options, answer)
        if owner
        else None
    )
    return JSONResponse({**answer, "comparison_id": comparison_id})


routes = [Route("/api/similarity/", compare, methods=["POST"])]
