"""Services to break, and a table of what their callers see.

`make test` runs some faults in a short form. `make faults` runs all of them with the default
time-outs and prints the table of `docs/reliability.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from auth_api.settings import Settings
from launcher.settings import LauncherSettings
from tests.faults.callers import Callers, summary
from tests.support.apis import Api
from tests.support.archives import make_store
from tests.support.running import Ranjana

_ROWS = pytest.StashKey[list[str]]()
_HEAD = """\
| fault | what callers see besides answers | slowest answer | recovery | lost |
|---|---|---|---|---|"""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_ROWS] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Prints the table, if this process ran the tests."""
    if config.stash[_ROWS]:
        terminalreporter.section("what callers saw")
        terminalreporter.write_line("\n".join([_HEAD, *config.stash[_ROWS]]))


Row = Callable[..., None]
"""`row(fault, callers, fault_end)` checks the calls and adds a line to the table. The recovery is
counted from `fault_end`. `others` are further allowed statuses.
"""


@pytest.fixture
def row(pytestconfig: pytest.Config) -> Row:
    def write(fault: str, callers: Callers, fault_end: float, *others: int, note: str = "") -> None:
        callers.stop()
        callers.require_valid_responses(*others)
        lost, checked = callers.lost()
        seen = "; ".join(filter(None, [summary(callers.seen()), note]))
        figures = f"{callers.slowest:.1f} s | {callers.recovery(fault_end):.1f} s"
        pytestconfig.stash[_ROWS].append(
            f"| {fault} | {seen} | {figures} | {len(lost)} of {checked} |"
        )
        assert lost == []

    return write


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether the full form runs, not the short one."""
    return bool(pytestconfig.getoption("--faults"))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store with the two models that callers use, with few workers."""
    return make_store(tmp_path_factory.mktemp("faultstore"), {"ranjana": 2, "similarity": 1})


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory, store: Path) -> Iterator[Ranjana]:
    """A service to break."""
    settings = {"MODELS": "ranjana,similarity", "MODEL_STORE": str(store), **_defaults()}
    running = Ranjana(tmp_path_factory.mktemp("faults"), settings)
    try:
        running.wait_until_ready()
        yield running
        running.stop()
    finally:
        running.kill()


def _defaults() -> dict[str, str]:
    """The defaults of the settings that other tests change."""
    settings, launcher = Settings(), LauncherSettings()
    return {
        "HEAL_SECONDS": str(launcher.heal_seconds),
        "MAX_QUEUE_SECONDS": str(settings.max_queue_seconds),
        "TORCHSERVE_RETRY_SECONDS": str(settings.torchserve_retry_seconds),
    }


@pytest.fixture(scope="session")
def torchserve(request: pytest.FixtureRequest, full: bool) -> Ranjana:
    """The TorchServe beside services to break; in the short form that of all other tests, which is
    not affected.
    """
    running: Ranjana = request.getfixturevalue("instance" if full else "ranjana")
    return running


Beside = Callable[..., Api]
"""Starts a service beside a TorchServe: `beside(database_url, SETTING=value)`."""


@pytest.fixture
def beside(torchserve: Ranjana, tmp_path: Path, full: bool) -> Iterator[Beside]:
    started: list[Api] = []
    settings = _defaults() if full else {}

    def start(database_url: str = "", **environment: str) -> Api:
        folder = tmp_path / f"api{len(started)}"
        started.append(Api(folder, torchserve, database_url, {**settings, **environment}))
        return started[-1].wait_until_alive(60)

    yield start
    for running in started:
        running.stop()
