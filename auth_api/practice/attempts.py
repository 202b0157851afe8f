"""Stores attempts, and keeps the progress (`auth_api.practice.progress`) up to date with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields, replace

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api.database.database import Database, core_of
from auth_api.database.tables.practice import Attempt, CharacterProgress, PracticeSlot
from auth_api.practice.progress import Practice, replay

# Older attempts hardly count, and other transactions wait while attempts are replayed.
_REPLAY_LIMIT = 200


def add(
    database: Database,
    transaction: Session,
    attempts: Sequence[Attempt],
    activity: Iterable[tuple[int, int, bool]],
) -> None:
    """Adds attempts, and activity as (user id, slot, whether it is told later).

    Raises `IntegrityError` if a user has an attempt of the same `attempt_id` already.
    """
    names = ("user_id", "slot", "late")
    slots = [dict(zip(names, each, strict=True)) for each in sorted(activity)]
    if slots:
        transaction.execute(database.insert(PracticeSlot).on_conflict_do_nothing(), slots)
    if not attempts:
        return
    transaction.execute(insert(core_of(Attempt)), [attempt.model_dump() for attempt in attempts])
    keys = {(attempt.user_id, attempt.character) for attempt in attempts}
    practices = _lock(database, transaction, keys)
    late = set()
    for attempt in attempts:
        key = (attempt.user_id, attempt.character)
        last_at = practices[key].last_at
        if last_at and attempt.at < last_at:
            late.add(key)  # such as one that was written offline
        else:
            practices[key] = practices[key].after(attempt.score, attempt.at, attempt.help)
    practices |= {key: _replayed(transaction, *key) for key in late}
    _store(transaction, practices)


def remove(database: Database, transaction: Session, user_id: int, comparison_id: int) -> None:
    """Removes an attempt and recomputes the progress from the others."""
    character = transaction.scalar(
        delete(Attempt)
        .where(col(Attempt.comparison_id) == comparison_id)
        .returning(col(Attempt.character))
    )
    if character is None:
        return
    _lock(database, transaction, {(user_id, character)})
    _store(transaction, {(user_id, character): _replayed(transaction, user_id, character)})


def sent_before(session: Session, user_id: int, attempt_id: str) -> Attempt | None:
    """The attempt of a user that has this `attempt_id`, if there is one."""
    own = col(Attempt.user_id) == user_id, col(Attempt.attempt_id) == attempt_id
    return session.scalar(select(Attempt).where(*own))


def practices_of(session: Session, user_id: int) -> dict[int, Practice]:
    """The practice of a user by character, for characters with attempts."""
    query = select(CharacterProgress).where(col(CharacterProgress.user_id) == user_id)
    return {row.character: _practice(row) for row in session.scalars(query) if row.attempts}


def slots_of(session: Session, user_id: int) -> Sequence[int]:
    """The quarter-hours in which a user was active."""
    query = select(col(PracticeSlot.slot)).where(col(PracticeSlot.user_id) == user_id)
    return session.scalars(query).all()


def _lock(
    database: Database, transaction: Session, keys: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], Practice]:
    """Locks and returns the progress rows of (user id, character). Creates missing rows.

    Rows are locked in sorted order so that two processes cannot deadlock.
    """
    ordered = sorted(keys)
    blank = {"attempts": 0, "best": 0.0, "quality": 0.0, "recent": []}
    transaction.execute(
        database.insert(CharacterProgress).on_conflict_do_nothing(),
        [{"user_id": user, "character": character, **blank} for user, character in ordered],
    )
    key = col(CharacterProgress.user_id), col(CharacterProgress.character)
    query = select(CharacterProgress).where(tuple_(*key).in_(ordered)).order_by(*key)
    rows = transaction.scalars(query.with_for_update())
    return {(row.user_id, row.character): _practice(row) for row in rows}


def _replayed(transaction: Session, user_id: int, character: int) -> Practice:
    """The practice of a character, computed from its stored attempts in the order of writing."""
    of_character = (col(Attempt.user_id) == user_id, col(Attempt.character) == character)
    at, score = col(Attempt.at), col(Attempt.score)
    from_memory = col(Attempt.help) == "none"
    count, of_memory, best, first = transaction.execute(
        select(
            func.count(),
            func.count().filter(from_memory),
            func.max(score).filter(from_memory),
            func.min(at).filter(from_memory),
        ).where(*of_character)
    ).one()
    latest = transaction.execute(
        select(score, at, col(Attempt.help))
        .where(*of_character)
        .order_by(at.desc(), col(Attempt.comparison_id).desc())
        .limit(_REPLAY_LIMIT)
    ).all()
    return replace(
        replay((score, at, help) for score, at, help in reversed(latest)),
        attempts=count,
        from_memory=of_memory,
        best=best or 0.0,
        first_from_memory=first,
    )


def _store(transaction: Session, practices: dict[tuple[int, int], Practice]) -> None:
    table = core_of(CharacterProgress)
    for (user_id, character), practice in practices.items():
        own = table.c.user_id == user_id, table.c.character == character
        transaction.execute(update(table).where(*own).values(**asdict(practice)))


def _practice(row: CharacterProgress) -> Practice:
    values = {each.name: getattr(row, each.name) for each in fields(Practice)}
    return Practice(**{**values, "recent": tuple(row.recent)})
