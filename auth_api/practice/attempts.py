"""Keeps in the database what `auth_api.practice.progress` computes, as attempts come and go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api.database.database import Database, core_of
from auth_api.database.tables.practice import Attempt, CharacterProgress, PracticeSlot
from auth_api.practice.progress import Practice, practised

# Older attempts hardly count any more, and replaying thousands would keep others waiting.
_REPLAYED = 200


def note(
    database: Database,
    transaction: Session,
    attempts: Sequence[Attempt],
    active: Iterable[tuple[int, int]],
) -> None:
    """Adds attempts, oldest first, and who was active in which slot."""
    slots = [{"user_id": user_id, "slot": slot} for user_id, slot in sorted(active)]
    if slots:
        transaction.execute(database.insert(PracticeSlot).on_conflict_do_nothing(), slots)
    if not attempts:
        return
    transaction.execute(insert(core_of(Attempt)), [attempt.model_dump() for attempt in attempts])
    practices = _locked(
        database, transaction, {(attempt.user_id, attempt.character) for attempt in attempts}
    )
    for attempt in attempts:
        key = (attempt.user_id, attempt.character)
        practices[key] = practices[key].after(attempt.score, attempt.at)
    _store(transaction, practices)


def forget(database: Database, transaction: Session, user_id: int, comparison_id: int) -> None:
    """Takes an attempt back: what followed from it is computed anew from the others."""
    character = transaction.scalar(
        delete(Attempt)
        .where(col(Attempt.comparison_id) == comparison_id)
        .returning(col(Attempt.character))
    )
    if character is None:
        return
    _locked(database, transaction, {(user_id, character)})
    of_character = (col(Attempt.user_id) == user_id, col(Attempt.character) == character)
    count, best = transaction.execute(
        select(func.count(), func.max(col(Attempt.score))).where(*of_character)
    ).one()
    latest = transaction.execute(
        select(col(Attempt.score), col(Attempt.at))
        .where(*of_character)
        .order_by(col(Attempt.comparison_id).desc())
        .limit(_REPLAYED)
    ).all()
    practice = practised((score, at) for score, at in reversed(latest))
    practice = replace(practice, attempts=count, best=best or 0.0)
    _store(transaction, {(user_id, character): practice})


def practices_of(session: Session, user_id: int) -> dict[int, Practice]:
    """By character, those that were tried."""
    rows = session.scalars(
        select(CharacterProgress).where(col(CharacterProgress.user_id) == user_id)
    )
    return {row.character: _practice(row) for row in rows if row.attempts}


def slots_of(session: Session, user_id: int) -> Sequence[int]:
    """The quarters of an hour in which a user was active."""
    query = select(col(PracticeSlot.slot)).where(col(PracticeSlot.user_id) == user_id)
    return (session.scalars(query)).all()


def _locked(
    database: Database, transaction: Session, keys: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], Practice]:
    """What is kept of some characters of some users, made where it is not, and locked.

    In one order, always, so that two processes wait for each other and not crosswise.
    """
    ordered = sorted(keys)
    blank = {"attempts": 0, "best": 0.0, "quality": 0.0, "recent": []}
    transaction.execute(
        database.insert(CharacterProgress).on_conflict_do_nothing(),
        [{"user_id": user, "character": character, **blank} for user, character in ordered],
    )
    key = tuple_(col(CharacterProgress.user_id), col(CharacterProgress.character))
    rows = transaction.scalars(
        select(CharacterProgress)
        .where(key.in_(ordered))
        .order_by(col(CharacterProgress.user_id), col(CharacterProgress.character))
        .with_for_update()
    )
    return {(row.user_id, row.character): _practice(row) for row in rows}


def _store(transaction: Session, practices: dict[tuple[int, int], Practice]) -> None:
    for (user_id, character), practice in practices.items():
        transaction.execute(
            update(core_of(CharacterProgress))
            .where(
                col(CharacterProgress.user_id) == user_id,
                col(CharacterProgress.character) == character,
            )
            .values(
                attempts=practice.attempts,
                best=practice.best,
                quality=practice.quality,
                recent=list(practice.recent),
                card=practice.card,
                last_at=practice.last_at,
            )
        )


def _practice(row: CharacterProgress) -> Practice:
    return Practice(row.attempts, row.best, row.quality, tuple(row.recent), row.card, row.last_at)
