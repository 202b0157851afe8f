"""The database: reading, writing, migrations, and what happens when it is away.

SQLite by default, PostgreSQL by `DATABASE_URL`. Every failure to reach it becomes `Unavailable`
here; a constraint that is violated stays SQLAlchemy's `IntegrityError`, for the caller to
understand.
"""

from __future__ import annotations

import asyncio
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
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
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

_PATIENT_SECONDS = 3600.0
# Any number will do that nobody else uses in the same database.
_MIGRATION_LOCK = 72645262
# Classes of PostgreSQL's error codes (its manual, appendix A): connection, read-only, who may
# connect, no such database, conflict with other transactions, resources, object in use,
# intervention, disk.
_UNREACHABLE = frozenset({"08", "25", "28", "3D", "40", "53", "55", "57", "58"})


class NewerDatabase(RuntimeError):
    """The database has a schema that this version does not know."""


class UnusableDatabase(RuntimeError):
    """The database answers, and refuses to be prepared for the service."""


class Database:
    """One database, for the event loop it is made in.

    What is to be done is a function of a `Session`. It runs in a thread on SQLite, whose driver
    waits; on PostgreSQL in the event loop, where each of its statements is awaited underneath.
    """

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        """Without `metrics` nobody asks for them."""
        self._metrics = metrics or Metrics()
        self.url = make_url(
            settings.database_url or f"sqlite:///{settings.data_dir / 'ranjana.db'}"
        )
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if settings.database_password and not self.is_sqlite:
            self.url = self.url.set(password=settings.database_password.get_secret_value())
        self._backend = SQLiteBackend(self.url) if self.is_sqlite else PostgreSQLBackend(self.url)
        self._backend.on_connect(self._metrics.database_connections.inc)
        self._metrics.database_capacity.set(self._backend.connections)

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._backend.aclose()

    async def read(self, work: Callable[[Session], Result]) -> Result:
        """Has `work` read; its statements stand each alone. Raises Unavailable."""
        with self._operation("read"):
            return await self._backend.read(work)

    async def write(self, work: Callable[[Session], Result]) -> Result:
        """Has `work` done in one transaction, committed unless it raises.

        Raises Unavailable; whether the transaction took place is then unknown if it was its
        commit that failed. It goes on when the caller is cancelled, on SQLite.
        """
        with self._operation("write"):
            return await self._backend.write(work)

    async def look_up(self, lookup: Lookup, keys: Sequence[str], moment: datetime) -> list[Row]:
        """What belongs to `keys` at a point in time. Raises Unavailable."""
        with self._operation("read"):
            return await self._backend.look_up(lookup, keys, moment)

    async def insert_alone(
        self, insertion: Insertion, rows: Sequence[dict[str, Any]]
    ) -> Sequence[int]:
        """Inserts one or more rows in a transaction of their own; answers their ids, in order.

        Raises IntegrityError, or Unavailable as `write` does.
        """
        with self._operation("write"):
            return await self._backend.insert(insertion, rows)

    @contextmanager
    def _operation(self, name: Literal["read", "write"]) -> Iterator[None]:
        """Measures what is done within the `with`, and raises Unavailable where that fails because
        the database is unreachable.
        """
        began = time.perf_counter()
        self._metrics.database_busy.inc()
        try:
            with _translated(self._metrics):
                yield
        finally:
            self._metrics.database_busy.dec()
            self._metrics.database_seconds[name,].observe(time.perf_counter() - began)

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
        # SQLAlchemy would insert those whose ids are asked for one by one.
        transaction.execute(insert(core), rows)
        return ids_up_to(transaction.execute(text(LAST_ROW_ID)).scalar_one(), len(rows))

    def one_by_one(self, transaction: Session, number: int) -> None:
        """Has transactions that ask for the same number follow each other from here on; those
        that write do so anyway on SQLite.
        """
        if not self.is_sqlite:
            lock = text("SELECT pg_advisory_xact_lock(:number)")
            transaction.execute(lock, {"number": number})

    async def ping(self) -> None:
        """Raises Unavailable when there is no answer."""
        await self.read(lambda session: session.execute(text("SELECT 1")))

    async def revision(self) -> str:
        """That of the schema. Raises Unavailable."""
        query = text("SELECT version_num FROM alembic_version")
        return await self.read(lambda session: str(session.execute(query).scalar_one()))

    async def migrate(self, revision: str = "head") -> None:
        """Brings the schema to `revision`; several processes may do so at the same time.

        Raises Unavailable, NewerDatabase, or UnusableDatabase for a file that is no database and
        rights that are lacking.
        """
        try:
            await self.rebuild(lambda session: upgrade(session, revision))
        except DBAPIError as error:
            raise UnusableDatabase(f"The database cannot be used: {error.orig}.") from error

    async def rebuild(self, work: Callable[[Session], Result]) -> Result:
        """Has `work` change the schema and what is in it, in one transaction that may take an
        hour; others who do so wait. Raises Unavailable.
        """

        def alone(session: Session) -> Result:
            self.one_by_one(session, _MIGRATION_LOCK)
            return work(session)

        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(0o700, parents=True, exist_ok=True)
        async with self._patient() as backend:
            return await backend.write(alone)

    async def snapshot(self, work: Callable[[Session], Result]) -> Result:
        """Has `work` read what there is now, whatever others write meanwhile; it may take an
        hour. Raises Unavailable.
        """
        async with self._patient() as backend:
            return await backend.snapshot(work)

    @asynccontextmanager
    async def _patient(self) -> AsyncIterator[SQLiteBackend | PostgreSQLBackend]:
        backend = (
            SQLiteBackend(self.url)
            if self.is_sqlite
            else PostgreSQLBackend(self.url, _PATIENT_SECONDS)
        )
        try:
            with _translated(self._metrics, said=False):
                yield backend
        finally:
            await backend.aclose()


def upgrade(session: Session, revision: str = "head") -> None:
    """Brings the schema to a later revision, within a transaction. Raises NewerDatabase."""
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
    """Takes all tables away, within a transaction."""
    command.downgrade(_alembic(session), "base")


def revisions() -> list[str]:
    """All that this version knows, the oldest first."""
    scripts = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    return [script.revision for script in scripts][::-1]


def _alembic(session: Session) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = session.connection()
    return config


def core_of(table: type[SQLModel]) -> Table:
    """The table itself, for statements on many rows that need no objects."""
    core: Table = getattr(table, "__table__")  # noqa: B009 - SQLModel does not declare it
    return core


@contextmanager
def _translated(metrics: Metrics, *, said: bool = True) -> Iterator[None]:
    """Turns what says that the database is unreachable into Unavailable, and what drivers say of a
    constraint into SQLAlchemy's word for it. It is `said` in the log, but where the caller does.
    """
    try:
        yield
    except (sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError) as error:
        raise IntegrityError(None, None, error) from error
    except (
        DBAPIError,
        PoolTimeout,
        sqlite3.OperationalError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        OSError,
        asyncio.TimeoutError,
    ) as error:
        if not _is_unreachable(error):
            raise
        metrics.database_failures.inc()
        if said:
            logger.warning("the database is unreachable", extra={"reason": repr(error)})
        raise Unavailable(
            "The database cannot be reached at the moment. Please try again.",
            "database_unavailable",
        ) from error


def _is_unreachable(error: Exception) -> bool:
    """Whether the database is at fault, and not the statement."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        if state is None:
            lost = error.connection_invalidated
            return lost or isinstance(error, OperationalError | InterfaceError)
    else:
        state = getattr(error, "sqlstate", None)
    return state is None or state[:2] in _UNREACHABLE
