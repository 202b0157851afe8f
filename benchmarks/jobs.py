"""Jobs and batches against TorchServe alone and against single calls."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import psutil
import uvloop

from benchmarks.accounts import apis
from benchmarks.load import closed_loop, post
from benchmarks.timing import median_ratio
from tests.support.apis import Api, User
from tests.support.jobs import HAND_IN, finished, hand_in
from tests.support.memory import memory_samples
from tests.support.running import Ranjana

_JOB_SIZE = 500
_LARGE_JOB_SIZE = 1000
_BATCH_SIZE = 32
_CALLERS = 32


def jobs_table(
    ranjana: Ranjana,
    folder: Path,
    pictures: Mapping[str, Sequence[bytes]],
    seconds: float,
    rounds: int,
) -> str:
    """Returns three tables. `pictures` are encoded images by kind."""
    lines = [
        f"### Jobs of {_JOB_SIZE} images",
        "",
        "`ratio` covers the job from its start to its end; the last column also covers the upload "
        "and fetching the results.",
        "",
        "| database | pictures | images/s | TorchServe, answers/s | ratio | with upload, results |",
        "|---|---|---|---|---|---|",
    ]
    memory = [
        f"### Memory of auth_api during a job of {_LARGE_JOB_SIZE} images",
        "",
        "| database | pictures | idle MB | peak MB | difference |",
        "|---|---|---|---|---|",
    ]
    batch = [
        f"### {_BATCH_SIZE} images in one request",
        "",
        f"| pictures | one batch, ms | {_BATCH_SIZE} single calls, ms | ratio |",
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
    job_rates, owner_rates, torchserve = [], [], []
    for _ in range(rounds):
        load = closed_loop(ranjana.inference_port, direct, _CALLERS, seconds)
        torchserve.append(uvloop.run(load).throughput)
        began = time.perf_counter()
        job_rates.append(_JOB_SIZE / _run_job(user, images, _JOB_SIZE))
        owner_rates.append(_JOB_SIZE / (time.perf_counter() - began))
    return (
        f"| {name} | {kind} | {statistics.median(job_rates):.0f} "
        f"| {statistics.median(torchserve):.0f} "
        f"| {median_ratio(job_rates, torchserve):.2f} "
        f"| {median_ratio(owner_rates, torchserve):.2f} |"
    )


def _run_job(user: User, images: Sequence[bytes], count: int) -> float:
    """Runs a job. Returns the seconds from its start to its end."""
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
    with memory_samples(lambda: [process]) as samples:
        _run_job(user, images, _LARGE_JOB_SIZE)
    peak = max(samples) / 1e6
    return f"| {name} | {kind} | {idle:.0f} | {peak:.0f} | {peak - idle:.0f} |"


def _batch_row(kind: str, api: Api, images: Sequence[bytes], rounds: int) -> str:
    chosen = [images[place % len(images)] for place in range(_BATCH_SIZE)]

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
    return (
        f"| {kind} | {batch:.0f} | {single:.0f} | {median_ratio(*zip(*times, strict=True)):.2f} |"
    )
