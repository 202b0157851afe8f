"""Only the owner can read the files of an SQLite database."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from auth_api.database.database import Database
from auth_api.settings import Settings

NAMES = {"ranjana.db", "ranjana.db-wal", "ranjana.db-shm"}


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """Files are made readable for all unless the code asks for less."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path, change: int | None = None) -> dict[str, int]:
    """The mode of each file while the database is in use; `change` sets them before."""

    async def used() -> dict[str, int]:
        database = Database(Settings(database_url=f"sqlite:///{folder / 'ranjana.db'}"))
        try:
            await database.migrate()
            await database.write(lambda session: session.execute(text("DELETE FROM users")))
            found = {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}
            if change is not None:
                for name in found:
                    (folder / name).chmod(change)
            return found
        finally:
            await database.aclose()

    return asyncio.run(used())


def test_a_new_database_is_private(tmp_path: Path) -> None:
    assert modes(tmp_path / "data") == dict.fromkeys(NAMES, 0o600)


def test_an_old_database_that_others_could_read_is_mended_at_the_start(tmp_path: Path) -> None:
    modes(tmp_path, change=0o666)
    for name in NAMES:  # as after a crash, which leaves all three
        (tmp_path / name).touch(0o644)
        (tmp_path / name).chmod(0o644)
    assert modes(tmp_path) == dict.fromkeys(NAMES, 0o600)
