"""Records the predictions and comparisons of signed-in users before the answer goes out.

Concurrent requests share transactions (`auth_api.database.micro_batching`). Pictures are stored
before their row is inserted, and a caller gets an id only after the commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from auth_api.database.columns import now
from auth_api.database.database import Database, core_of
from auth_api.database.micro_batching import MicroBatcher
from auth_api.database.statements import Insertion
from auth_api.database.tables.history import Comparison, Prediction
from auth_api.database.tables.practice import Attempt
from auth_api.errors import Conflict, Unauthorised, Unavailable
from auth_api.history.pictures import IMAGE, SHOWN, PictureStore, new_media
from auth_api.history.queries import EntryTable
from auth_api.http.base64_text import decode_base64
from auth_api.http.uploads import Writing
from auth_api.practice import attempts
from auth_api.practice.progress import slot_of
from auth_api.schemas.comparison import ComparisonQuery, Strictness
from auth_api.torchserve.wire_format import Answer

COMPARISON_FIELDS = (
    "score",
    "similarity_score",
    "distance",
    "is_same_character",
    "threshold",
    "form",
    "regions",
    "faults",
    "nearest",
    "others",
    "feedback",
    "preprocessed",
)
"""Fields of the answer to a comparison that its row stores unchanged."""

_PREDICTION_FIELDS = ("predicted_class", "confidence", "top", "preprocessed")
# A transaction costs as much for one row as for ten.
_LINGER_SECONDS = 0.003
_CACHE_SIZE = 10_000

_PREDICTIONS = Insertion(core_of(Prediction))


@dataclass(frozen=True)
class _Row:
    """A row to insert."""

    table: EntryTable
    values: dict[str, Any]
    attempt_id: str | None = None
    """Of a comparison, if its client made one."""


class HistoryRecorder:
    """Writes the history of all users."""

    def __init__(self, database: Database, pictures: PictureStore) -> None:
        self._database = database
        self._pictures = pictures
        self._write_row = MicroBatcher(self._write_rows, linger=_LINGER_SECONDS)
        # Cache of `_activity` already in the database: most rows add no new one.
        self._known_slots: set[tuple[int, int, bool]] = set()
        self._deletions: set[asyncio.Future[bool]] = set()

    async def finish(self) -> None:
        """Waits until everything is written."""
        await self._pictures.finish()
        await self._write_row.finish()
        if self._deletions:
            await asyncio.wait(self._deletions)

    async def record_prediction(
        self, user_id: int, sent: Writing, prediction: Awaitable[Answer]
    ) -> tuple[Answer, int]:
        """Records a prediction with its picture as sent, and with the one of the answer, which
        browsers can show. Of strokes without a picture, that of the answer stands for both. Returns
        the answer and the row's id.

        Writes the picture during inference. Raises what `prediction` raises, `Unauthorised` if the
        account was deleted, or `Unavailable`.
        """
        media = new_media()
        if sent.image:
            answer = await self._while_writing(media, sent.image, prediction)
        else:
            answer = await prediction
        if answer.get("picture"):
            kind = SHOWN if sent.image else IMAGE
            await self._pictures.write(media, {kind: decode_base64(answer["picture"])})
        row = _row(Prediction, media, user_id, answer, _PREDICTION_FIELDS, sent)
        return answer, await self._write_row(row)

    async def _while_writing(
        self, media: str, image: bytes, prediction: Awaitable[Answer]
    ) -> Answer:
        """Awaits the answer while the picture is written. Raises what `prediction` raises, and
        `Unavailable`.
        """
        writing = self._pictures.write(media, {IMAGE: image}, early=True)
        try:
            answer = await prediction
        except BaseException:
            writing.add_done_callback(lambda written: self._discard_written(media, written))
            raise
        await writing
        return answer

    async def record_comparison(
        self, user_id: int, sent: Writing, options: ComparisonQuery, answer: Answer
    ) -> int:
        """Records a comparison with its three pictures. Returns the row's id. Of an attempt that
        was sent before it returns the first row's id, and records nothing.

        Raises `Unauthorised` if the account was deleted, `Conflict` if the id of the attempt is
        that of another one, or `Unavailable`.
        """
        attempt_id = str(options.attempt_id) if options.attempt_id else None
        target = answer["compared_with_class"]
        if attempt_id and (first := await self._sent_before(user_id, attempt_id, target)):
            return first
        pictures = {
            "user": decode_base64(answer["user_image"]),
            "reference": decode_base64(answer["reference_image"]),
            "overlay": decode_base64(answer["blended_overlay"]),
        }
        media = new_media()
        await self._pictures.write(media, pictures)
        # Older archives of the model give no marks.
        missing = dict.fromkeys(("faults", "nearest", "others"))
        marked = {"score": round(answer["similarity_score"]), **missing, **answer}
        row = _row(Comparison, media, user_id, marked, COMPARISON_FIELDS, sent)
        row = replace(row, attempt_id=attempt_id)
        row.values.update(
            target_class=target,
            strictness=options.strictness,
            help=options.help,
            # The clock of the client may be a little ahead.
            written_at=options.written_at and min(options.written_at, now()),
        )
        return await self._write_row(row)

    async def record_worksheet(
        self, user_id: int, strictness: Strictness, cells: Sequence[Mapping[str, Any]]
    ) -> list[int]:
        """Records the comparisons of the judged cells of a worksheet, in one transaction if the
        database takes it. Returns the rows' ids, in order. Raises as `record_comparison` does.
        """
        return await asyncio.gather(
            *(
                self.record_comparison(
                    user_id,
                    Writing(b""),
                    ComparisonQuery(
                        target_class=cell["class"], strictness=strictness, help=cell["help"]
                    ),
                    cell["comparison"],
                )
                for cell in cells
            )
        )

    async def _sent_before(self, user_id: int, attempt_id: str, target: int) -> int | None:
        """The id of the comparison of an attempt that was sent before, if it was.

        Raises `Conflict` if that was at another character, and `Unavailable`.
        """
        attempt = await self._database.read(
            lambda session: attempts.sent_before(session, user_id, attempt_id)
        )
        if attempt and attempt.character != target:
            raise Conflict(
                "attempt_id is that of an attempt at another character.", "attempt_id_taken"
            )
        return attempt.comparison_id if attempt else None

    def _discard_written(self, media: str, written: asyncio.Future[None]) -> None:
        """Deletes a picture once it is written, because its request has failed."""
        if not written.cancelled():
            written.exception()  # marks it as retrieved: it is in the log already
        self._discard(media)

    def _discard(self, media: str) -> None:
        """Deletes pictures without a row in the background."""
        task = asyncio.ensure_future(self._pictures.discard([media]))
        self._deletions.add(task)
        task.add_done_callback(self._deletions.discard)

    async def _write_rows(self, rows: Sequence[_Row]) -> Sequence[int | Exception]:
        """Writes all rows together. If that fails, writes each alone."""
        try:
            # If the commit fails, the rows may exist or not. The pictures stay, and the clean-up
            # deletes those without a row.
            if self._is_single_insert(rows):
                values = [row.values for row in rows]
                return await self._database.insert_and_commit(_PREDICTIONS, values)
            ids = await self._database.write(partial(self._add, rows))
        except DBAPIError:
            # Most likely one of the users has just deleted the account.
            return [await self._write_alone(row) for row in rows]
        if len(self._known_slots) > _CACHE_SIZE:
            self._known_slots.clear()
        self._known_slots |= _activity(rows)
        return ids

    async def _write_alone(self, row: _Row) -> int | Exception:
        try:
            return (await self._database.write(partial(self._add, [row])))[0]
        except IntegrityError:
            # Other rows do not wait for the store.
            self._discard(row.values["media"])
            if row.attempt_id:  # maybe it arrived twice at the same time
                owner, target = row.values["user_id"], row.values["target_class"]
                try:
                    first = await self._sent_before(owner, row.attempt_id, target)
                except (Conflict, Unavailable) as error:
                    return error
                if first:
                    return first
            return Unauthorised("The account no longer exists.", "session_ended")
        except (Unavailable, DBAPIError) as error:
            return error

    def _is_single_insert(self, rows: Sequence[_Row]) -> bool:
        """Whether `_add` would need one statement only: predictions, and no new activity."""
        return all(row.table is Prediction for row in rows) and _activity(rows) <= self._known_slots

    def _add(self, rows: Sequence[_Row], transaction: Session) -> list[int]:
        ids: dict[int, int] = {}
        for table in (Prediction, Comparison):
            indices = [index for index, row in enumerate(rows) if row.table is table]
            if indices:
                values = [rows[index].values for index in indices]
                new_ids = self._database.insert_returning_ids(transaction, table, values)
                ids |= dict(zip(indices, new_ids, strict=True))
        new_attempts = [
            Attempt(
                comparison_id=ids[index],
                user_id=row.values["user_id"],
                character=row.values["target_class"],
                at=_moment(row),
                score=row.values["score"],
                help=row.values["help"],
                attempt_id=row.attempt_id,
            )
            for index, row in enumerate(rows)
            if row.table is Comparison
        ]
        attempts.add(self._database, transaction, new_attempts, _activity(rows) - self._known_slots)
        return [ids[index] for index in range(len(rows))]


def _moment(row: _Row) -> datetime:
    """When it was written."""
    moment: datetime = row.values.get("written_at") or row.values["created_at"]
    return moment


def _activity(rows: Iterable[_Row]) -> set[tuple[int, int, bool]]:
    """The user, the slot, and whether it is told later, of each row."""
    return {
        (row.values["user_id"], slot, slot != slot_of(row.values["created_at"]))
        for row in rows
        for slot in [slot_of(_moment(row))]
    }


def _row(
    table: EntryTable,
    media: str,
    user_id: int,
    answer: Answer,
    names: Sequence[str],
    sent: Writing,
) -> _Row:
    values = {name: answer[name] for name in names}
    values |= {
        "strokes": sent.strokes.decode() or None,
        "pen": sent.pen,
        "user_id": user_id,
        "created_at": now(),
        "model": answer["model"]["name"],
        "version": answer["model"]["version"],
        "media": media,
    }
    return _Row(table, values)
