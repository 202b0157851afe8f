"""The database stops, crashes or is locked while callers continue."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator

import pytest

from tests.faults.callers import calling
from tests.faults.conftest import Beside, Row
from tests.support.postgresql import PostgreSQL

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A PostgreSQL to break."""
    server = PostgreSQL()
    yield server
    server.close()


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_postgresql_stops_and_starts_again(
    server: PostgreSQL, beside: Beside, row: Row, how: str
) -> None:
    api = beside(server.new_database())
    seconds = 10
    with calling(f"http://127.0.0.1:{api.port}") as callers:
        callers.wait_until_answered(time.monotonic())
        if how == "stopped":
            server.stop()
        else:
            server.crash()
        time.sleep(seconds)
        server.start()
        fault_end = time.monotonic()
        callers.wait_until_answered(fault_end)
        row(f"PostgreSQL {how}, started after {seconds} s", callers, fault_end)
    codes = {call.code for call in callers.calls if call.status == 503}
    assert codes == {"database_unavailable"}
    # Requests that need no database are not affected.
    assert {call.status for call in callers.calls if call.caller == "anonymous"} == {200}


def test_a_sqlite_file_is_locked_by_another_process(beside: Beside, row: Row) -> None:
    api = beside()
    with calling(f"http://127.0.0.1:{api.port}") as callers:
        callers.wait_until_answered(time.monotonic())
        other = sqlite3.connect(api.database_url.removeprefix("sqlite:///"))
        other.execute("BEGIN IMMEDIATE")
        time.sleep(10)
        other.rollback()
        other.close()
        fault_end = time.monotonic()
        callers.wait_until_answered(fault_end)
        row("SQLite locked for 10 s", callers, fault_end)
    # Readers do not wait for a writer.
    assert {call.status for call in callers.calls if call.caller == "listing"} == {200}
