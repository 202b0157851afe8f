"""How a learner is coming along, and what they say of predictions."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.routing import Route

from auth_api.authorisation.access import HISTORY
from auth_api.database.columns import now
from auth_api.history import presenting
from auth_api.http.json_response import JSONResponse, iso
from auth_api.http.validation import parse_json, parse_query
from auth_api.practice import attempts
from auth_api.practice.progress import Practice, next_to_practise, streak, trend_word
from auth_api.routes.openapi import documented
from auth_api.schemas.history import FeedbackAnswer, NewFeedback, ProgressAnswer, ProgressQuery
from auth_api.services import caller, services
from handlers.characters import CHARACTERS, Character

_MASTERED = 80.0


@documented(tag="progress", access=HISTORY, query=ProgressQuery, answer=ProgressAnswer)
async def progress(request: Request) -> JSONResponse:
    """Shows each character's practice, the streak, and what to practise next."""
    query = parse_query(request, ProgressQuery)
    owner = caller(request)
    timezone = query.timezone or (await services(request).accounts.profile(owner)).timezone
    tried, slots = await services(request).database.read(
        lambda session: (
            attempts.practices_of(session, owner.user_id),
            attempts.slots_of(session, owner.user_id),
        )
    )
    moment = now()
    practices = [tried.get(character.index, Practice()) for character in CHARACTERS]
    days = streak(slots, ZoneInfo(timezone), moment)
    masteries = [practice_.mastery(moment) for practice_ in practices]
    due = [bool(practice_.due and practice_.due <= moment) for practice_ in practices]

    def reason(index: int) -> str:
        if due[index]:
            return "due"
        return "weakest" if practices[index].attempts else "new"

    return JSONResponse(
        {
            "success": True,
            "characters": [
                _character(character, practices[character.index], masteries[character.index])
                for character in CHARACTERS
            ],
            "streak": {
                "current": days.current,
                "longest": days.longest,
                "today": days.today,
                "timezone": timezone,
            },
            "totals": {
                "attempts": sum(practice_.attempts for practice_ in practices),
                "characters_tried": len(tried),
                "characters_mastered": sum(mastery >= _MASTERED for mastery in masteries),
                "mastery": round(sum(masteries) / len(masteries), 2),
                "due": sum(due),
            },
            "next": [
                {**_named(CHARACTERS[index]), "reason": reason(index)}
                for index in next_to_practise(practices, moment)
            ],
        }
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
async def feedback(request: Request) -> JSONResponse:
    """Says what a prediction should have been; said again, it replaces what was said (200)."""
    fields = await parse_json(request, NewFeedback)
    kept, made = await services(request).corrections.give(caller(request), fields, request)
    shown = {"success": True, "id": kept.id, "prediction_id": kept.prediction_id}
    return JSONResponse(shown | presenting.given(kept), 201 if made else 200)


def _character(character: Character, tried: Practice, mastery: float) -> dict[str, Any]:
    return {
        **_named(character),
        "attempts": tried.attempts,
        "best": tried.best if tried.attempts else None,
        "last": tried.last,
        "last_at": tried.last_at and iso(tried.last_at),
        "trend": None if tried.trend is None else round(tried.trend, 2),
        "trend_word": trend_word(tried.trend),
        "mastery": round(mastery, 2),
        "due": tried.due and iso(tried.due),
    }


def _named(character: Character) -> dict[str, Any]:
    return {"class": character.index, "character": character.text, "name": character.name}


routes = [
    Route("/api/progress/", progress, methods=["GET"]),
    Route("/api/feedback/", feedback, methods=["POST"]),
]
