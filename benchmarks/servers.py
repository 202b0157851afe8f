"""The servers that take turns, and what each is sent."""

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
from benchmarks.load import Load, post, run
from benchmarks.pictures import FORM_TYPE, form
from launcher.ports import free_port
from tests.support.running import Ranjana, wait_for

_ARCHIVE = ROOT / "model_store" / "ranjana.mar"
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Server:
    """One that can be asked."""

    name: str
    port: int
    requests: Sequence[bytes]

    def load(self, callers: int, seconds: float) -> Load:
        """Closed loop."""
        return uvloop.run(run(self.port, self.requests, callers, seconds))


def service(ranjana: Ranjana, images: Sequence[bytes], path: str) -> Server:
    """Ranjana's service; `path` with its query."""
    fields = {"target_class": "12"} if "similarity" in path else {}
    headers = {"Content-Type": FORM_TYPE}
    requests = [post(path, form(image, **fields), headers) for image in images]
    return Server("Ranjana", ranjana.port, requests)


def torchserve(ranjana: Ranjana, images: Sequence[bytes], model: str = "ranjana") -> Server:
    """The TorchServe of that service, asked directly."""
    headers = {
        "Content-Type": "application/octet-stream",
        "Authorization": f"Bearer {ranjana.key('inference')}",
        "X-Target-Class": "12",
    }
    requests = [post(f"/predictions/{model}", image, headers) for image in images]
    return Server("TorchServe alone", ranjana.inference_port, requests)


@contextmanager
def eager(images: Sequence[bytes], workers: int) -> Iterator[Server]:
    """What older systems did."""
    port = free_port()
    command = ["-m", "gunicorn", "benchmarks.rivals.eager:app", "--bind", f"127.0.0.1:{port}"]
    # A worker of its default kind answers one request a connection; threads keep connections, as
    # those of the others are kept, and still read one image at a time.
    options = ["--workers", str(workers), "--threads", "1", "--worker-class", "gthread"]
    options += ["--log-level", "warning", "--no-control-socket"]
    with _running([*command, *options], port):
        yield Server(
            f"Flask, gunicorn, {workers} worker{'s' * (workers > 1)}", port, _forms(images)
        )


@contextmanager
def lit(images: Sequence[bytes]) -> Iterator[Server]:
    """LitServe with the exported model."""
    port = free_port()
    with _running(["-m", "benchmarks.rivals.lit", str(_ARCHIVE), str(port)], port):
        yield Server("LitServe", port, _forms(images))


def _forms(images: Sequence[bytes]) -> list[bytes]:
    return [post("/api/predict/", form(image), {"Content-Type": FORM_TYPE}) for image in images]


@contextmanager
def bare(images: Sequence[bytes]) -> Iterator[Callable[[float], float]]:
    """Workers without a server, one a core; answers what they read in a second when they are
    given so many.
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
        yield partial(_together, workers)


def _together(workers: Sequence[subprocess.Popen[str]], seconds: float) -> float:
    for worker in workers:
        assert worker.stdin
        print(seconds, file=worker.stdin, flush=True)
    return sum(int(worker.stdout.readline()) for worker in workers if worker.stdout) / seconds


@contextmanager
def _running(arguments: Sequence[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for(lambda: _answers(port) or process.poll() is not None, 60)
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(arguments)} did not start")
        yield
    finally:
        family = [*psutil.Process(process.pid).children(recursive=True), process]
        process.terminate()
        _, alive = psutil.wait_procs(family, 10)
        for each in alive:
            each.kill()


def _answers(port: int) -> bool:
    """Whether it can be asked, by a picture that is none."""
    try:
        uvloop.run(run(port, [post("/nowhere", b"", {})], 1, 0.01))
    except RuntimeError:
        return True  # a 404
    except (OSError, EOFError):
        return False
    return True
