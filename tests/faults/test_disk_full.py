"""The disk of the pictures, of the database or of temporary files is full.

The disk is a small file system in memory that only the service sees.
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

# In its own namespaces a user may mount file systems, which disappear with the process.
_MOUNT = 'mount -t tmpfs -o size=3m tmpfs "$SMALL_DISK" && exec "$@"'
_CONFINED = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _MOUNT, "sh")
_FILLER = "filler"
# Pictures per entry of the history.
_PICTURES = {"predictions": 1, "similarities": 3}


class ConfinedApi(Api):
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
                [*_CONFINED, sys.executable, "-m", "auth_api"],
                cwd=ROOT,
                env={**self.environment, "SMALL_DISK": str(self.small)},
                stdout=log,
                stderr=log,
            )

    def fill(self) -> None:
        """Fills the small disk to the last byte."""
        with (self.seen / _FILLER).open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                pass

    def free_space(self) -> None:
        (self.seen / _FILLER).unlink()

    def pictures(self) -> list[Path]:
        """The picture files on the small disk."""
        return [path for path in self.seen.rglob("*.*") if path.is_file()]


Start = Callable[..., ConfinedApi]


@pytest.fixture(scope="module")
def _require_mounts(tmp_path_factory: pytest.TempPathFactory) -> None:
    environment = {**os.environ, "SMALL_DISK": str(tmp_path_factory.mktemp("mounted"))}
    try:
        subprocess.run([*_CONFINED, "true"], env=environment, capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip("needs unshare, of util-linux")
    except subprocess.CalledProcessError:
        pytest.skip("needs the right to mount file systems in user namespaces")


@pytest.fixture
def start(_require_mounts: None, torchserve: Ranjana, tmp_path: Path) -> Iterator[Start]:
    """Starts a service; the setting puts something on the small disk, `{}` in its value."""
    started: list[ConfinedApi] = []

    def start_confined(setting: str, value: str = "{}") -> ConfinedApi:
        settings = {setting: value.format(tmp_path / "small")}
        started.append(ConfinedApi(tmp_path, torchserve, environment=settings))
        started[-1].wait_until_alive(60)
        return started[-1]

    yield start_confined
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
def test_a_full_disk_gives_503_and_leaves_no_partial_files(
    start: Start, row: Row, full: bool, what: str, setting: str, value: str, code: str
) -> None:
    api = start(setting, value)
    with calling(f"http://127.0.0.1:{api.port}") as callers:
        callers.wait_until_answered(time.monotonic())
        api.fill()
        wait_for(lambda: any(call.status != 200 for call in list(callers.calls)), 30)
        time.sleep(5 if full else 1)
        # Existing entries can be read.
        assert callers.get(next(iter(callers.saved))).status_code == 200
        api.free_space()
        fault_end = time.monotonic()
        callers.wait_until_answered(fault_end)
        row(f"no room for {what}", callers, fault_end)
    assert {call.code for call in callers.calls if call.status != 200} == {code}
    if setting == "MEDIA_DIR":
        kept = sum(_PICTURES[path.split("/")[3]] for path in callers.saved)
        wait_for(lambda: len(api.pictures()) == kept, 10)


def test_a_large_upload_without_space_for_a_temporary_file_gets_503(start: Start) -> None:
    api = start("MEDIA_DIR")

    def send() -> httpx2.Response:
        # A file of more than a megabyte is not held in memory.
        return api.client.post("/api/predict/", files={"image": b"x" * 1_500_000})

    assert send().json()["code"] == "unreadable_image"
    api.fill()
    refused = send()
    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
    assert refused.headers["Retry-After"]
    api.free_space()
    assert send().json()["code"] == "unreadable_image"
