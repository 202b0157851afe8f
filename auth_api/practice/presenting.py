"""A learner's progress as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.http.json_response import iso
from auth_api.practice.attempts import practices_of, slots_of
from auth_api.practice.progress import Practice, next_to_practise, streak, trend_word
from handlers.characters import CHARACTERS, Character


async def progress(
    database: Database, user_id: int, timezone: str, characters: Sequence[Character]
) -> dict[str, Any]:
    """The progress of a user with `characters`, in the form of `ProgressAnswer`.

    Raises `Unavailable`.
    """
    tried, slots = await database.read(
        lambda session: (practices_of(session, user_id), slots_of(session, user_id))
    )
    moment, zone = now(), ZoneInfo(timezone)
    practices = [tried.get(character.index, Practice()) for character in characters]
    days = streak(slots, zone, moment)
    masteries = [practice.mastery(moment) for practice in practices]
    mastered = [practice.is_mastered(moment, zone) for practice in practices]
    due = [bool(practice.due and practice.due <= moment) for practice in practices]

    def reason(index: int) -> str:
        if due[index]:
            return "due"
        return "weakest" if practices[index].card else "new"

    return {
        "success": True,
        "characters": [
            _character(*each)
            for each in zip(characters, practices, masteries, mastered, strict=True)
        ],
        "streak": {**asdict(days), "timezone": timezone},
        "totals": {
            "attempts": sum(practice.attempts for practice in practices),
            "characters_tried": sum(practice.attempts > 0 for practice in practices),
            "characters_mastered": sum(mastered),
            "mastery": round(sum(masteries) / len(masteries), 2),
            "due": sum(due),
        },
        "next": [
            {**_named(characters[index]), "reason": reason(index)}
            for index in next_to_practise(practices, moment)
        ],
    }


async def to_practise(database: Database, user_id: int, least: int) -> list[int]:
    """The characters that a user should practise next: all that are due, and others until there are
    `least`. Raises `Unavailable`.
    """
    tried = await database.read(lambda session: practices_of(session, user_id))
    moment = now()
    practices = [tried.get(character.index, Practice()) for character in CHARACTERS]
    due = sum(bool(practice.due and practice.due <= moment) for practice in practices)
    return next_to_practise(practices, moment, max(least, due))


def _character(
    character: Character, practice: Practice, mastery: float, mastered: bool
) -> dict[str, Any]:
    return {
        **_named(character),
        "attempts": practice.attempts,
        "from_memory": practice.from_memory,
        "best": practice.best if practice.from_memory else None,
        "last": practice.last,
        "last_at": practice.last_at and iso(practice.last_at),
        "trend": None if practice.trend is None else round(practice.trend, 2),
        "trend_word": trend_word(practice.trend),
        "mastery": round(mastery, 2),
        "mastered": mastered,
        "due": practice.due and iso(practice.due),
    }


def _named(character: Character) -> dict[str, Any]:
    return {"class": character.index, "character": character.text, "name": character.name}
