"""Many corrections, and corrections from older versions of the service."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api.corrections import picture_digests, review
from auth_api.corrections.data_set import CorrectionDataSet
from auth_api.corrections.review import Corrections
from auth_api.corrections.standing import MIN_AGE, MIN_DAYS
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.history import Feedback, Prediction
from auth_api.database.tables.practice import PracticeSlot
from auth_api.history.picture_folder import PictureFolder
from auth_api.history.pictures import new_media
from auth_api.observability.metrics import Metrics
from auth_api.practice.progress import SLOT
from auth_api.settings import Settings

PICTURES = 40
USERS = (1, 2, 3)


def _fill(session: Session) -> None:
    """One user says that many pictures show class 9; two others say so of the oldest."""
    names = ("username", "username_key", "email", "email_key", "password_hash")
    a_day, old = timedelta(days=1) // SLOT, now() - MIN_AGE
    for number in USERS:
        account = dict.fromkeys(names, f"user {number}")
        session.add(User(id=number, training_consent=True, created_at=old, **account))
        session.flush()
        for day in range(MIN_DAYS):
            session.add(PracticeSlot(user_id=number, slot=day * a_day + number))
    session.flush()
    for number, user in [
        (PICTURES, 2),
        (PICTURES, 3),
        *((each, 1) for each in range(PICTURES, 0, -1)),
    ]:
        values = {"model": "ranjana", "version": "1.0", "predicted_class": 8, "confidence": 50.0}
        prediction = Prediction(
            **values, user_id=user, top=[], preprocessed=True, media=new_media()
        )
        session.add(prediction)
        session.flush()
        assert prediction.id is not None
        values = {"prediction_id": prediction.id, "user_id": user, "actual_class": 9}
        session.add(Feedback(**values, sha256=f"{number:064}"))
        session.flush()


def with_database(
    folder: Path, work: Callable[[Database, Corrections, CorrectionDataSet], Awaitable[Any]]
) -> Any:
    async def run() -> Any:
        database = Database(Settings(database_url=f"sqlite:///{folder / 'ranjana.db'}"))
        try:
            await database.migrate()
            await database.write(_fill)
            pictures = PictureFolder(folder)
            corrections = Corrections(database, pictures, Metrics())
            return await work(database, corrections, CorrectionDataSet(database, pictures))
        finally:
            await database.aclose()

    return asyncio.run(run())


def test_a_page_of_one_state_reads_a_few_batches_and_the_pages_reach_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review, "_BATCH_SIZE", 3)

    async def work(database: Database, corrections: Corrections, _: CorrectionDataSet) -> None:
        found, before = await corrections.page("ranjana", "agreed", 20, None)
        assert found == []
        pages = 1
        while before is not None:
            more, before = await corrections.page("ranjana", "agreed", 20, before)
            found += more
            pages += 1
        assert pages > 2
        assert {row.vote.sha256 for row in found} == {f"{PICTURES:064}"}
        assert [row.vote.user_id for row in found] == [1, 3, 2]

        # Pictures with a verdict are found without reading the others.
        judged = update(Feedback).where(col(Feedback.id) == 1)
        for verdict, numbers in (("accepted", [3, 2, 1]), ("rejected", [1])):
            await database.write(
                lambda transaction, to=verdict: transaction.execute(judged.values(verdict=to))
            )
            page = await corrections.page("ranjana", verdict, 20, None)
            assert ([row.vote.id for row in page[0]], page[1]) == (numbers, None)

    with_database(tmp_path, work)


def test_a_correction_counts_only_with_consent(tmp_path: Path) -> None:
    async def work(database: Database, _: Corrections, data: CorrectionDataSet) -> None:
        assert await data.has_corrections("ranjana")
        assert not await data.has_corrections("digits")
        withdrawn = update(User).where(col(User.id) == 2).values(training_consent=False)
        await database.write(lambda transaction: transaction.execute(withdrawn))
        assert not await data.has_corrections("ranjana")
        counts = await data.counts("ranjana")
        assert (counts["pictures"], counts["undecided"]) == (0, PICTURES)

    with_database(tmp_path, work)


@pytest.mark.parametrize(
    ("account", "days", "counts"),
    [
        ({}, MIN_DAYS, True),
        ({"created_at": now() - MIN_AGE + timedelta(hours=1)}, MIN_DAYS, False),
        ({}, MIN_DAYS - 1, False),
        ({}, 0, False),
        ({"active": False}, MIN_DAYS, False),
    ],
)
def test_a_correction_counts_only_with_users_of_standing(
    tmp_path: Path, account: dict[str, Any], days: int, counts: bool
) -> None:
    a_day = timedelta(days=1) // SLOT

    def change(session: Session) -> None:
        if account:
            session.execute(update(User).where(col(User.id) == 3).values(account))
        session.execute(delete(PracticeSlot).where(col(PracticeSlot.user_id) == 3))
        # All day long, because hours are no days.
        slots = [slot for day in range(days) for slot in range(day * a_day, (day + 1) * a_day)]
        session.add_all(PracticeSlot(user_id=3, slot=slot) for slot in slots)

    async def work(database: Database, _: Corrections, data: CorrectionDataSet) -> None:
        await database.write(change)
        assert await data.has_corrections("ranjana") is counts
        assert (await data.counts("ranjana"))["agreed"] == counts

    with_database(tmp_path, work)


def test_old_feedback_gets_its_digests_in_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_digests, "_BATCH_SIZE", 3)

    async def work(database: Database, _: Corrections, data: CorrectionDataSet) -> None:
        storage = PictureFolder(tmp_path)
        without_digest = update(Feedback).values(sha256=None).where(col(Feedback.id) > 5)
        await database.write(lambda transaction: transaction.execute(without_digest))
        pictures = await database.read(
            lambda session: session.execute(select(col(Prediction.id), col(Prediction.media))).all()
        )
        stored = {number: media for number, media in pictures if number % 2}
        await storage.write_all([(media, {"image": b"the same"}) for media in stored.values()])
        await picture_digests.fill(database, storage)
        rows = await database.read(lambda session: session.scalars(select(Feedback)).all())
        for row in rows:
            if row.id and row.id > 5:
                digest = hashlib.sha256(b"the same").hexdigest() if row.id in stored else None
                assert row.sha256 == digest
            else:
                assert row.sha256 != hashlib.sha256(b"the same").hexdigest()
        assert await data.has_corrections("ranjana")

    with_database(tmp_path, work)


def test_a_running_export_notices_withdrawn_consent(tmp_path: Path) -> None:
    async def work(database: Database, _: Corrections, data: CorrectionDataSet) -> None:
        accepted = update(Feedback).values(verdict="accepted")
        withdrawn = update(User).values(training_consent=False)
        await database.write(lambda transaction: transaction.execute(accepted))
        sent = 0
        async for _ in data.labelled("ranjana", confirmed=False):
            sent += 1
            if sent == 1:
                await database.write(lambda transaction: transaction.execute(withdrawn))
        assert sent <= PICTURES / 2

    with_database(tmp_path, work)
