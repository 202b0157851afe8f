"""Corrections, when there are many of them, or old ones."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api.corrections import picture_digests, review
from auth_api.corrections.review import Corrections
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.history import Feedback, Prediction
from auth_api.history.pictures import PictureStore, new_media
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings

PICTURES = 40


def _fill(session: Session) -> None:
    """One user says of many pictures that they are a 9, another one says so of the oldest."""
    names = ("username", "username_key", "email", "email_key", "password_hash")
    for number in (1, 2):
        session.add(
            User(id=number, training_consent=True, **dict.fromkeys(names, f"user {number}"))
        )
    session.flush()
    for number, user in [(PICTURES, 2), *((each, 1) for each in range(PICTURES, 0, -1))]:
        seen = {"model": "ranjana", "version": "1.0", "predicted_class": 8, "confidence": 50.0}
        prediction = Prediction(**seen, user_id=user, top=[], preprocessed=True, media=new_media())
        session.add(prediction)
        session.flush()
        assert prediction.id is not None
        said = {"prediction_id": prediction.id, "user_id": user, "actual_class": 9}
        session.add(Feedback(**said, sha256=f"{number:064}"))
        session.flush()


def with_corrections(folder: Path, work: Callable[[Database, Corrections], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        database = Database(Settings(database_url=f"sqlite:///{folder / 'ranjana.db'}"))
        try:
            await database.migrate()
            await database.write(_fill)
            return await work(database, Corrections(database, PictureStore(folder), Metrics()))
        finally:
            await database.aclose()

    return asyncio.run(run())


def test_a_page_of_one_state_looks_at_some_and_can_be_followed_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review, "_AT_A_TIME", 3)

    async def work(database: Database, corrections: Corrections) -> None:
        found, before = await corrections.page("ranjana", "agreed", 20, None)
        assert found == []
        pages = 1
        while before is not None:
            more, before = await corrections.page("ranjana", "agreed", 20, before)
            found += more
            pages += 1
        assert pages > 2
        assert {row.said.sha256 for row in found} == {f"{PICTURES:064}"}
        assert [row.said.user_id for row in found] == [1, 2]

        # Those of a verdict, and what is of the same picture, are found at once.
        judged = update(Feedback).where(col(Feedback.id) == 1)
        for verdict, numbers in (("accepted", [2, 1]), ("rejected", [1])):
            await database.write(
                lambda transaction, to=verdict: transaction.execute(judged.values(verdict=to))
            )
            page = await corrections.page("ranjana", verdict, 20, None)
            assert ([row.said.id for row in page[0]], page[1]) == (numbers, None)

    with_corrections(tmp_path, work)


def test_whether_any_correction_counts_is_a_matter_of_consent(tmp_path: Path) -> None:
    async def work(database: Database, corrections: Corrections) -> None:
        assert await corrections.any("ranjana")
        assert not await corrections.any("digits")
        withdrawn = update(User).where(col(User.id) == 2).values(training_consent=False)
        await database.write(lambda transaction: transaction.execute(withdrawn))
        assert not await corrections.any("ranjana")
        counts = await corrections.counts("ranjana")
        assert (counts["pictures"], counts["undecided"]) == (0, PICTURES)

    with_corrections(tmp_path, work)


def test_feedback_from_before_digests_gets_them_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_digests, "_AT_A_TIME", 3)

    async def work(database: Database, corrections: Corrections) -> None:
        storage = PictureStore(tmp_path)
        forgotten = update(Feedback).values(sha256=None).where(col(Feedback.id) > 5)
        await database.write(lambda transaction: transaction.execute(forgotten))
        pictures = await database.read(
            lambda session: session.execute(select(col(Prediction.id), col(Prediction.media))).all()
        )
        there = {number: media for number, media in pictures if number % 2}
        await storage.write([(media, {"image": b"the same"}) for media in there.values()])
        await picture_digests.fill(database, storage)
        rows = await database.read(lambda session: session.scalars(select(Feedback)).all())
        for row in rows:
            if row.id and row.id > 5:
                digest = hashlib.sha256(b"the same").hexdigest() if row.id in there else None
                assert row.sha256 == digest
            else:
                assert row.sha256 != hashlib.sha256(b"the same").hexdigest()
        assert await corrections.any("ranjana")

    with_corrections(tmp_path, work)


def test_an_export_under_way_notices_that_consent_is_withdrawn(tmp_path: Path) -> None:
    async def work(database: Database, corrections: Corrections) -> None:
        accepted = update(Feedback).values(verdict="accepted")
        withdrawn = update(User).values(training_consent=False)
        await database.write(lambda transaction: transaction.execute(accepted))
        sent = 0
        async for _ in corrections.counted("ranjana", confirmed=False):
            sent += 1
            if sent == 1:
                await database.write(lambda transaction: transaction.execute(withdrawn))
        assert sent <= PICTURES / 2

    with_corrections(tmp_path, work)
