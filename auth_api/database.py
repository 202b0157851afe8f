"""The database: sessions to read and to write with, migrations, and what happens when it is away.

SQLite by default, PostgreSQL by `DATABASE_URL`. Every failure to reach it becomes `Unavailable`
here; a constraint that is violated stays SQLAlchemy's `IntegrityError`, for the caller to
understand.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Table, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlmodel import SQLModel

from auth_api.errors import Unavailable
from auth_api.settings import Settings

MIGRATIONS = Path(__file__).with_name("migrations")

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
# Seconds: for a connection, for a statement, for a lock that another holds.
_CONNECT = 3.0
_STATEMENT = 5.0
_MIGRATION = 3600.0
_WRITES = "ranjana_writes"
# Any number will do that nobody else uses in the same database.
_MIGRATION_LOCK = 72645262
# Classes of PostgreSQL's error codes (its manual, appendix A): connection, conflict with other
# transactions, resources, object in use, intervention by an operator.
_AWAY = frozenset({"08", "40", "53", "55", "57"})


class Database:
    """One database, for the event loop it is made in."""

    def __init__(self, settings: Settings) -> None:
        self.url = _url(settings)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._engine = _engine(self.url, _STATEMENT)
        if self.is_sqlite:
            self._reads = self._engine
        else:
            # Saves the round trips of a transaction that one statement does not need.
            self._reads = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writes = self._engine.execution_options(**{_WRITES: True})
        # SQLite has one writer at a time: who waits here waits in order, and not by polling.
        self._turn = asyncio.Lock()

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session for statements that each stand alone. Raises Unavailable."""
        with _translated():
            async with AsyncSession(self._reads, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """One transaction, committed at the end unless an exception passes.

        Raises Unavailable; whether the transaction took place is then unknown if it was its
        commit that failed.
        """
        with _translated():
            if self.is_sqlite:
                async with self._turn, self._transaction() as session:
                    yield session
            else:
                async with self._transaction() as session:
                    yield session

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self._writes, expire_on_commit=False) as session, session.begin():
            yield session

    def insert(self, table: type[SQLModel]) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that can say what becomes of a row that is there already."""
        core = core_of(table)
        return sqlite.insert(core) if self.is_sqlite else postgresql.insert(core)

    async def ping(self) -> None:
        """Raises Unavailable when there is no answer."""
        async with self.reading() as session:
            await session.execute(text("SELECT 1"))

    async def run(self, work: Callable[[Connection], None]) -> None:
        """Has a synchronous function work in a transaction. Raises Unavailable."""
        with _translated():
            async with self._writes.begin() as connection:
                await connection.run_sync(work)

    async def migrate(self, revision: str = "head") -> None:
        """Brings the schema to `revision`; several processes may do so at the same time.

        Raises Unavailable.
        """
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = _engine(self.url, _MIGRATION)
        try:
            with _translated():
                async with engine.execution_options(**{_WRITES: True}).begin() as connection:
                    if not self.is_sqlite:
                        await connection.execute(
                            text("SELECT pg_advisory_xact_lock(:number)"),
                            {"number": _MIGRATION_LOCK},
                        )
                    await connection.run_sync(_upgrade, revision)
        finally:
            await engine.dispose()


def core_of(table: type[SQLModel]) -> Table:
    """The table itself, for statements on many rows that need no objects."""
    core: Table = getattr(table, "__table__")  # noqa: B009 - SQLModel does not declare it
    return core


def _url(settings: Settings) -> URL:
    url = make_url(settings.database_url or f"sqlite:///{settings.data_dir / 'ranjana.db'}")
    return url.set(drivername=_DRIVERS[url.get_backend_name()])


def _engine(url: URL, seconds: float) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return create_async_engine(
            url,
            pool_size=8,
            max_overflow=8,
            pool_timeout=_STATEMENT,
            pool_pre_ping=True,
            connect_args={"timeout": _CONNECT, "command_timeout": seconds},
        )
    engine = create_async_engine(
        url,
        pool_size=4,
        max_overflow=12,
        pool_timeout=_STATEMENT,
        connect_args={"timeout": seconds},
    )
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


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


def _upgrade(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@contextmanager
def _translated() -> Iterator[None]:
    """Turns what says that the database is away into Unavailable."""
    try:
        yield
    except (DBAPIError, PoolTimeout, asyncpg.PostgresError, OSError, asyncio.TimeoutError) as error:
        if not _is_away(error):
            raise
        raise Unavailable(
            "The database cannot be reached at the moment. Please try again.",
            "database_unavailable",
        ) from error


def _is_away(error: Exception) -> bool:
    """Whether the database is at fault, and not the statement."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        if state is None:
            lost = error.connection_invalidated
            return lost or isinstance(error, OperationalError | InterfaceError)
    else:
        state = getattr(error, "sqlstate", None)
    return state is None or state[:2] in _AWAY
