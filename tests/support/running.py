"""Starts a complete Ranjana as users do, with its own ports and folders."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import psutil

from archive_scripts.archives.building import ROOT
from launcher.ports import free_port

START_SECONDS = 150
STOP_SECONDS = 30
HEAL_SECONDS = 4
# Steady callers leave time to what they wait for.
_PAUSE_SECONDS = 0.2


def private(folder: Path) -> dict[str, str]:
    """Settings for a separate service with fast password hashes."""
    return {
        "DATA_DIR": str(folder / "data"),
        "MEDIA_DIR": str(folder / "media"),
        "RATE_LIMIT_ENABLED": "false",
        "ARGON2_TIME_COST": "1",
        "ARGON2_MEMORY_KIB": "64",
        "TRAINING_CONCURRENCY": "0",
        "TRAINING_NICENESS": "0",
        # Parallel tests slow everything down. Other tests cover refusals.
        "MAX_QUEUE_SECONDS": "30",
        "TORCHSERVE_RETRY_SECONDS": "0",
    }


def local_client(port: int) -> httpx2.Client:
    """A client of a service on this machine.

    With `verify`, every client would read the certificates of all authorities: 40 ms.
    """
    return httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, verify=False)


class Ranjana:
    """A running launcher with its TorchServe and API."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        what: str = "all",
        root: Path = ROOT,
    ) -> None:
        """`what` is the argument of the launcher, `root` the checkout whose code runs."""
        self.folder = folder
        self.port = free_port()
        self.api_metrics_port = free_port()
        self.inference_port = free_port()
        self.management_port = free_port()
        self.metrics_port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "log"
        # A socket's path has at most 108 bytes, and pytest's folders take half of that.
        short = Path(tempfile.mkdtemp(prefix="rnj"))
        weakref.finalize(self, shutil.rmtree, short, ignore_errors=True)
        (short / "t").symlink_to(folder, target_is_directory=True)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "launcher", what],
                cwd=root,
                env={
                    **os.environ,
                    "API_PORT": str(self.port),
                    "METRICS_PORT": str(self.api_metrics_port),
                    "TORCHSERVE_INFERENCE_PORT": str(self.inference_port),
                    "TORCHSERVE_MANAGEMENT_PORT": str(self.management_port),
                    "TORCHSERVE_METRICS_PORT": str(self.metrics_port),
                    "TMPDIR": str(short / "t"),
                    # TorchServe's Java starts in two thirds of the processor time.
                    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
                    "HEAL_SECONDS": str(HEAL_SECONDS),
                    **private(folder),
                    **(environment or {}),
                },
                stdout=log,
                stderr=log,
            )
        self.client = local_client(self.port)

    def wait_until_ready(self) -> None:
        """Raises AssertionError with the log if it does not start."""
        wait_for(lambda: self.ready or self.ended, START_SECONDS)
        assert self.ready, self.log.read_text()

    @property
    def ready(self) -> bool:
        """Whether the log has the ready line."""
        log = self.log.read_text()
        return "Ranjana is ready" in log or "TorchServe is ready (" in log

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def restarts(self) -> int:
        """How often TorchServe was restarted and became ready."""
        return self.log.read_text().count("TorchServe is ready again")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stops it; returns the exit status."""
        self.client.close()
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """Ends it in any state, to clean up after a test."""
        if not self.ended:
            self.stop(signal.SIGKILL)

    def processes(self) -> list[psutil.Process]:
        """All processes that it started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def java(self) -> psutil.Process:
        (process,) = (child for child in self.processes() if child.name() == "java")
        return process

    def workers(self) -> list[psutil.Process]:
        return [child for child in self.processes() if "model_service_worker" in command_of(child)]

    def workers_of(self, model: str, but: Sequence[psutil.Process] = ()) -> list[psutil.Process]:
        """The workers of one model, as TorchServe reports them, except those in `but`."""
        response = httpx2.get(
            f"http://127.0.0.1:{self.management_port}/models/{model}",
            headers={"Authorization": f"Bearer {self.key('management')}"},
            verify=False,
        )
        (version,) = response.json()
        pids = {worker["pid"] for worker in version["workers"]}
        return [child for child in self.workers() if child.pid in pids and child not in but]

    def key(self, kind: str) -> str:
        """A token from TorchServe's key file."""
        (path,) = self.folder.glob("ranjana-*/home/key_file.json")
        while not (content := path.read_text()):
            pass  # TorchServe is writing it
        key: str = json.loads(content)[kind]["key"]
        return key

    def metrics(self) -> str:
        """The metrics of the service."""
        return metrics_of(self.api_metrics_port)

    def predict(self, image: bytes, **query: str) -> httpx2.Response:
        return self.client.post("/api/predict/", files={"image": image}, params=query)

    def ask_directly(
        self, model: str, image: bytes, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Sends a prediction to TorchServe itself."""
        return httpx2.post(
            f"http://127.0.0.1:{self.inference_port}/predictions/{model}",
            content=image,
            headers={"Authorization": f"Bearer {self.key('inference')}", **(headers or {})},
            timeout=60,
            verify=False,
        )


def require_clean_stop(running: Ranjana, number: signal.Signals) -> None:
    """Stops a launcher. Its processes and its files go, its data and its log are kept."""
    processes = running.processes()
    assert len(processes) >= 3
    told = running.folder / "data" / "running.json"
    assert stat.S_IMODE(told.stat().st_mode) == 0o600
    assert running.stop(number) == 0
    assert not told.exists()
    assert [process for process in processes if process.is_running()] == []
    assert {path.name for path in running.folder.iterdir()} == {"data", "media", running.log.name}


Launch = Callable[..., Ranjana]
"""Starts another one: `launch(folder, environment)`."""


def metrics_of(port: int) -> str:
    """The metrics that a service publishes on this port."""
    response = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=30, verify=False)
    assert response.status_code == 200, response.text
    return response.text


def command_of(process: psutil.Process) -> str:
    """The command line of a process, empty if it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def wait_for(condition: Callable[[], bool], seconds: float, pause: float = 0.1) -> None:
    """Raises AssertionError if `condition` does not become true in time.

    Pauses grow to four times `pause`, because asking takes time from what is waited for.
    """
    deadline, longest = time.monotonic() + seconds, 4 * pause
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(pause)
        pause = min(1.05 * pause, longest)


@contextmanager
def steadily(
    ask: Callable[[], httpx2.Response],
    callers: int = 2,
    *,
    seconds: float = 0.5,
    ignored: type[Exception] | tuple[()] = (),
) -> Iterator[list[httpx2.Response]]:
    """Runs callers from `seconds` before the body of the `with` to `seconds` after.

    Yields the list of their responses. They continue after exceptions of the types in `ignored`.
    """
    responses: list[httpx2.Response] = []
    done = threading.Event()

    def call() -> None:
        while not done.is_set():
            with suppress(ignored):
                responses.append(ask())
            time.sleep(_PAUSE_SECONDS)

    with ThreadPoolExecutor(callers) as pool:
        calls = [pool.submit(call) for _ in range(callers)]
        try:
            time.sleep(seconds)
            yield responses
            time.sleep(seconds)
        finally:
            done.set()
        for finished in calls:
            finished.result()
