"""Shared fixtures: running services and databases.

A test that uses `api` runs on SQLite and on PostgreSQL, unless a mark names one of them:
`@pytest.mark.database("sqlite")`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import pytest

from archive_scripts.archives.building import ROOT
from tests.support.apis import Api, StartApi, User
from tests.support.archives import make_store
from tests.support.postgresql import PostgreSQL
from tests.support.running import Launch, Ranjana
from tests.support.s3 import S3Bucket, S3Server

SHARED_DATA = ROOT.parent / "shared" / "data"

# Tests run on every core at once. More threads of torch than one would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", action="store_true", help="all faults, as in `make faults`")
    parser.addoption("--thorough", action="store_true", help="all tests, as in `make thorough`")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "database(name): runs on this database only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test on both databases, or on the one that its mark names."""
    if "database" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("database")
        names = mark.args if mark else ("sqlite", "postgresql")
        metafunc.parametrize("database", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real handwriting, which is not in the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"needs real handwriting in {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def ranjana(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ranjana]:
    """One running service for all service and browser tests, with few workers."""
    workers = {"ranjana": 2, "similarity": 1, "digits": 1}
    store = make_store(tmp_path_factory.mktemp("models"), workers)
    running = Ranjana(tmp_path_factory.mktemp("service"), {"MODEL_STORE": str(store)})
    try:
        running.wait_until_ready()
        yield running
        if not running.ended:
            running.stop()
    finally:
        running.kill()


# Files that take minutes run first, because a long one at the end would delay the whole run.
_LONGEST = (
    *("test_openapi", "test_releases", "test_training", "test_improvement", "test_outages"),
    *("test_jobs", "test_practise", "test_backups", "test_evaluation", "test_recovery"),
    *("test_migrations", "test_history", "test_access", "test_missing_models", "test_recognise"),
    *("test_operate", "test_launcher", "test_digits", "test_comparison", "test_drawings"),
    *("test_life", "test_release", "test_models", "test_command_line", "test_cleanup"),
    "test_older_systems",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves out what takes too long for `make test`, and orders the files by their duration."""
    left = [item for item in items if _is_left_out(item)]
    if left:
        left[0].config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if not _is_left_out(item)]
    ranks = {name: rank for rank, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


def _is_left_out(item: pytest.Item) -> bool:
    if item.get_closest_marker("faults"):
        return not item.config.getoption("--faults")
    mark = item.get_closest_marker("thorough")
    if mark is None or item.config.getoption("--thorough"):
        return False
    if not mark.args:
        return True
    # A test that names its database shows there what no other one does.
    named = item.get_closest_marker("database")
    parts = [part for part in mark.args if not (named and part in named.args)]
    case = item.name.partition("[")[2]
    return any(part in case for part in parts)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the warnings and errors of the running service to the report of a failed test."""
    report = yield
    running = getattr(item, "funcargs", {}).get("ranjana")
    if report.failed and running:
        lines = running.log.read_text().splitlines()
        problems = [line for line in lines if '"level":"info"' not in line]
        report.sections.append(("the service's log", "\n".join(problems[-20:])))
    return report


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store with one model that has one worker."""
    return make_store(tmp_path_factory.mktemp("store"), {"ranjana": 1})


@pytest.fixture
def launch(small_store: Path) -> Iterator[Launch]:
    """Starts further instances, by default with one model and one worker; kills them at the end."""
    started: list[Ranjana] = []
    small = {"MODELS": "ranjana", "MODEL_STORE": str(small_store)}

    def start(folder: Path, environment: Mapping[str, str] | None = None) -> Ranjana:
        started.append(Ranjana(folder, {**small, **(environment or {})}))
        return started[-1]

    yield start
    for running in started:
        running.kill()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    server = PostgreSQL()
    yield server
    server.close()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture
def bucket(s3: S3Server) -> S3Bucket:
    """An empty bucket of S3."""
    return s3.new_bucket()


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> str:
    """The database of a test."""
    return str(request.param)


@pytest.fixture(scope="session")
def apis() -> Iterator[dict[str, Api]]:
    """One API per database, kept until the end, because tests alternate between databases."""
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
    """Starts an API on an empty database, or on that of `beside`."""
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
    """A new user."""
    return api.sign_up()


def _new_database(database: str, request: pytest.FixtureRequest) -> str:
    if database == "sqlite":
        return ""
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database()
