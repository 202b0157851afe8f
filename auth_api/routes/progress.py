"""The caller's progress, and feedback on predictions."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from auth_api.authorisation.access import HISTORY
from auth_api.history import presenting
from auth_api.http.json_response import JSONResponse
from auth_api.http.validation import parse_json, parse_query
from auth_api.practice.presenting import progress as progress_of
from auth_api.routes.openapi import documented
from auth_api.schemas.history import FeedbackAnswer, NewFeedback, ProgressAnswer, ProgressQuery
from auth_api.services import caller, services
from handlers.characters import CHARACTER_SETS


@documented(tag="progress", access=HISTORY, query=ProgressQuery, answer=ProgressAnswer)
async def progress(request: Request) -> JSONResponse:
    """Shows the progress with each character, the streak, and what to practise next.

    Totals and what to practise are of the characters that `characters` names; the streak counts
    every day with practice.
    """
    query, owner = parse_query(request, ProgressQuery), caller(request)
    timezone = query.timezone or (await services(request).profiles.get(owner)).timezone
    characters = CHARACTER_SETS[query.characters]
    return JSONResponse(
        await progress_of(services(request).database, owner.user_id, timezone, characters)
    )


@documented(
    tag="progress",
    access=HISTORY,
    json=NewFeedback,
    answer=FeedbackAnswer,
    status=201,
    also={200: FeedbackAnswer},
    errors=(404,),
)
async def send_feedback(request: Request) -> JSONResponse:
    """Stores what a prediction should have been. Sending it again replaces it (200)."""
    fields = await parse_json(request, NewFeedback)
    feedback, created = await services(request).corrections.submit(caller(request), fields, request)
    shown = {"success": True, "id": feedback.id, "prediction_id": feedback.prediction_id}
    return JSONResponse(shown | presenting.given(feedback), 201 if created else 200)


routes = [
    Route("/api/progress/", progress, methods=["GET"]),
    Route("/api/feedback/", send_feedback, methods=["POST"]),
]
