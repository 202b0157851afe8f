"""What users asked and were answered: paged, shown, exported and deleted.

What is in it `auth_api.history.recorder` has written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from sqlalchemy import Select, delete, literal, null, select, tuple_
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.database.database import Database
from auth_api.database.tables.history import Comparison, Feedback, Prediction
from auth_api.errors import NotFound
from auth_api.history.pictures import PictureStore
from auth_api.practice import attempts

Entry = Prediction | Comparison
EntryTable = type[Prediction] | type[Comparison]

_EXPORT_ROWS = 500
_NO_ROW = 2**62


class History:
    """The history of all users."""

    def __init__(self, database: Database, pictures: PictureStore) -> None:
        self._database = database
        self._pictures = pictures

    async def page(
        self, table: EntryTable, user_id: int, limit: int, before: int | None, class_: int | None
    ) -> list[tuple[Entry, Feedback | None]]:
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

    async def one(
        self, table: EntryTable, user_id: int, number: int
    ) -> tuple[Entry, Feedback | None]:
        """Raises NotFound, also for what is somebody else's, or Unavailable."""
        query = _with_feedback(table).where(col(table.id) == number, col(table.user_id) == user_id)
        row = await self._database.read(lambda session: session.execute(query).first())
        if row is None:
            raise _missing()
        return row[0], row[1]

    async def picture(self, table: EntryTable, user_id: int, number: int, kind: str) -> bytes:
        """Raises NotFound or Unavailable."""
        row, _ = await self.one(table, user_id, number)
        picture = await self._pictures.read(row.media, kind)
        if picture is None:
            raise _missing()
        return picture

    async def delete(self, table: EntryTable, user_id: int, number: int, request: Request) -> None:
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
                attempts.forget(self._database, transaction, user_id, number)
            recording.record(
                transaction, "history_deleted", user_id, request, kind=table.__name__, id=number
            )
            return media

        await self._pictures.delete([await self._database.write(remove)])

    async def all_of(
        self, table: EntryTable, user_id: int
    ) -> AsyncIterator[tuple[Entry, Feedback | None]]:
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


def _with_feedback(table: EntryTable) -> Select[Any]:
    """Rows and, of predictions, what their users said of them."""
    if table is Prediction:
        return select(Prediction, Feedback).outerjoin(
            Feedback, col(Feedback.prediction_id) == col(Prediction.id)
        )
    return select(Comparison, null())


def _all(query: Select[Any]) -> Callable[[Session], Sequence[Any]]:
    return lambda session: session.execute(query).all()


def _class_of(table: EntryTable) -> Any:
    return col(Prediction.predicted_class) if table is Prediction else col(Comparison.target_class)


def _missing() -> NotFound:
    return NotFound("There is no such entry in your history.")
