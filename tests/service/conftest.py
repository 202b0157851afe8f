"""Databases to test on: whatever takes `api` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.service.apis import Api, StartApi, User
from tests.service.postgresql import PostgreSQL
from tests.service.running import Ranjana


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    server = PostgreSQL(tmp_path_factory.mktemp("postgresql"))
    yield server
    server.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on."""
    return str(request.param)


@pytest.fixture(scope="session")
def apis() -> Iterator[dict[str, Api]]:
    """The one API of each database, which stays while tests turn to the other database."""
    started: dict[str, Api] = {}
    yield started
    for running in started.values():
        running.stop()


@pytest.fixture(scope="session")
def api(
    database: str,
    ranjana: Ranjana,
    apis: dict[str, Api],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Api:
    """An API that all tests of one database share."""
    if database not in apis:
        folder, url = tmp_path_factory.mktemp(database), _new_database(database, request)
        apis[database] = Api(folder, ranjana, url).wait_until_alive()
    return apis[database]


@pytest.fixture
def start_api(
    database: str, ranjana: Ranjana, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[StartApi]:
    """Starts an API on an empty database, or a further one beside `beside`."""
    started: list[Api] = []

    def start(environment: Mapping[str, str] | None = None, beside: Api | None = None) -> Api:
        if beside:
            folder, url = beside.folder, beside.database_url
        else:
            folder, url = tmp_path / f"api{len(started)}", _new_database(database, request)
        started.append(Api(folder, ranjana, url, environment))
        return started[-1].wait_until_alive()

    yield start
    for running in started:
        running.stop(signal.SIGKILL)


@pytest.fixture
def user(api: Api) -> User:
    """Somebody new."""
    return api.sign_up()


def _new_database(database: str, request: pytest.FixtureRequest) -> str:
    if database == "sqlite":
        return ""
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database()
