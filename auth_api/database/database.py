"""Reads, writes and migrates the database: SQLite by default, PostgreSQL by `DATABASE_URL`.

An unreachable database raises `Unavailable` here. A violated constraint stays SQLAlchemy's
`IntegrityError` because only the caller knows what it means.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import Table, insert, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from auth_api.database.backends import LAST_ROW_ID, PostgreSQLBackend, SQLiteBackend, ids_up_to
from auth_api.database.statements import Insertion, Lookup, Row
from auth_api.errors import Unavailable
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).with_name("migrations")

Result = TypeVar("Result")

_LONG_STATEMENT_SECONDS = 3600.0
# An arbitrary number that no other lock in the same database uses.
_SCHEMA_LOCK = 72645262
# Processes that start together wait for each other for less than this, which is not logged.
_QUIET_SECONDS = 2.0
_LOG_SECONDS = 10.0
# Classes of PostgreSQL error codes (manual, appendix A) that do not blame the statement:
# connection, read-only transaction, authorisation, no such database, conflict of transactions,
# resources, object in use, operator intervention, system error.
_UNREACHABLE = frozenset({"08", "25", "28", "3D", "40", "53", "55", "57", "58"})


class NewerDatabase(RuntimeError):
    """The database has a schema of a newer version of Ranjana."""


class UnusableDatabase(RuntimeError):
    """The database answers but cannot be migrated: not a database file, or missing rights."""


class Database:
    """One database, used from one event loop.

    Work is a function of a `Session`. On SQLite it runs in a thread because the driver blocks. On
    PostgreSQL it runs in the event loop, and SQLAlchemy awaits each statement.
    """

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        self._metrics = metrics or Metrics()
        self.url = make_url(
            settings.database_url or f"sqlite:///{settings.data_dir / 'ranjana.db'}"
        )
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if settings.database_password and not self.is_sqlite:
            self.url = self.url.set(password=settings.database_password.get_secret_value())
        self._backend = (
            SQLiteBackend(self.url)
            if self.is_sqlite
            else PostgreSQLBackend(self.url, settings.database_connections)
        )
        self._backend.on_connect(self._metrics.database_connections.inc)
        self._metrics.database_capacity.set(self._backend.connections)

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._backend.aclose()

    async def read(self, work: Callable[[Session], Result]) -> Result:
        """Runs `work` outside a transaction: statements may see different states of the data.

        Raises `Unavailable`.
        """
        with self._operation("read"):
            return await self._backend.read(work)

    async def write(self, work: Callable[[Session], Result]) -> Result:
        """Runs `work` in one transaction and commits unless it raises.

        Raises `Unavailable`. If the commit itself failed, the transaction may or may not have been
        applied. On SQLite the work continues after the caller is cancelled.
        """
        with self._operation("write"):
            return await self._backend.write(work)

    async def look_up(self, lookup: Lookup, keys: Sequence[str], moment: datetime) -> list[Row]:
        """Returns the rows of `keys` at a point in time. Raises `Unavailable`."""
        with self._operation("read"):
            return await self._backend.look_up(lookup, keys, moment)

    async def insert_and_commit(
        self, insertion: Insertion, rows: Sequence[dict[str, Any]]
    ) -> Sequence[int]:
        """Inserts one or more rows in a transaction of their own. Returns their ids, in order.

        Raises `IntegrityError`, or `Unavailable` as `write` does.
        """
        with self._operation("write"):
            return await self._backend.insert(insertion, rows)

    @contextmanager
    def _operation(self, name: Literal["read", "write"]) -> Iterator[None]:
        """Measures an operation and translates its errors."""
        started = time.perf_counter()
        self._metrics.database_busy.inc()
        try:
            with _translate_errors(self._metrics):
                yield
        finally:
            self._metrics.database_busy.dec()
            self._metrics.database_seconds.labels(name).observe(time.perf_counter() - started)

    def insert(self, table: type[SQLModel]) -> sqlite.Insert | postgresql.Insert:
        """An INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`."""
        core = core_of(table)
        return sqlite.insert(core) if self.is_sqlite else postgresql.insert(core)

    def insert_returning_ids(
        self, transaction: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]]
    ) -> Sequence[int]:
        """Inserts one or more rows. Returns their ids, in order."""
        core = core_of(table)
        if not self.is_sqlite:
            returning = insert(core).returning(core.c.id, sort_by_parameter_order=True)
            return transaction.execute(returning, rows).scalars().all()
        # With RETURNING, SQLAlchemy would insert the rows one by one on SQLite.
        transaction.execute(insert(core), rows)
        return ids_up_to(transaction.execute(text(LAST_ROW_ID)).scalar_one(), len(rows))

    def one_by_one(self, transaction: Session, number: int) -> None:
        """Makes transactions that pass the same `number` wait for each other from here on.

        Does nothing on SQLite, where only one transaction writes at a time.
        """
        if not self.is_sqlite:
            lock = text("SELECT pg_advisory_xact_lock(:number)")
            transaction.execute(lock, {"number": number})

    async def ping(self) -> None:
        """Raises `Unavailable` if the database does not answer."""
        await self.read(lambda session: session.execute(text("SELECT 1")))

    async def revision(self) -> str:
        """The migration that the schema is at. Raises `Unavailable`."""
        query = text("SELECT version_num FROM alembic_version")
        return await self.read(lambda session: str(session.execute(query).scalar_one()))

    async def migrate(self, revision: str = "head") -> None:
        """Migrates the schema to `revision`. Several processes may call this at the same time.

        Raises `Unavailable`, `NewerDatabase`, `UnusableDatabase`.
        """
        try:
            await self.rebuild(lambda session: upgrade(session, revision))
        except DBAPIError as error:
            raise UnusableDatabase(f"The database cannot be used: {error.orig}.") from error

    async def rebuild(self, work: Callable[[Session], Result]) -> Result:
        """Runs `work`, which changes the schema and its rows, in one transaction of up to an hour.

        Other calls of `rebuild` wait meanwhile, and log that. Raises `Unavailable`.
        """

        def locked(session: Session) -> Result:
            if not self.is_sqlite:
                _lock_schema(session)
            return work(session)

        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(0o700, parents=True, exist_ok=True)
        async with self._long_running() as backend:
            return await backend.write(locked)

    async def snapshot(self, work: Callable[[Session], Result]) -> Result:
        """Runs `work`, which reads one moment of the database whatever others write meanwhile.

        It may take an hour. Raises `Unavailable`.
        """
        async with self._long_running() as backend:
            return await backend.snapshot(work)

    @asynccontextmanager
    async def _long_running(self) -> AsyncIterator[SQLiteBackend | PostgreSQLBackend]:
        backend = (
            SQLiteBackend(self.url)
            if self.is_sqlite
            else PostgreSQLBackend(self.url, 1, _LONG_STATEMENT_SECONDS)
        )
        try:
            with _translate_errors(self._metrics, log=False):
                yield backend
        finally:
            await backend.aclose()


def _lock_schema(transaction: Session) -> None:
    """Waits until no other process changes the schema, to the end of the transaction."""
    lock = text("SELECT pg_try_advisory_xact_lock(:number)")
    since, log_after = time.monotonic(), _QUIET_SECONDS
    while not transaction.execute(lock, {"number": _SCHEMA_LOCK}).scalar_one():
        seconds = time.monotonic() - since
        if seconds > log_after:
            log_after = seconds + _LOG_SECONDS
            reason = "another process migrates or restores it"
            waited = {"reason": reason, "seconds": round(seconds)}
            logger.warning("waiting for the database", extra=waited)
        transaction.execute(text("SELECT pg_sleep(0.1)"))


def upgrade(session: Session, revision: str = "head") -> None:
    """Migrates to a later revision within a transaction. Raises `NewerDatabase`."""
    try:
        command.upgrade(_alembic(session), revision)
    except CommandError as error:
        if not isinstance(error.__cause__, ResolutionError):
            raise
        raise NewerDatabase(
            "The database was migrated by a newer version of Ranjana "
            f"(revision {error.__cause__.argument}): use that one, or restore a backup."
        ) from error


def empty(session: Session) -> None:
    """Drops all tables within a transaction."""
    command.downgrade(_alembic(session), "base")


def revisions() -> list[str]:
    """The revisions that this version knows, oldest first."""
    scripts = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    return [script.revision for script in scripts][::-1]


def _alembic(session: Session) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = session.connection()
    return config


def core_of(table: type[SQLModel]) -> Table:
    """The SQLAlchemy table of a model, for statements that need no objects."""
    core: Table = getattr(table, "__table__")  # noqa: B009 - SQLModel does not declare it
    return core


@contextmanager
def _translate_errors(metrics: Metrics, *, log: bool = True) -> Iterator[None]:
    """Raises `Unavailable` for an unreachable database, and SQLAlchemy's `IntegrityError` for that
    of a driver. `log=False`: the caller logs the outage itself.
    """
    try:
        yield
    except (sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError) as error:
        raise IntegrityError(None, None, error) from error
    except (
        TimeoutError,
        DBAPIError,
        PoolTimeout,
        sqlite3.OperationalError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        # SQLAlchemy does not wrap the errors of its first statements on a new connection.
        AsyncAdapt_asyncpg_dbapi.Error,
        OSError,
    ) as error:
        if not _is_unreachable(error):
            raise
        metrics.database_failures.inc()
        if log:
            logger.warning("the database is unreachable", extra={"reason": repr(error)})
        raise Unavailable(
            "The database cannot be reached at the moment. Please try again.",
            "database_unavailable",
        ) from error


def _is_unreachable(error: Exception) -> bool:
    """Whether the fault lies with the database and not with the statement."""
    state = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
    if state is not None:
        return state[:2] in _UNREACHABLE
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(
            # An internal error without a code: the connection was cut between two messages.
            error,
            OperationalError | InterfaceError | InternalError,
        )
    return True
