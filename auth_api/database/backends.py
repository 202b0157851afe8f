"""The two ways to a database: SQLite's driver in threads, PostgreSQL's in the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from datetime import datetime
from typing import Any, TypeVar, cast

import asyncpg
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection

from auth_api.database.statements import Insertion, Lookup, Row, sqlite_lookup

Result = TypeVar("Result")

STATEMENT_SECONDS = 5.0
"""For a statement, for a lock that another holds, for a free connection."""
_CONNECT_SECONDS = 3.0
_READERS = 4
_CONNECTIONS = 16
_WRITES = "ranjana_writes"


class SQLiteBackend:
    """SQLite: some threads read, one writes, so that writers wait in order and not by polling."""

    connections = _READERS + 1
    """That there may be at the same time."""

    def __init__(self, url: URL) -> None:
        self._engine = create_engine(
            url,
            pool_size=_READERS + 1,
            # What is in a statement may be personal, and errors are logged.
            hide_parameters=True,
            connect_args={"timeout": STATEMENT_SECONDS},
        )
        event.listen(self._engine, "connect", _set_up_sqlite)
        event.listen(self._engine, "begin", _begin_sqlite)
        self._writing = self._engine.execution_options(**{_WRITES: True})
        self._readers = ThreadPoolExecutor(_READERS, "sqlite-reader")
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")

    def on_connect(self, call: Callable[[], None]) -> None:
        """Has something called whenever a connection is opened."""
        event.listen(self._engine, "connect", lambda *_: call())

    async def aclose(self) -> None:
        for threads in (self._readers, self._writer):
            await asyncio.to_thread(threads.shutdown)
        self._engine.dispose()

    async def read(self, work: Callable[[Session], Result]) -> Result:
        def run() -> Result:
            with Session(self._engine, expire_on_commit=False) as session:
                return work(session)

        return await _soon(self._readers, run)

    async def write(self, work: Callable[[Session], Result]) -> Result:
        def run() -> Result:
            with Session(self._writing, expire_on_commit=False) as session, session.begin():
                return work(session)

        return await _soon(self._writer, run)

    async def snapshot(self, work: Callable[[Session], Result]) -> Result:
        def run() -> Result:
            with Session(self._engine) as session:
                session.connection().exec_driver_sql("BEGIN")
                return work(session)

        return await _soon(self._readers, run)

    async def look_up(self, lookup: Lookup, keys: Sequence[str], moment: datetime) -> list[Row]:
        def run() -> list[Row]:
            with closing(self._engine.raw_connection()) as pooled:
                driver = _driver_of(pooled)
                return driver.execute(lookup.sqlite, sqlite_lookup(keys, moment)).fetchall()

        return await _soon(self._readers, run)

    async def insert(self, insertion: Insertion, rows: Sequence[dict[str, Any]]) -> Sequence[int]:
        def run() -> Sequence[int]:
            with closing(self._engine.raw_connection()) as pooled, _driver_of(pooled) as driver:
                driver.execute("BEGIN IMMEDIATE")
                driver.executemany(insertion.sqlite, insertion.sqlite_rows(rows))
                return ids_up_to(driver.execute(LAST_ROW_ID).fetchone()[0], len(rows))

        return await _soon(self._writer, run)


LAST_ROW_ID = "SELECT last_insert_rowid()"


def ids_up_to(last: int, count: int) -> Sequence[int]:
    """The ids of rows that were inserted together, from that of the last.

    They follow each other, for nobody else writes meanwhile
    (https://sqlite.org/autoinc.html).
    """
    return range(last - count + 1, last + 1)


def _driver_of(pooled: PoolProxiedConnection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, pooled.driver_connection)


async def _soon(threads: ThreadPoolExecutor, work: Callable[[], Result]) -> Result:
    """Has a thread work, unless none is free in time: callers do not wait for ever."""
    deadline = time.monotonic() + STATEMENT_SECONDS

    def run() -> Result:
        if time.monotonic() > deadline:
            raise PoolTimeout("too many wait for the database")
        return work()

    context = contextvars.copy_context()  # has the id of the request
    return await asyncio.get_running_loop().run_in_executor(threads, context.run, run)


class PostgreSQLBackend:
    """PostgreSQL, through asyncpg."""

    connections = _CONNECTIONS
    """That there may be at the same time."""

    def __init__(self, url: URL, seconds: float = STATEMENT_SECONDS) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_timeout=STATEMENT_SECONDS,
            hide_parameters=True,
            connect_args={"timeout": _CONNECT_SECONDS, "command_timeout": seconds},
        )
        # Each statement is a transaction by itself, without the round trips of one.
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    def on_connect(self, call: Callable[[], None]) -> None:
        """Has something called whenever a connection is opened."""
        event.listen(self._engine.sync_engine, "connect", lambda *_: call())

    async def aclose(self) -> None:
        await self._engine.dispose()

    async def read(self, work: Callable[[Session], Result]) -> Result:
        async with AsyncSession(self._reading, expire_on_commit=False) as session:
            return await session.run_sync(work)

    async def write(self, work: Callable[[Session], Result]) -> Result:
        async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
            return await session.run_sync(work)

    async def snapshot(self, work: Callable[[Session], Result]) -> Result:
        steady = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        async with AsyncSession(steady) as session:
            return await session.run_sync(work)

    async def look_up(self, lookup: Lookup, keys: Sequence[str], moment: datetime) -> list[Row]:
        async with self._driver() as driver:
            return [tuple(row) for row in await driver.fetch(lookup.postgresql, keys, moment)]

    async def insert(self, insertion: Insertion, rows: Sequence[dict[str, Any]]) -> Sequence[int]:
        async with self._driver() as driver:
            columns = insertion.postgresql_columns(rows)
            numbers = await driver.fetch(insertion.postgresql, *columns)
        return sorted(number for (number,) in numbers)

    @asynccontextmanager
    async def _driver(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the pool as asyncpg's own; outside a transaction."""
        pooled = await self._engine.raw_connection()
        while (driver := cast(asyncpg.Connection, pooled.driver_connection)).is_closed():
            # The server went away while nobody used it.
            pooled.invalidate()
            pooled = await self._engine.raw_connection()
        lost = False
        try:
            yield driver
        except asyncpg.InternalClientError:
            # The server took its leave between the messages of a statement.
            lost = True
            raise
        finally:
            if lost or driver.is_closed():
                pooled.invalidate()
            pooled.close()


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # Transactions begin where `_begin_sqlite` says, not where the driver guesses.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        # Readers and the writer do not wait for each other.
        "journal_mode = WAL",
        # What was answered is on the disk, also when the power fails (the default with WAL
        # would only guarantee that after a crash of this process).
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that turns into a writing one half-way fails at once where another writes;
    # one that says so from the start waits. Reading needs none at all.
    if connection.get_execution_options().get(_WRITES):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
