"""The servers that are compared, and the requests that each receives."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import uvloop

from archive_scripts.archives.building import ROOT
from benchmarks.load import Load, closed_loop, post
from benchmarks.pictures import FORM_TYPE, form
from launcher.ports import free_port
from tests.support.running import Ranjana, wait_for

_ARCHIVE = ROOT / "model_store" / "ranjana.mar"
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Server:
    """A running server and its requests."""

    name: str
    port: int
    requests: Sequence[bytes]

    def load(self, callers: int, seconds: float) -> Load:
        """Runs a closed loop."""
        return uvloop.run(closed_loop(self.port, self.requests, callers, seconds))


def service(ranjana: Ranjana, images: Sequence[bytes], path: str) -> Server:
    """Ranjana's service; `path` includes the query."""
    fields = {"target_class": "12"} if "similarity" in path else {}
    headers = {"Content-Type": FORM_TYPE}
    requests = [post(path, form(image, **fields), headers) for image in images]
    return Server("Ranjana", ranjana.port, requests)


def torchserve(ranjana: Ranjana, images: Sequence[bytes], model: str = "ranjana") -> Server:
    """The TorchServe of `ranjana`, called directly."""
    headers = {
        "Content-Type": "application/octet-stream",
        "Authorization": f"Bearer {ranjana.key('inference')}",
        "X-Target-Class": "12",
    }
    requests = [post(f"/predictions/{model}", image, headers) for image in images]
    return Server("TorchServe alone", ranjana.inference_port, requests)


@contextmanager
def eager(images: Sequence[bytes], workers: int) -> Iterator[Server]:
    """A Flask application under gunicorn, like the older systems."""
    port = free_port()
    command = ["-m", "gunicorn", "benchmarks.rivals.eager:app", "--bind", f"127.0.0.1:{port}"]
    # Threads, because gunicorn's default worker answers only one request per connection, while the
    # other servers keep connections open. One thread still reads one image at a time.
    options = ["--workers", str(workers), "--threads", "1", "--worker-class", "gthread"]
    options += ["--log-level", "warning", "--no-control-socket"]
    with _running([*command, *options], port):
        yield Server(
            f"Flask, gunicorn, {workers} worker{'s' * (workers > 1)}", port, _forms(images)
        )


@contextmanager
def lit(images: Sequence[bytes]) -> Iterator[Server]:
    """LitServe with the exported model of the archive."""
    port = free_port()
    with _running(["-m", "benchmarks.rivals.lit", str(_ARCHIVE), str(port)], port):
        yield Server("LitServe", port, _forms(images))


def _forms(images: Sequence[bytes]) -> list[bytes]:
    return [post("/api/predict/", form(image), {"Content-Type": FORM_TYPE}) for image in images]


@contextmanager
def bare(images: Sequence[bytes]) -> Iterator[Callable[[float], float]]:
    """Workers without a server, one per core.

    Yields a function that runs them for so many seconds and returns images per second.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for place, image in enumerate(images):
            (folder / f"{place:03}").write_bytes(image)
        command = [sys.executable, "-m", "benchmarks.rivals.worker", str(_ARCHIVE), str(folder)]
        workers = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                )
            )
            for _ in range(CORES)
        ]
        for worker in workers:
            stack.callback(worker.terminate)
            assert worker.stdout
            if worker.stdout.readline() != "ready\n":
                raise RuntimeError("a worker did not start")
        yield partial(_images_per_second, workers)


def _images_per_second(workers: Sequence[subprocess.Popen[str]], seconds: float) -> float:
    for worker in workers:
        assert worker.stdin
        print(seconds, file=worker.stdin, flush=True)
    return sum(int(worker.stdout.readline()) for worker in workers if worker.stdout) / seconds


@contextmanager
def _running(arguments: Sequence[str], port: int) -> Iterator[None]:
    process = psutil.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for(lambda: _answers(port) or process.poll() is not None, 60)
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(arguments)} did not start")
        yield
    finally:
        family = [*process.children(recursive=True), process] if process.is_running() else []
        process.terminate()
        _, alive = psutil.wait_procs(family, 10)
        for each in alive:
            each.kill()


def _answers(port: int) -> bool:
    try:
        uvloop.run(closed_loop(port, [post("/nowhere", b"", {})], 1, 0.01))
    except RuntimeError:
        return True  # an answer, with the status 404
    except (OSError, EOFError):
        return False
    return True
