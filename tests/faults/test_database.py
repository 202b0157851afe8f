"""The database is stopped, crashes, or is locked by somebody else, while callers go on."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator

import pytest

from tests.faults.callers import calling
from tests.faults.conftest import Beside, Row
from tests.support.postgresql import PostgreSQL


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A PostgreSQL to break."""
    server = PostgreSQL(tmp_path_factory.mktemp("broken"))
    yield server
    server.close()


@pytest.mark.parametrize(
    "how", [pytest.param("stopped", marks=pytest.mark.faults), "killed"], ids=str
)
def test_postgresql_ends_and_starts_again(
    server: PostgreSQL, beside: Beside, row: Row, full: bool, how: str
) -> None:
    api = beside(server.new_database())
    seconds = 10 if full else 2
    with calling(f"http://127.0.0.1:{api.port}") as callers:
        callers.wait_until_answered(time.monotonic())
        if how == "stopped":
            server.stop()
        else:
            server.crash()
        time.sleep(seconds)
        server.start()
        over = time.monotonic()
        callers.wait_until_answered(over)
        row(f"PostgreSQL {how}, started after {seconds} s", callers, over)
    codes = {call.code for call in callers.calls if call.status == 503}
    assert codes == {"database_unavailable"}
    # Whoever needs no database does not notice.
    assert {call.status for call in callers.calls if call.who == "anonymous"} == {200}


@pytest.mark.faults
def test_a_sqlite_file_is_locked_by_somebody_else(beside: Beside, row: Row) -> None:
    api = beside()
    with calling(f"http://127.0.0.1:{api.port}") as callers:
        callers.wait_until_answered(time.monotonic())
        other = sqlite3.connect(api.database_url.removeprefix("sqlite:///"))
        other.execute("BEGIN IMMEDIATE")
        time.sleep(10)
        other.rollback()
        other.close()
        over = time.monotonic()
        callers.wait_until_answered(over)
        row("SQLite locked for 10 s", callers, over)
    # Readers do not wait for a writer.
    assert {call.status for call in callers.calls if call.who == "reading"} == {200}
