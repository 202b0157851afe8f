"""What users asked and were answered: kept before the answer goes out, paged, deleted.

Writing is shared: all that is to be kept while one transaction is under way is kept by the next
one, its pictures first (`auth_api.batching`). What a caller gets as an id is committed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, insert, literal, null, select, tuple_
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api import audit, practice
from auth_api.batching import Batched
from auth_api.database import Database, core_of
from auth_api.errors import NotFound, Unauthorised, Unavailable
from auth_api.storage import Pictures, Storage, new_media
from auth_api.tables import Attempt, Comparison, Feedback, Prediction, now
from auth_api.torchserve import Answer
from auth_api.uploads import decode_base64

Kept = Prediction | Comparison
Table = type[Prediction] | type[Comparison]

_EXPORT_ROWS = 500
_NO_ROW = 2**62


@dataclass(frozen=True)
class _Entry:
    """A row to be, and its pictures."""

    table: Table
    values: dict[str, Any]
    pictures: Pictures


class History:
    """The history of all users."""

    def __init__(self, database: Database, storage: Storage) -> None:
        self._database = database
        self._storage = storage
        self._keep = Batched(self._write)

    async def finish(self) -> None:
        """Waits until all that is to be kept is."""
        await self._keep.finish()

    async def keep_prediction(self, user_id: int, image: bytes, answer: Answer) -> int:
        """Keeps a recognition with the picture as it was sent; answers its id.

        Raises Unauthorised when the account is no more, or Unavailable.
        """
        same = ("predicted_class", "confidence", "top", "preprocessed")
        return await self._keep(_entry(Prediction, user_id, answer, same, {"image": image}))

    async def keep_comparison(self, user_id: int, strictness: str, answer: Answer) -> int:
        """Keeps a comparison with its three pictures; otherwise as `keep_prediction`."""
        same = (
            "similarity_score",
            "distance",
            "is_same_character",
            "threshold",
            "form",
            "regions",
            "feedback",
            "preprocessed",
        )
        pictures = {
            "user": decode_base64(answer["user_image"]),
            "reference": decode_base64(answer["reference_image"]),
            "overlay": decode_base64(answer["blended_overlay"]),
        }
        entry = _entry(Comparison, user_id, answer, same, pictures)
        entry.values["target_class"] = answer["compared_with_class"]
        entry.values["strictness"] = strictness
        return await self._keep(entry)

    async def page(
        self, table: Table, user_id: int, limit: int, before: int | None, class_: int | None
    ) -> list[tuple[Kept, Feedback | None]]:
        """At most `limit` rows of a user, newest first, those older than the id `before`."""
        index: list[tuple[Any, Any]] = [(col(table.user_id), literal(user_id))]
        if class_ is not None:
            index.append((_class_of(table), literal(class_)))
        columns, values = zip(*index, strict=True)
        number = col(table.id)
        query = _with_feedback(table).limit(limit)
        if self._database.is_sqlite:
            query = query.where(*(column == value for column, value in index))
            query = query.where(number < before) if before is not None else query
            query = query.order_by(number.desc())
        else:
            # The same, said so that PostgreSQL cannot but read the index: it takes someone with
            # many rows for someone whose rows are everywhere, and would walk the whole table.
            end = literal(_NO_ROW if before is None else before)
            query = query.where(tuple_(*columns) >= tuple_(*values))
            query = query.where(tuple_(*columns, number) < tuple_(*values, end))
            query = query.order_by(*(column.desc() for column in (*columns, number)))
        rows = await self._database.read(_all(query))
        return [(row[0], row[1]) for row in rows]

    async def one(self, table: Table, user_id: int, number: int) -> tuple[Kept, Feedback | None]:
        """Raises NotFound, also for what is somebody else's, or Unavailable."""
        query = _with_feedback(table).where(col(table.id) == number, col(table.user_id) == user_id)
        row = await self._database.read(lambda session: session.execute(query).first())
        if row is None:
            raise _missing()
        return row[0], row[1]

    async def picture(self, table: Table, user_id: int, number: int, kind: str) -> bytes:
        """Raises NotFound or Unavailable."""
        row, _ = await self.one(table, user_id, number)
        picture = await self._storage.read(row.media, kind)
        if picture is None:
            raise _missing()
        return picture

    async def delete(self, table: Table, user_id: int, number: int, request: Request) -> None:
        """Deletes a row, its part in the progress, and then its pictures.

        Raises NotFound or Unavailable.
        """

        def remove(transaction: Session) -> str:
            media = transaction.scalar(
                delete(table)
                .where(col(table.id) == number, col(table.user_id) == user_id)
                .returning(col(table.media))
            )
            if media is None:
                raise _missing()
            if table is Comparison:
                practice.forget(self._database, transaction, user_id, number)
            transaction.add(
                audit.entry("history_deleted", user_id, request, kind=table.__name__, id=number)
            )
            return media

        await self._storage.delete([await self._database.write(remove)])

    async def all_of(
        self, table: Table, user_id: int
    ) -> AsyncIterator[tuple[Kept, Feedback | None]]:
        """Every row of a user, oldest first, a few hundred in memory at a time."""
        last = 0
        while True:
            query = (
                _with_feedback(table)
                .where(col(table.user_id) == user_id, col(table.id) > last)
                .order_by(col(table.id))
                .limit(_EXPORT_ROWS)
            )
            rows = await self._database.read(_all(query))
            for row in rows:
                yield row[0], row[1]
            if len(rows) < _EXPORT_ROWS:
                return
            last = rows[-1][0].id

    async def _write(self, entries: Sequence[_Entry]) -> Sequence[int | Exception]:
        """Writes all or, where one cannot be written, all the others."""
        items = [(entry.values["media"], entry.pictures) for entry in entries]
        try:
            await self._storage.write(items)
        except OSError as error:
            raise Unavailable(
                "The picture cannot be kept at the moment. Please try again.", "storage_unavailable"
            ) from error
        try:
            # Should the commit fail, nobody knows whether it took place: the pictures stay for
            # the clean-up to judge.
            return await self._database.write(
                lambda transaction: self._insert(transaction, entries)
            )
        except DBAPIError:
            # Somebody among them deleted the account just now, most likely.
            return [await self._write_alone(entry) for entry in entries]

    async def _write_alone(self, entry: _Entry) -> int | Exception:
        """One of those that could not be written together; its pictures are there already."""
        try:
            (number,) = await self._database.write(
                lambda transaction: self._insert(transaction, [entry])
            )
            return number
        except IntegrityError:
            await self._storage.delete([entry.values["media"]])
            return Unauthorised("The account is no more.", "session_ended")
        except (Unavailable, DBAPIError) as error:
            return error

    def _insert(self, transaction: Session, entries: Sequence[_Entry]) -> list[int]:
        ids: dict[int, int] = {}
        for table in (Prediction, Comparison):
            places = [place for place, entry in enumerate(entries) if entry.table is table]
            if not places:
                continue
            core = core_of(table)
            result = transaction.execute(
                insert(core).returning(core.c.id, sort_by_parameter_order=True),
                [entries[place].values for place in places],
            )
            ids |= dict(zip(places, result.scalars(), strict=True))
        compared = [
            Attempt(
                comparison_id=ids[place],
                user_id=entry.values["user_id"],
                character=entry.values["target_class"],
                at=entry.values["created_at"],
                score=entry.values["similarity_score"],
            )
            for place, entry in enumerate(entries)
            if entry.table is Comparison
        ]
        active = {(entry.values["user_id"], entry.values["created_at"]) for entry in entries}
        practice.note(self._database, transaction, compared, active)
        return [ids[place] for place in range(len(entries))]


def _entry(
    table: Table, user_id: int, answer: Answer, same: Sequence[str], pictures: Pictures
) -> _Entry:
    values = {name: answer[name] for name in same}
    values |= {
        "user_id": user_id,
        "created_at": now(),
        "model": answer["model"]["name"],
        "version": answer["model"]["version"],
        "media": new_media(),
    }
    return _Entry(table, values, pictures)


def _with_feedback(table: Table) -> Select[Any]:
    """Rows and, of predictions, what their users said of them."""
    if table is Prediction:
        return select(Prediction, Feedback).outerjoin(
            Feedback, col(Feedback.prediction_id) == col(Prediction.id)
        )
    return select(Comparison, null())


def _all(query: Select[Any]) -> Callable[[Session], Sequence[Any]]:
    return lambda session: session.execute(query).all()


def _class_of(table: Table) -> Any:
    return col(Prediction.predicted_class) if table is Prediction else col(Comparison.target_class)


def _missing() -> NotFound:
    return NotFound("There is no such entry in your history.")
