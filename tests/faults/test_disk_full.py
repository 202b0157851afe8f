"""The disk of the pictures, of the database or of temporary files is full: a small file system of
memory, which only the service sees.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from archive_scripts.archives.building import ROOT
from tests.faults.callers import calling
from tests.faults.conftest import Row
from tests.support.apis import Api
from tests.support.running import Ranjana, wait_for

# In namespaces of its own a user may mount; what is mounted there goes with the process.
_MOUNTING = 'mount -t tmpfs -o size=3m tmpfs "$SMALL_DISK" && exec "$@"'
_ALONE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _MOUNTING, "sh")
_FILLER = "filler"
# How many an entry of the history has.
_PICTURES = {"predictions": 1, "similarities": 3}


class Confined(Api):
    """A service whose folder `small` is a disk of three megabytes."""

    @property
    def small(self) -> Path:
        return self.folder / "small"

    @property
    def seen(self) -> Path:
        """The small disk as the service sees it."""
        return Path(f"/proc/{self.process.pid}/root{self.small}")

    def start(self) -> None:
        self.small.mkdir(exist_ok=True)
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*_ALONE, sys.executable, "-m", "auth_api"],
                cwd=ROOT,
                env={**self.environment, "SMALL_DISK": str(self.small)},
                stdout=log,
                stderr=log,
            )

    def fill(self) -> None:
        """Leaves not a byte."""
        with (self.seen / _FILLER).open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                pass

    def make_room(self) -> None:
        (self.seen / _FILLER).unlink()

    def pictures(self) -> list[Path]:
        """The files of pictures on the small disk."""
        return [path for path in self.seen.rglob("*.*") if path.is_file()]


Start = Callable[..., Confined]


@pytest.fixture(scope="module")
def _may_mount(tmp_path_factory: pytest.TempPathFactory) -> None:
    environment = {**os.environ, "SMALL_DISK": str(tmp_path_factory.mktemp("mounted"))}
    try:
        tried = subprocess.run([*_ALONE, "true"], env=environment, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare, of util-linux")
    if tried.returncode:
        pytest.skip("users may not mount file systems in namespaces of their own here")


@pytest.fixture
def start(_may_mount: None, torchserve: Ranjana, tmp_path: Path) -> Iterator[Start]:
    """Starts a service with a setting that says what is on the small disk."""
    started: list[Confined] = []

    def begin(setting: str, value: str = "{}") -> Confined:
        settings = {setting: value.format(tmp_path / "small")}
        started.append(Confined(tmp_path, torchserve, environment=settings))
        started[-1].wait_until_alive(60)
        return started[-1]

    yield begin
    for running in started:
        running.stop(signal.SIGKILL)


@pytest.mark.parametrize(
    ("what", "setting", "value", "code"),
    [
        ("pictures", "MEDIA_DIR", "{}", "storage_unavailable"),
        ("the database", "DATABASE_URL", "sqlite:///{}/ranjana.db", "database_unavailable"),
    ],
    ids=["pictures", "database"],
)
def test_a_full_disk_costs_503s_and_nothing_half_written_stays(
    start: Start, row: Row, full: bool, what: str, setting: str, value: str, code: str
) -> None:
    api = start(setting, value)
    with calling(f"http://127.0.0.1:{api.port}") as callers:
        callers.wait_until_answered(time.monotonic())
        api.fill()
        wait_for(lambda: any(call.status != 200 for call in list(callers.calls)), 30)
        time.sleep(5 if full else 1)
        # What is there can be read.
        assert callers.get(next(iter(callers.saved))).status_code == 200
        api.make_room()
        over = time.monotonic()
        callers.wait_until_answered(over)
        row(f"no room for {what}", callers, over)
    assert {call.code for call in callers.calls if call.status != 200} == {code}
    if setting == "MEDIA_DIR":
        kept = sum(_PICTURES[path.split("/")[3]] for path in callers.saved)
        wait_for(lambda: len(api.pictures()) == kept, 10)


def test_a_large_upload_without_room_for_a_temporary_file_is_a_503(start: Start) -> None:
    api = start("TMPDIR")

    def send() -> httpx2.Response:
        # More than a megabyte does not stay in memory.
        return api.client.post("/api/predict/", files={"image": b"x" * 1_500_000})

    assert send().json()["code"] == "unreadable_image"
    api.fill()
    refused = send()
    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
    assert refused.headers["Retry-After"]
    api.make_room()
    assert send().json()["code"] == "unreadable_image"
