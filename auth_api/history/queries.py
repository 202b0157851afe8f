"""Reads and deletes history entries. `auth_api.history.recorder` writes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, literal, null, select, tuple_
from sqlalchemy.orm import Session, defer
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

_BATCH_SIZE = 500
_ABOVE_ALL_IDS = 2**62


class History:
    """The history of all users. Entries are read without their strokes, which may be large."""

    def __init__(self, database: Database, pictures: PictureStore) -> None:
        self._database = database
        self._pictures = pictures

    async def page(
        self, table: EntryTable, user_id: int, limit: int, before: int | None, class_: int | None
    ) -> Sequence[tuple[Entry, Feedback | None]]:
        """Up to `limit` entries of a user with ids below `before`, newest first."""
        conditions: list[tuple[Any, Any]] = [(col(table.user_id), literal(user_id))]
        if class_ is not None:
            column = Prediction.predicted_class if table is Prediction else Comparison.target_class
            conditions.append((col(column), literal(class_)))
        columns, values = zip(*conditions, strict=True)
        row_id, end = col(table.id), literal(_ABOVE_ALL_IDS if before is None else before)
        query = _with_feedback(table).limit(limit)
        if self._database.is_sqlite:
            query = query.where(*(column == value for column, value in conditions), row_id < end)
            query = query.order_by(row_id.desc())
        else:
            # The same condition as row comparisons, which force PostgreSQL to use the index. It
            # assumes that the rows of a user with many are everywhere, and would scan the table.
            query = query.where(tuple_(*columns) >= tuple_(*values))
            query = query.where(tuple_(*columns, row_id) < tuple_(*values, end))
            query = query.order_by(*(column.desc() for column in (*columns, row_id)))
        return await self._rows(query)

    async def one(
        self, table: EntryTable, user_id: int, row_id: int
    ) -> tuple[Entry, Feedback | None]:
        """One entry. Raises `NotFound`, also for entries of other users, or `Unavailable`."""
        query = _with_feedback(table).where(col(table.id) == row_id, col(table.user_id) == user_id)
        rows = await self._rows(query)
        if not rows:
            raise _missing()
        return rows[0]

    async def best(self, user_id: int) -> Sequence[tuple[int, int, int, datetime]]:
        """The class, id, mark and time of the best comparison of each class, in order of class.

        One from memory is better than one with help, then the higher mark, then the newer one.
        """
        own = select(
            col(Comparison.target_class),
            col(Comparison.id),
            col(Comparison.score),
            col(Comparison.created_at),
            func.row_number()
            .over(
                partition_by=col(Comparison.target_class),
                order_by=(
                    (col(Comparison.help) == "none").desc(),
                    col(Comparison.score).desc(),
                    col(Comparison.id).desc(),
                ),
            )
            .label("rank"),
        ).where(col(Comparison.user_id) == user_id)
        ranked = own.subquery()
        shown = [column for column in ranked.c if column.name != "rank"]
        query = select(*shown).where(ranked.c.rank == 1).order_by(ranked.c.target_class)
        return await self._database.read(lambda session: session.execute(query).tuples().all())

    async def strokes(self, entry: Entry) -> str | None:
        """The strokes of an entry as compact JSON, None if it has none. Raises `Unavailable`."""
        if entry.pen is None:
            return None
        table = type(entry)
        query = select(col(table.strokes)).where(col(table.id) == entry.id)
        return await self._database.read(lambda session: session.scalar(query))

    async def picture(self, table: EntryTable, user_id: int, row_id: int, kind: str) -> bytes:
        """A picture of an entry that browsers can show. Raises `NotFound`, `Unavailable`."""
        row, _ = await self.one(table, user_id, row_id)
        picture = await self._pictures.displayable(row.media, kind)
        if picture is None:
            raise _missing()
        return picture

    async def delete(self, table: EntryTable, user_id: int, row_id: int, request: Request) -> None:
        """Deletes an entry, its part in the progress, and then its pictures.

        Raises `NotFound`, `Unavailable`.
        """

        def remove(transaction: Session) -> str:
            media = transaction.scalar(
                delete(table)
                .where(col(table.id) == row_id, col(table.user_id) == user_id)
                .returning(col(table.media))
            )
            if media is None:
                raise _missing()
            if table is Comparison:
                attempts.remove(self._database, transaction, user_id, row_id)
            details = {"kind": table.__name__, "id": row_id}
            recording.record(transaction, "history_deleted", user_id, request, **details)
            return media

        await self._pictures.discard([await self._database.write(remove)])

    async def record_export(self, user_id: int, file_format: str, request: Request) -> None:
        """Writes an export to the audit log. Raises `Unavailable`."""
        await self._database.write(
            lambda transaction: recording.record(
                transaction, "history_exported", user_id, request, format=file_format
            )
        )

    async def all_of(
        self, table: EntryTable, user_id: int
    ) -> AsyncIterator[tuple[Entry, Feedback | None]]:
        """Yields every entry of a user, oldest first, with a few hundred in memory at a time."""
        query = _with_feedback(table).where(col(table.user_id) == user_id)
        query = query.order_by(col(table.id)).limit(_BATCH_SIZE)
        last_id: int | None = 0
        while rows := await self._rows(query.where(col(table.id) > last_id)):
            for row in rows:
                yield row
            last_id = rows[-1][0].id

    async def _rows(self, query: Select[Any]) -> Sequence[tuple[Entry, Feedback | None]]:
        return await self._database.read(lambda session: session.execute(query).tuples().all())


def _with_feedback(table: EntryTable) -> Select[Any]:
    """Selects rows, and for predictions also their feedback."""
    if table is Prediction:
        query = select(Prediction, Feedback).outerjoin(
            Feedback, col(Feedback.prediction_id) == col(Prediction.id)
        )
    else:
        query = select(Comparison, null())
    return query.options(defer(table.strokes))  # type: ignore[arg-type]


def _missing() -> NotFound:
    return NotFound("There is no such entry in your history.")
