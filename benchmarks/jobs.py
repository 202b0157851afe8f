"""What jobs and batches cost, against TorchServe itself and against single calls."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psutil
import uvloop

from benchmarks.accounts import apis
from benchmarks.load import post, run
from tests.support.apis import Api, User
from tests.support.jobs import HAND_IN, finished, hand_in
from tests.support.running import Ranjana

_JOB = 500
_LARGE_JOB = 1000
_BATCH = 32
_CALLERS = 32


def jobs_table(
    ranjana: Ranjana,
    folder: Path,
    pictures: dict[str, Sequence[bytes]],
    seconds: float,
    rounds: int,
) -> str:
    """Three tables; `pictures` are encoded images by what they show."""
    lines = [
        f"### Jobs of {_JOB} images",
        "",
        "`ratio` is of reading alone, from when the job is taken up until it is finished; the last "
        "column is of all that its owner waits: handing in, reading, fetching the results.",
        "",
        "| database | pictures | images/s | TorchServe, answers/s | ratio | with the rest |",
        "|---|---|---|---|---|---|",
    ]
    memory = [
        f"### Memory of auth_api during a job of {_LARGE_JOB} images",
        "",
        "| database | pictures | idle MB | peak MB | more |",
        "|---|---|---|---|---|",
    ]
    batch = [
        f"### {_BATCH} images at once",
        "",
        f"| pictures | a batch, ms | {_BATCH} single calls, ms | ratio |",
        "|---|---|---|---|",
    ]
    with apis(ranjana, folder / "jobs") as started:
        for name, api in started.items():
            user = api.sign_up()
            for kind, images in pictures.items():
                memory.append(_memory_row(name, kind, api, user, images))
                lines.append(_job_row(name, kind, ranjana, user, images, seconds, rounds))
        for kind, images in pictures.items():
            batch.append(_batch_row(kind, started["SQLite"], images, rounds))
    return "\n".join([*lines, "", *batch, "", *memory, ""])


def _job_row(
    name: str,
    kind: str,
    ranjana: Ranjana,
    user: User,
    images: Sequence[bytes],
    seconds: float,
    rounds: int,
) -> str:
    head = {
        "Content-Type": "application/octet-stream",
        "Authorization": f"Bearer {ranjana.key('inference')}",
    }
    direct = [post("/predictions/ranjana", image, head) for image in images]
    reading, everything, torchserve = [], [], []
    for _ in range(rounds):
        load = run(ranjana.inference_port, direct, _CALLERS, seconds)
        torchserve.append(uvloop.run(load).throughput)
        began = time.perf_counter()
        reading.append(_JOB / _do_job(user, images, _JOB))
        everything.append(_JOB / (time.perf_counter() - began))
    return (
        f"| {name} | {kind} | {statistics.median(reading):.0f} "
        f"| {statistics.median(torchserve):.0f} "
        f"| {_ratio(reading, torchserve):.2f} | {_ratio(everything, torchserve):.2f} |"
    )


def _ratio(some: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(some, others, strict=True))


def _do_job(user: User, images: Sequence[bytes], count: int) -> float:
    """Has a job done; answers the seconds from when it was taken up until it was finished."""
    parts = [("images", (f"{place}.png", images[place % len(images)])) for place in range(count)]
    job = finished(user, hand_in(user, parts, HAND_IN), 600, 0.25)
    if job["counts"]["succeeded"] != count:
        raise RuntimeError(f"a job ended as {job['state']} with {job['counts']}")
    started, ended = (
        datetime.fromisoformat(job[f"{end}_at"].replace("Z", "+00:00"))
        for end in ("started", "finished")
    )
    return (ended - started).total_seconds()


def _memory_row(name: str, kind: str, api: Api, user: User, images: Sequence[bytes]) -> str:
    process = psutil.Process(api.process.pid)
    idle = process.memory_info().rss / 1e6
    with _watched(process) as peaks:
        _do_job(user, images, _LARGE_JOB)
    peak = max(peaks) / 1e6
    return f"| {name} | {kind} | {idle:.0f} | {peak:.0f} | {peak - idle:.0f} |"


@contextmanager
def _watched(process: psutil.Process) -> Iterator[list[int]]:
    """Resident memory of a process in bytes, fifty times a second."""
    seen: list[int] = [0]
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            seen.append(process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()


def _batch_row(kind: str, api: Api, images: Sequence[bytes], rounds: int) -> str:
    chosen = [images[place % len(images)] for place in range(_BATCH)]

    def together() -> None:
        files = [("images", image) for image in chosen]
        results = api.client.post("/api/predict/batch/", files=files).json()["results"]
        assert all(result["success"] for result in results)

    def alone() -> None:
        for image in chosen:
            assert api.client.post("/api/predict/", files={"image": image}).status_code == 200

    times: list[tuple[float, float]] = []
    together()
    for _ in range(max(5, rounds)):
        began = time.perf_counter()
        together()
        between = time.perf_counter()
        alone()
        times.append((between - began, time.perf_counter() - between))
    batch, single = (statistics.median(each) * 1000 for each in zip(*times, strict=True))
    return f"| {kind} | {batch:.0f} | {single:.0f} | {_ratio(*zip(*times, strict=True)):.2f} |"
