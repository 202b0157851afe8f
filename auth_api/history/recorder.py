"""Keeps what signed-in users ask before the answer goes out.

Writing is shared: all that is to be kept while one transaction is under way is kept by the next
one (`auth_api.database.micro_batching`). Pictures are on the disk before their row is inserted, and
what a caller gets as an id is committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from auth_api.database.columns import now
from auth_api.database.database import Database, core_of
from auth_api.database.micro_batching import MicroBatcher
from auth_api.database.statements import Insertion
from auth_api.database.tables.history import Comparison, Prediction
from auth_api.database.tables.practice import Attempt
from auth_api.errors import Unauthorised, Unavailable
from auth_api.history.pictures import Pictures, PictureStore, new_media
from auth_api.history.queries import EntryTable
from auth_api.http.uploads import decode_base64
from auth_api.practice import attempts
from auth_api.practice.progress import slot_of
from auth_api.torchserve.predictions import Answer

logger = logging.getLogger(__name__)

COMPARED = (
    "similarity_score",
    "distance",
    "is_same_character",
    "threshold",
    "form",
    "regions",
    "feedback",
    "preprocessed",
)
"""What is kept of the answer to a comparison as it is."""

# Seconds: a transaction costs as much for one row as for ten.
_LINGER_SECONDS = 0.003
_LINGER_MEANWHILE_SECONDS = 0.012
_REMEMBERED = 10_000

_PREDICTIONS = Insertion(core_of(Prediction))


@dataclass(frozen=True)
class _Row:
    """A row to be, and the name that its pictures have."""

    table: EntryTable
    values: dict[str, Any]


class HistoryRecorder:
    """Writes the history of all users."""

    def __init__(self, database: Database, pictures: PictureStore) -> None:
        self._database = database
        self._pictures = pictures
        # While a model looks at a picture there is time to wait for others to write it with.
        self._store_meanwhile = MicroBatcher(self._write_pictures, linger=_LINGER_MEANWHILE_SECONDS)
        self._store = MicroBatcher(self._write_pictures, linger=_LINGER_SECONDS)
        self._insert = MicroBatcher(self._write_rows, linger=_LINGER_SECONDS)
        # Who is known to have been active when: most rows tell nothing new.
        self._active: set[tuple[int, int]] = set()
        self._discarding: set[asyncio.Future[None]] = set()

    async def finish(self) -> None:
        """Waits until all that is to be kept is."""
        await self._store_meanwhile.finish()
        await self._store.finish()
        await self._insert.finish()
        if self._discarding:
            await asyncio.wait(self._discarding)

    async def record_prediction(
        self, user_id: int, image: bytes, predicting: Awaitable[Answer]
    ) -> tuple[Answer, int]:
        """Keeps a recognition, the picture as it was sent; answers it with its id.

        The picture is written while the model looks at it. Raises what `predicting` raises,
        Unauthorised when the account is no more, or Unavailable.
        """
        media = new_media()
        storing = self._store_meanwhile.submit((media, {"image": image}))
        try:
            answer = await predicting
        except BaseException:
            storing.add_done_callback(lambda stored: self._discard(media, stored))
            raise
        await storing
        same = ("predicted_class", "confidence", "top", "preprocessed")
        return answer, await self._insert(_row(Prediction, media, user_id, answer, same))

    async def record_comparison(self, user_id: int, strictness: str, answer: Answer) -> int:
        """Keeps a comparison with its three pictures; answers its id.

        Raises Unauthorised when the account is no more, or Unavailable.
        """
        pictures = {
            "user": decode_base64(answer["user_image"]),
            "reference": decode_base64(answer["reference_image"]),
            "overlay": decode_base64(answer["blended_overlay"]),
        }
        media = new_media()
        await self._store((media, pictures))
        row = _row(Comparison, media, user_id, answer, COMPARED)
        row.values["target_class"] = answer["compared_with_class"]
        row.values["strictness"] = strictness
        return await self._insert(row)

    async def _write_pictures(
        self, items: Sequence[tuple[str, Pictures]]
    ) -> Sequence[Exception | None]:
        try:
            await self._pictures.write(items)
        except OSError as error:
            logger.exception("pictures cannot be written")
            # None of them gets a row, and where a disk is full their space is needed.
            with contextlib.suppress(OSError):
                await self._pictures.delete([media for media, _ in items])
            raise Unavailable(
                "The picture cannot be kept at the moment. Please try again.", "storage_unavailable"
            ) from error
        return [None] * len(items)

    def _discard(self, media: str, stored: asyncio.Future[None]) -> None:
        """Deletes a picture that gets no row, while its request goes on to its error."""
        if not stored.cancelled():
            stored.exception()  # is in the log; nobody else asks for it
        task = asyncio.ensure_future(self._pictures.delete([media]))
        self._discarding.add(task)
        task.add_done_callback(self._discarding.discard)

    async def _write_rows(self, rows: Sequence[_Row]) -> Sequence[int | Exception]:
        """Writes all or, where one cannot be written, all the others."""
        try:
            # Should the commit fail, nobody knows whether it took place: the pictures stay for
            # the clean-up to judge.
            if self._is_simple(rows):
                return await self._database.insert_alone(_PREDICTIONS, [row.values for row in rows])
            numbers = await self._database.write(lambda transaction: self._add(transaction, rows))
        except DBAPIError:
            # Somebody among them deleted the account just now, most likely.
            return [await self._write_alone(row) for row in rows]
        if len(self._active) > _REMEMBERED:
            self._active.clear()
        self._active |= _activity(rows)
        return numbers

    async def _write_alone(self, row: _Row) -> int | Exception:
        """One of those that could not be written together."""
        try:
            (number,) = await self._database.write(
                lambda transaction: self._add(transaction, [row])
            )
            return number
        except IntegrityError:
            await self._pictures.delete([row.values["media"]])
            return Unauthorised("The account is no more.", "session_ended")
        except (Unavailable, DBAPIError) as error:
            return error

    def _is_simple(self, rows: Sequence[_Row]) -> bool:
        """Whether `_add` needs one statement only."""
        return all(row.table is Prediction for row in rows) and _activity(rows) <= self._active

    def _add(self, transaction: Session, rows: Sequence[_Row]) -> list[int]:
        ids: dict[int, int] = {}
        for table in (Prediction, Comparison):
            places = [place for place, row in enumerate(rows) if row.table is table]
            if places:
                values = [rows[place].values for place in places]
                numbers = self._database.insert_numbered(transaction, table, values)
                ids |= dict(zip(places, numbers, strict=True))
        compared = [
            Attempt(
                comparison_id=ids[place],
                user_id=row.values["user_id"],
                character=row.values["target_class"],
                at=row.values["created_at"],
                score=row.values["similarity_score"],
            )
            for place, row in enumerate(rows)
            if row.table is Comparison
        ]
        attempts.note(self._database, transaction, compared, _activity(rows) - self._active)
        return [ids[place] for place in range(len(rows))]


def _activity(rows: Iterable[_Row]) -> set[tuple[int, int]]:
    return {(row.values["user_id"], slot_of(row.values["created_at"])) for row in rows}


def _row(table: EntryTable, media: str, user_id: int, answer: Answer, same: Sequence[str]) -> _Row:
    values = {name: answer[name] for name in same}
    values |= {
        "user_id": user_id,
        "created_at": now(),
        "model": answer["model"]["name"],
        "version": answer["model"]["version"],
        "media": media,
    }
    return _Row(table, values)
