"""The two backends: SQLite's driver runs in threads, PostgreSQL's in the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import asyncpg
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection

from auth_api.database.private_files import protect
from auth_api.database.statements import Insertion, Lookup, Row, sqlite_parameters

Result = TypeVar("Result")

STATEMENT_SECONDS = 5.0
"""Timeout of a statement, and of the wait for a lock or for a free connection."""
_CONNECT_SECONDS = 3.0
_READERS = 4
_IS_WRITE = "ranjana_is_write"


class SQLiteBackend:
    """SQLite. Several threads read and one writes.

    With one writer thread, writes wait in order instead of polling for SQLite's lock.
    """

    connections = _READERS + 1
    """Maximum number of open connections."""

    def __init__(self, url: URL) -> None:
        self._engine = create_engine(
            url,
            pool_size=_READERS + 1,
            # Parameters may be personal data, and errors are logged.
            hide_parameters=True,
            connect_args={"timeout": STATEMENT_SECONDS},
        )
        if url.database and url.database != ":memory:" and "uri" not in url.query:
            path = Path(url.database)
            event.listen(self._engine, "do_connect", lambda *_: protect(path))
        event.listen(self._engine, "connect", _set_up_sqlite)
        event.listen(self._engine, "begin", _begin_sqlite)
        self._write_engine = self._engine.execution_options(**{_IS_WRITE: True})
        self._reader_threads = ThreadPoolExecutor(_READERS, "sqlite-reader")
        self._writer_thread = ThreadPoolExecutor(1, "sqlite-writer")

    def on_connect(self, callback: Callable[[], None]) -> None:
        event.listen(self._engine, "connect", lambda *_: callback())

    async def aclose(self) -> None:
        for threads in (self._reader_threads, self._writer_thread):
            await asyncio.to_thread(threads.shutdown)
        self._engine.dispose()

    async def read(self, work: Callable[[Session], Result]) -> Result:
        def run() -> Result:
            with Session(self._engine, expire_on_commit=False) as session:
                return work(session)

        return await _run_in(self._reader_threads, run)

    async def write(self, work: Callable[[Session], Result]) -> Result:
        def run() -> Result:
            with Session(self._write_engine, expire_on_commit=False) as session, session.begin():
                return work(session)

        return await _run_in(self._writer_thread, run)

    async def snapshot(self, work: Callable[[Session], Result]) -> Result:
        def run() -> Result:
            with Session(self._engine) as session:
                session.connection().exec_driver_sql("BEGIN")
                return work(session)

        return await _run_in(self._reader_threads, run)

    async def look_up(self, lookup: Lookup, keys: Sequence[str], moment: datetime) -> list[Row]:
        def run() -> list[Row]:
            with closing(self._engine.raw_connection()) as pooled:
                driver = _driver_of(pooled)
                return driver.execute(lookup.sqlite, sqlite_parameters(keys, moment)).fetchall()

        return await _run_in(self._reader_threads, run)

    async def insert(self, insertion: Insertion, rows: Sequence[dict[str, Any]]) -> Sequence[int]:
        def run() -> Sequence[int]:
            with closing(self._engine.raw_connection()) as pooled, _driver_of(pooled) as driver:
                driver.execute("BEGIN IMMEDIATE")
                driver.executemany(insertion.sqlite, insertion.sqlite_rows(rows))
                return ids_up_to(driver.execute(LAST_ROW_ID).fetchone()[0], len(rows))

        return await _run_in(self._writer_thread, run)


LAST_ROW_ID = "SELECT last_insert_rowid()"


def ids_up_to(last: int, count: int) -> Sequence[int]:
    """The ids of the `count` rows that one SQLite transaction inserted last.

    They are consecutive because no other connection writes at the same time
    (https://sqlite.org/autoinc.html).
    """
    return range(last - count + 1, last + 1)


def _driver_of(pooled: PoolProxiedConnection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, pooled.driver_connection)


async def _run_in(threads: ThreadPoolExecutor, work: Callable[[], Result]) -> Result:
    """Runs `work` in a thread. Raises `PoolTimeout` if no thread is free in time."""
    deadline = time.monotonic() + STATEMENT_SECONDS

    def run() -> Result:
        if time.monotonic() > deadline:
            raise PoolTimeout("no database thread became free in time")
        return work()

    context = contextvars.copy_context()  # holds the request id for log lines
    return await asyncio.get_running_loop().run_in_executor(threads, context.run, run)


class PostgreSQLBackend:
    """PostgreSQL, through asyncpg."""

    def __init__(
        self, url: URL, connections: int, statement_seconds: float = STATEMENT_SECONDS
    ) -> None:
        self.connections = connections
        """Maximum number of open connections."""
        self._engine = create_async_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=STATEMENT_SECONDS,
            hide_parameters=True,
            connect_args={"timeout": _CONNECT_SECONDS, "command_timeout": statement_seconds},
        )
        # Each statement commits on its own, which saves the round trips of BEGIN and COMMIT.
        self._autocommit_engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    def on_connect(self, callback: Callable[[], None]) -> None:
        event.listen(self._engine.sync_engine, "connect", lambda *_: callback())

    async def aclose(self) -> None:
        await self._engine.dispose()

    async def read(self, work: Callable[[Session], Result]) -> Result:
        async with AsyncSession(self._autocommit_engine, expire_on_commit=False) as session:
            return await session.run_sync(work)

    async def write(self, work: Callable[[Session], Result]) -> Result:
        async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
            return await session.run_sync(work)

    async def snapshot(self, work: Callable[[Session], Result]) -> Result:
        snapshot_engine = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        async with AsyncSession(snapshot_engine) as session:
            return await session.run_sync(work)

    async def look_up(self, lookup: Lookup, keys: Sequence[str], moment: datetime) -> list[Row]:
        async with self._driver() as driver:
            return [tuple(row) for row in await driver.fetch(lookup.postgresql, keys, moment)]

    async def insert(self, insertion: Insertion, rows: Sequence[dict[str, Any]]) -> Sequence[int]:
        async with self._driver() as driver:
            columns = insertion.postgresql_columns(rows)
            rows_inserted = await driver.fetch(insertion.postgresql, *columns)
        return sorted(row_id for (row_id,) in rows_inserted)

    @asynccontextmanager
    async def _driver(self) -> AsyncIterator[asyncpg.Connection]:
        """Lends a pooled connection as asyncpg's own, outside a transaction."""
        pooled = await self._engine.raw_connection()
        while (driver := cast(asyncpg.Connection, pooled.driver_connection)).is_closed():
            # The server closed the connection while it was idle.
            pooled.invalidate()
            pooled = await self._engine.raw_connection()
        lost = False
        try:
            yield driver
        except asyncpg.InternalClientError:
            # The server closed the connection between the messages of a statement.
            lost = True
            raise
        finally:
            if lost or driver.is_closed():
                pooled.invalidate()
            pooled.close()


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # `_begin_sqlite` begins transactions. Otherwise the driver would guess where they begin.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        # Readers and the writer do not block each other.
        "journal_mode = WAL",
        # A commit survives a power failure. The default with WAL survives only a crash of this
        # process.
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # BEGIN IMMEDIATE waits for another writer. A transaction that starts as a read and then writes
    # would fail at once instead. Reads need no transaction.
    if connection.get_execution_options().get(_IS_WRITE):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
