"""The database: reading, writing, migrations, and what happens when it is away.

SQLite by default, PostgreSQL by `DATABASE_URL`. Every failure to reach it becomes `Unavailable`
here; a constraint that is violated stays SQLAlchemy's `IntegrityError`, for the caller to
understand.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import Connection, Table, create_engine, event, insert, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from auth_api.errors import Unavailable
from auth_api.settings import Settings

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).with_name("migrations")

Result = TypeVar("Result")

# Seconds: for a connection, for a statement, for a lock that another holds.
_CONNECT = 3.0
_STATEMENT = 5.0
_MIGRATION = 3600.0
_READERS = 4
_CONNECTIONS = 16
_WRITES = "ranjana_writes"
# Any number will do that nobody else uses in the same database.
_MIGRATION_LOCK = 72645262
# Classes of PostgreSQL's error codes (its manual, appendix A): connection, read-only, no such
# database, conflict with other transactions, resources, object in use, intervention, disk.
_AWAY = frozenset({"08", "25", "3D", "40", "53", "55", "57", "58"})


class NewerDatabase(RuntimeError):
    """The database has a schema that this version does not know."""


class Database:
    """One database, for the event loop it is made in.

    What is to be done is a function of a `Session`. It runs in a thread on SQLite, whose driver
    waits; on PostgreSQL in the event loop, where each of its statements is awaited underneath.
    """

    def __init__(self, settings: Settings) -> None:
        self.url = make_url(
            settings.database_url or f"sqlite:///{settings.data_dir / 'ranjana.db'}"
        )
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._backend = _Threads(self.url) if self.is_sqlite else _Asyncio(self.url)

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._backend.aclose()

    async def read(self, work: Callable[[Session], Result]) -> Result:
        """Has `work` read; its statements stand each alone. Raises Unavailable."""
        with _translated():
            return await self._backend.read(work)

    async def write(self, work: Callable[[Session], Result], *, alone: bool = False) -> Result:
        """Has `work` done in one transaction, committed unless it raises.

        With `alone` it executes once, on many rows at most, and PostgreSQL is spared the round
        trips of a transaction. Raises Unavailable; whether the transaction took place is then
        unknown if it was its commit that failed. It goes on when the caller is cancelled, on
        SQLite.
        """
        with _translated():
            return await (self._backend.write_alone if alone else self._backend.write)(work)

    def insert(self, table: type[SQLModel]) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that can say what becomes of a row that is there already."""
        core = core_of(table)
        return sqlite.insert(core) if self.is_sqlite else postgresql.insert(core)

    def insert_numbered(
        self, transaction: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]]
    ) -> Sequence[int]:
        """Inserts one or more rows; answers their ids, in order."""
        core = core_of(table)
        if not self.is_sqlite:
            numbered = insert(core).returning(core.c.id, sort_by_parameter_order=True)
            return transaction.execute(numbered, rows).scalars().all()
        # SQLAlchemy would insert those whose ids are asked for one by one. As nobody else writes
        # meanwhile, the ids follow each other (https://sqlite.org/autoinc.html).
        transaction.execute(insert(core), rows)
        last = transaction.execute(text("SELECT last_insert_rowid()")).scalar_one()
        return range(last - len(rows) + 1, last + 1)

    async def ping(self) -> None:
        """Raises Unavailable when there is no answer."""
        await self.read(lambda session: session.execute(text("SELECT 1")))

    async def migrate(self, revision: str = "head") -> None:
        """Brings the schema to `revision`; several processes may do so at the same time.

        Raises Unavailable, or NewerDatabase.
        """

        def upgrade(session: Session) -> None:
            if not self.is_sqlite:
                lock = text("SELECT pg_advisory_xact_lock(:number)")
                session.execute(lock, {"number": _MIGRATION_LOCK})
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = session.connection()
            try:
                command.upgrade(config, revision)
            except CommandError as error:
                if not isinstance(error.__cause__, ResolutionError):
                    raise
                raise NewerDatabase(
                    "The database was migrated by a newer version of Ranjana "
                    f"(revision {error.__cause__.argument}): use that one, or restore a backup."
                ) from error

        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(0o700, parents=True, exist_ok=True)
        patient = _Threads(self.url) if self.is_sqlite else _Asyncio(self.url, _MIGRATION)
        try:
            with _translated():
                await patient.write(upgrade)
        finally:
            await patient.aclose()


class _Threads:
    """SQLite: some threads read, one writes, so that writers wait in order and not by polling."""

    def __init__(self, url: URL) -> None:
        self._engine = create_engine(
            url,
            pool_size=_READERS + 1,
            # What is in a statement may be personal, and errors are logged.
            hide_parameters=True,
            connect_args={"timeout": _STATEMENT},
        )
        event.listen(self._engine, "connect", _set_up_sqlite)
        event.listen(self._engine, "begin", _begin_sqlite)
        self._writing = self._engine.execution_options(**{_WRITES: True})
        self._readers = ThreadPoolExecutor(_READERS, "sqlite-reader")
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")

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

    # Nothing to be spared: a transaction takes no round trips here.
    write_alone = write


async def _soon(threads: ThreadPoolExecutor, work: Callable[[], Result]) -> Result:
    """Has a thread work, unless none is free in time: callers do not wait for ever."""
    deadline = time.monotonic() + _STATEMENT

    def run() -> Result:
        if time.monotonic() > deadline:
            raise PoolTimeout("too many wait for the database")
        return work()

    context = contextvars.copy_context()  # has the id of the request
    return await asyncio.get_running_loop().run_in_executor(threads, context.run, run)


class _Asyncio:
    """PostgreSQL, through asyncpg."""

    def __init__(self, url: URL, seconds: float = _STATEMENT) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_timeout=_STATEMENT,
            hide_parameters=True,
            connect_args={"timeout": _CONNECT, "command_timeout": seconds},
        )
        # Each statement is a transaction by itself, without the round trips of one.
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    async def aclose(self) -> None:
        await self._engine.dispose()

    async def read(self, work: Callable[[Session], Result]) -> Result:
        async with AsyncSession(self._reading, expire_on_commit=False) as session:
            return await session.run_sync(work)

    write_alone = read

    async def write(self, work: Callable[[Session], Result]) -> Result:
        async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
            return await session.run_sync(work)


def core_of(table: type[SQLModel]) -> Table:
    """The table itself, for statements on many rows that need no objects."""
    core: Table = getattr(table, "__table__")  # noqa: B009 - SQLModel does not declare it
    return core


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


@contextmanager
def _translated() -> Iterator[None]:
    """Turns what says that the database is away into Unavailable."""
    try:
        yield
    except (DBAPIError, PoolTimeout, asyncpg.PostgresError, OSError, asyncio.TimeoutError) as error:
        if not _is_away(error):
            raise
        logger.warning("the database is away", extra={"reason": repr(error)})
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
