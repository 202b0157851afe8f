"""A whole Ranjana, started the way users start it, on ports and in folders of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil

from archive_scripts.archives.building import ROOT
from launcher.ports import free_port

START_SECONDS = 150
STOP_SECONDS = 30
HEAL_SECONDS = 4


def private(folder: Path) -> dict[str, str]:
    """Settings that keep a service to itself, and hash passwords quickly."""
    return {
        "DATA_DIR": str(folder / "data"),
        "MEDIA_DIR": str(folder / "media"),
        "RATE_LIMIT_ENABLED": "false",
        "ARGON2_TIME_COST": "1",
        "ARGON2_MEMORY_KIB": "64",
        "TRAINING_CONCURRENCY": "0",
        # Beside other tests everything takes longer; what is refused then is a test of its own.
        "MAX_QUEUE_SECONDS": "30",
        "TORCHSERVE_RETRY_SECONDS": "0",
    }


class Ranjana:
    """A running launcher with its TorchServe and API."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str] | None = None, what: str = "all"
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.inference_port = free_port()
        self.management_port = free_port()
        self.metrics_port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "log"
        # A socket's path has 108 bytes at most; those of pytest's folders are half of that.
        short = Path(tempfile.mkdtemp(prefix="rnj"))
        weakref.finalize(self, shutil.rmtree, short, ignore_errors=True)
        (short / "t").symlink_to(folder, target_is_directory=True)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "launcher", what],
                cwd=ROOT,
                env={
                    **os.environ,
                    "API_PORT": str(self.port),
                    "TORCHSERVE_INFERENCE_PORT": str(self.inference_port),
                    "TORCHSERVE_MANAGEMENT_PORT": str(self.management_port),
                    "TORCHSERVE_METRICS_PORT": str(self.metrics_port),
                    "TMPDIR": str(short / "t"),
                    "HEAL_SECONDS": str(HEAL_SECONDS),
                    **private(folder),
                    **(environment or {}),
                },
                stdout=log,
                stderr=log,
            )
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)

    def wait_until_ready(self) -> None:
        """Raises AssertionError with the log when it does not come up."""
        wait_for(lambda: self.ready or self.ended, START_SECONDS)
        assert self.ready, self.log.read_text()

    @property
    def ready(self) -> bool:
        """Whether it has said so."""
        log = self.log.read_text()
        return "Ranjana is ready" in log or "TorchServe is ready (" in log

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def restarts(self) -> int:
        """How often TorchServe was started anew and came up again."""
        return self.log.read_text().count("TorchServe is ready again")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stops it and answers the exit status."""
        self.client.close()
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """Ends it whatever state it is in; for clearing up after a test."""
        if not self.ended:
            self.stop(signal.SIGKILL)

    def processes(self) -> list[psutil.Process]:
        """Everything that it has started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def java(self) -> psutil.Process:
        (process,) = (child for child in self.processes() if child.name() == "java")
        return process

    def workers(self) -> list[psutil.Process]:
        return [child for child in self.processes() if "model_service_worker" in command_of(child)]

    def workers_of(self, model: str, but: Sequence[psutil.Process] = ()) -> list[psutil.Process]:
        """The workers of one model, as TorchServe tells."""
        response = httpx2.get(
            f"http://127.0.0.1:{self.management_port}/models/{model}",
            headers={"Authorization": f"Bearer {self.key('management')}"},
        )
        (version,) = response.json()
        numbers = {worker["pid"] for worker in version["workers"]}
        return [child for child in self.workers() if child.pid in numbers and child not in but]

    def key(self, kind: str) -> str:
        """A token as TorchServe's own users would read it."""
        (path,) = self.folder.glob("ranjana-*/home/key_file.json")
        while not (content := path.read_text()):
            pass  # TorchServe is writing it
        key: str = json.loads(content)[kind]["key"]
        return key

    def predict(self, image: bytes, **query: str) -> httpx2.Response:
        return self.client.post("/api/predict/", files={"image": image}, params=query)

    def ask_directly(
        self, model: str, image: bytes, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Asks TorchServe itself, as its operators do."""
        return httpx2.post(
            f"http://127.0.0.1:{self.inference_port}/predictions/{model}",
            content=image,
            headers={"Authorization": f"Bearer {self.key('inference')}", **(headers or {})},
            timeout=60,
        )


Launch = Callable[..., Ranjana]
"""Starts a further one: `launch(folder, environment)`."""


def command_of(process: psutil.Process) -> str:
    """The command line of a process, empty for one that has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def wait_for(condition: Callable[[], bool], seconds: float, pause: float = 0.1) -> None:
    """Raises AssertionError when `condition` does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(pause)


@contextmanager
def steadily(
    ask: Callable[[], httpx2.Response],
    callers: int = 4,
    *,
    seconds: float = 0.5,
    bears: type[Exception] | tuple[()] = (),
) -> Iterator[list[httpx2.Response]]:
    """Callers that never pause, from `seconds` before the body of the `with` to `seconds` after
    it; what they were answered. They go on after an exception that they bear.
    """
    responses: list[httpx2.Response] = []
    done = threading.Event()

    def call() -> None:
        while not done.is_set():
            try:
                responses.append(ask())
            except bears:
                time.sleep(0.05)

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
