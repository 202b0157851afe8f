"""Migrations bring a database of any revision to today's schema and keep its rows."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, TypeVar

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from argon2 import PasswordHasher
from sqlalchemy import Connection, MetaData, Table, inspect, select, text
from sqlalchemy.exc import DBAPIError

from auth_api.database.database import MIGRATIONS, Database, UnusableDatabase
from auth_api.database.tables import METADATA
from auth_api.errors import Unavailable
from auth_api.settings import Settings
from launcher.ports import free_port
from tests.support.apis import PASSWORD, StartApi
from tests.support.forked import run_command
from tests.support.running import private, wait_for

Result = TypeVar("Result")

SCRIPTS = ScriptDirectory(str(MIGRATIONS))
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()][::-1]
VERSIONS = "alembic_version"
MOMENT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


@pytest.fixture
def empty(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if database == "sqlite":
        return f"sqlite:///{tmp_path / 'ranjana.db'}"
    return str(request.getfixturevalue("postgresql").new_database())


def migrate(url: str, revision: str = "head") -> None:
    async def run() -> None:
        database = Database(Settings(database_url=url))
        try:
            await database.migrate(revision)
        finally:
            await database.aclose()

    asyncio.run(run())


def within(url: str, work: Callable[[Connection], Result]) -> Result:
    """Runs `work` in one transaction."""

    async def run() -> Result:
        database = Database(Settings(database_url=url))
        try:
            return await database.write(lambda session: work(session.connection()))
        finally:
            await database.aclose()

    return asyncio.run(run())


def revision_of(url: str) -> str:
    return within(url, lambda c: str(c.scalar(text(f"SELECT version_num FROM {VERSIONS}"))))


def differences(connection: Connection) -> list[Any]:
    """Differences between the schema and the tables that the code declares."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, METADATA))


def reflected(connection: Connection) -> list[Table]:
    """The tables of the database, referenced tables first."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != VERSIONS]


def fill(connection: Connection) -> dict[str, dict[str, Any]]:
    """Gives each table a row. Returns the rows as the database reads them."""
    rows: dict[str, dict[str, Any]] = {}
    for table in reflected(connection):
        row: dict[str, Any] = {}
        for column in table.columns:
            if column.foreign_keys:
                (key,) = column.foreign_keys
                row[column.name] = rows[key.column.table.name][key.column.name]
            else:
                row[column.name] = _value(f"{table.name} {column.name}", column.type.python_type)
        connection.execute(table.insert(), row)
        rows[table.name] = dict(connection.execute(select(table)).mappings().one())
    return rows


def _value(name: str, kind: type) -> Any:
    values: dict[type, Any] = {
        int: 1,
        float: 0.5,
        bool: True,
        datetime: MOMENT.replace(tzinfo=None),
        dict: {"ड": [1, "dda"]},
    }
    return values.get(kind, name)


def all_rows(connection: Connection) -> dict[str, dict[str, Any]]:
    """The single row of each table that has one."""
    return {
        table.name: dict(connection.execute(select(table)).mappings().one())
        for table in reflected(connection)
        if connection.execute(select(table)).first()
    }


def test_the_revisions_form_a_single_line() -> None:
    assert SCRIPTS.get_heads() == REVISIONS[-1:]
    assert SCRIPTS.get_bases() == REVISIONS[:1]


@pytest.mark.parametrize("revision", REVISIONS)
def test_migrating_an_older_database_keeps_its_rows(empty: str, revision: str) -> None:
    migrate(empty, revision)
    assert revision_of(empty) == revision
    rows = within(empty, fill)
    assert "users" in rows
    migrate(empty)
    assert revision_of(empty) == REVISIONS[-1]
    today = within(empty, all_rows)
    assert set(rows) <= set(today)
    for name, row in rows.items():
        same = set(row) & set(today[name])
        assert {column: today[name][column] for column in same} == {
            column: row[column] for column in same
        }
    assert within(empty, differences) == []
    # A comparison of tables does not see the triggers of the audit log.
    for change in ("UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log"):
        with pytest.raises(DBAPIError, match="append-only"):
            within(empty, lambda c, change=change: c.execute(text(change)))  # type: ignore[misc]


def test_the_mark_of_an_older_comparison_is_its_similarity_score(empty: str) -> None:
    migrate(empty, "0008")
    within(empty, fill)
    within(empty, lambda c: c.execute(text("UPDATE comparisons SET similarity_score = 87.6")))
    migrate(empty)
    columns = text("SELECT score, faults, strokes, pen FROM comparisons")
    assert within(empty, lambda c: tuple(c.execute(columns).one())) == (88, None, None, None)


def test_older_attempts_count_as_written_from_memory(empty: str) -> None:
    migrate(empty, "0009")
    within(empty, fill)
    within(empty, lambda c: c.execute(text("UPDATE character_progress SET attempts = 7")))
    migrate(empty)
    columns = "from_memory, first_from_memory = at, last_from_memory = at, help, attempt_id"
    query = text(f"SELECT {columns} FROM character_progress, attempts")
    assert within(empty, lambda c: tuple(c.execute(query).one())) == (7, True, True, "none", None)


def test_migrating_twice_changes_nothing(empty: str) -> None:
    migrate(empty)
    rows = within(empty, fill)
    migrate(empty)
    assert within(empty, all_rows) == rows


def test_every_revision_can_be_reverted(empty: str) -> None:
    def downgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")

    migrate(empty)
    within(empty, fill)
    for revision in REVISIONS[-2::-1]:
        within(empty, downgrade)
        assert revision_of(empty) == revision
    within(empty, downgrade)
    assert within(empty, lambda c: inspect(c).get_table_names()) == [VERSIONS]
    migrate(empty)
    assert within(empty, differences) == []


def test_four_processes_can_migrate_one_empty_database_at_once(empty: str, tmp_path: Path) -> None:
    def clean_up(number: int) -> CompletedProcess[str]:
        return run_auth_api(empty, tmp_path / str(number), "clean-up")

    with ThreadPoolExecutor(4) as operators:
        done = list(operators.map(clean_up, range(4)))
    assert [process.returncode for process in done] == [0, 0, 0, 0], [d.stderr for d in done]
    assert revision_of(empty) == REVISIONS[-1]
    assert within(empty, differences) == []


@pytest.mark.parametrize("arguments", [[], ["clean-up"]])
def test_a_database_of_a_newer_version_is_refused_and_unchanged(
    empty: str, tmp_path: Path, arguments: list[str]
) -> None:
    migrate(empty)
    newer = text(f"UPDATE {VERSIONS} SET version_num = '9999'")
    within(empty, lambda connection: connection.execute(newer))
    done = run_auth_api(empty, tmp_path, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("The database was migrated by a newer version of Ranjana")
    assert len(done.stderr.splitlines()) == 1
    assert revision_of(empty) == "9999"


def run_auth_api(url: str, folder: Path, *arguments: str) -> CompletedProcess[str]:
    """Runs `python -m auth_api` on a database until it exits."""
    ours = {**private(folder), "API_PORT": str(free_port()), "DATABASE_URL": url}
    return run_command({**os.environ, **ours}, *arguments)


# Users, predictions and jobs came with the first three revisions; later ones start from their rows.
@pytest.mark.parametrize("revision", REVISIONS[:3])
def test_the_service_migrates_the_database_at_startup(
    empty: str, start_api: StartApi, tmp_path: Path, revision: str
) -> None:
    migrate(empty, revision)
    fields = {
        "users": {
            **dict.fromkeys(("username", "username_key"), "oldtimer"),
            **dict.fromkeys(("email", "email_key"), "oldtimer@example.org"),
            "password_hash": PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD),
            "role": "user",
            "timezone": "UTC",
        },
        "predictions": {
            "media": MEDIA,
            "model": "ranjana",
            "predicted_class": 7,
            "confidence": 88.5,
            "top": [{"class": 7, "character": "ज", "name": "ja", "confidence": 88.5}],
        },
        "jobs": {"state": "succeeded", "kind": "predict", "input": None, "parameters": {}},
    }
    within(empty, lambda connection: add_rows(connection, fields))
    picture = tmp_path / "media" / MEDIA.partition("-")[0] / f"{MEDIA}.image"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"\x89PNG of old")
    api = start_api({"DATABASE_URL": empty, "MEDIA_DIR": str(tmp_path / "media")})
    user = api.sign_in("oldtimer")
    assert user.get("/api/me/").json()["email"] == "oldtimer@example.org"
    number = user.predict().json()["prediction_id"]
    rows = user.get("/api/history/predictions/").json()["results"]
    assert rows[0]["id"] == number
    if revision >= "0002":
        (_, old) = rows
        assert (old["predicted_class"], old["confidence"]) == (7, 88.5)
        assert user.get(old["image"]).content == picture.read_bytes()
    if revision >= "0003":
        (job,) = user.get("/api/jobs/").json()["results"]
        assert job["state"] == "succeeded"
    assert revision_of(empty) == REVISIONS[-1]


def add_rows(connection: Connection, fields: Mapping[str, Mapping[str, Any]]) -> None:
    """Gives each of some tables, if it exists, a row of the first user."""
    for table in reflected(connection):
        if table.name not in fields:
            continue
        row = {
            column.name: _value(column.name, column.type.python_type)
            for column in table.columns
            if column.name != "id" and not column.nullable
        }
        connection.execute(table.insert(), {**row, **fields[table.name]})


MEDIA = f"2026030108-{'0a' * 16}"


def test_a_failed_migration_leaves_the_database_unchanged(empty: str) -> None:
    migrate(empty, "0003")
    rows = within(empty, fill)
    # The next revision fails near its end because this table exists already.
    within(empty, lambda c: c.execute(text("CREATE TABLE usage_days (obstacle INTEGER)")))
    with pytest.raises((Unavailable, UnusableDatabase)):
        migrate(empty)
    assert revision_of(empty) == "0003"
    assert within(empty, all_rows) == rows
    assert "model_versions" not in within(empty, lambda c: inspect(c).get_table_names())
    within(empty, lambda c: c.execute(text("DROP TABLE usage_days")))
    migrate(empty)
    assert revision_of(empty) == REVISIONS[-1]


@pytest.mark.database("postgresql")
def test_a_process_that_waits_for_another_ones_migration_says_so(
    empty: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ThreadPoolExecutor(1) as pool:

        def while_locked() -> Future[None]:
            waiting = pool.submit(migrate, empty)
            wait_for(lambda: "waiting for the database" in caplog.text, 20)
            assert not waiting.done()
            return waiting

        async def hold() -> Future[None]:
            database = Database(Settings(database_url=empty))
            try:
                return await database.rebuild(lambda _: while_locked())
            finally:
                await database.aclose()

        asyncio.run(hold()).result(30)
    assert caplog.records[0].__dict__["reason"] == "another process migrates or restores it"
    assert revision_of(empty) == REVISIONS[-1]
