"""Measures serving and decoding and prints the tables of `benchmarks/README.md`.

Servers take turns within each round, so that a machine that slows down slows all of them;
what is reported is the median over the rounds, and ratios are taken round by round.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import uvloop

from archive_scripts.archives import ROOT
from archive_scripts.photographs import photograph
from benchmarks.accounts import accounts_table
from benchmarks.analytics import analytics_table
from benchmarks.comparing import comparing_table
from benchmarks.decoding import decoding_table
from benchmarks.jobs import jobs_table
from benchmarks.load import Load, post, run
from benchmarks.page import page_table
from launcher.ports import free_port
from tests.conftest import encode, reference
from tests.service.running import Ranjana, wait_for

_BOUNDARY = "benchmark"
_FORM_TYPE = f"multipart/form-data; boundary={_BOUNDARY}"
_CALLERS = (1, 8, 32)
_PARTS = ("decoding", "comparing", "serving", "accounts", "jobs", "analytics", "page")


@dataclass(frozen=True)
class Target:
    """A server and the requests it is sent."""

    name: str
    port: int
    requests: Sequence[bytes]


def main() -> None:
    """Runs what is asked for; everything takes some minutes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(_PARTS)}; all by default"
    )
    parser.add_argument("--seconds", type=float, default=4, help="per server and round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    parts = set(options.parts or _PARTS)
    if unknown := parts - set(_PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    print(f"{psutil.cpu_count()} cores, {options.rounds} rounds of {options.seconds:g} s\n")
    if "decoding" in parts:
        print(decoding_table())
    if "comparing" in parts:
        print(comparing_table())
    if parts & {"serving", "accounts", "jobs", "analytics", "page"}:
        with tempfile.TemporaryDirectory() as folder:
            _measure_servers(Path(folder), parts, options.seconds, options.rounds)


def _measure_servers(folder: Path, parts: set[str], seconds: float, rounds: int) -> None:
    with in_process() as old_port:
        ranjana = Ranjana(folder)
        try:
            ranjana.wait_until_ready()
            for kind, images in pictures().items() if "serving" in parts else ():
                targets = targets_for(images, ranjana, old_port)
                print(serving_table(kind, targets, seconds, rounds))
            if "accounts" in parts:
                forms = {
                    kind: [_form(image) for image in images] for kind, images in pictures().items()
                }
                print(accounts_table(ranjana, folder, forms, _FORM_TYPE, seconds, rounds))
            if "jobs" in parts:
                print(jobs_table(ranjana, folder, pictures(), seconds, rounds))
            if "analytics" in parts:
                print(analytics_table(ranjana, folder))
            if "page" in parts:
                print(page_table(ranjana.port, rounds))
            print(memory_table(ranjana))
        finally:
            ranjana.kill()


def pictures() -> dict[str, list[bytes]]:
    """Drawings as the web page sends them and photographs as a phone app does."""
    rng = np.random.default_rng(0)
    drawings = [encode(reference(index)) for index in range(12)]
    photographs = [
        photograph(255 - reference(index), rng, size=(1600, 1200), chalk=False)
        for index in range(12)
    ]
    encoded = [encode(picture[..., ::-1].copy(), "JPEG", quality=85) for picture in photographs]
    return {
        f"drawings of 256x256 (PNG, {_kilobytes(drawings)} kB)": drawings,
        f"photographs of 1600x1200 (JPEG, {_kilobytes(encoded)} kB)": encoded,
    }


def _kilobytes(images: Sequence[bytes]) -> int:
    return round(statistics.mean(map(len, images)) / 1000)


@contextmanager
def in_process() -> Iterator[int]:
    """The old way, running; answers its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.in_process", str(port)], cwd=ROOT)
    try:
        wait_for(lambda: _listens(process.pid), 60)
        yield port
    finally:
        process.terminate()
        process.wait()


def _listens(pid: int) -> bool:
    return any(
        connection.status == psutil.CONN_LISTEN
        for connection in psutil.Process(pid).net_connections("tcp")
    )


def targets_for(images: Sequence[bytes], ranjana: Ranjana, old_port: int) -> list[Target]:
    """The three servers, each with the same images in its own kind of request."""
    headers = {
        "Content-Type": "application/octet-stream",
        "Authorization": f"Bearer {ranjana.key('inference')}",
    }
    form = {"Content-Type": _FORM_TYPE}

    def requests(path: str, bodies: Sequence[bytes], head: dict[str, str]) -> list[bytes]:
        return [post("127.0.0.1", path, body, head) for body in bodies]

    forms = [_form(image) for image in images]
    return [
        Target(
            "TorchServe",
            ranjana.inference_port,
            requests("/predictions/ranjana", images, headers),
        ),
        Target("auth_api", ranjana.port, requests("/api/predict/", forms, form)),
        Target("in process", old_port, requests("/predict", forms, form)),
    ]


def _form(image: bytes) -> bytes:
    head = 'Content-Disposition: form-data; name="image"; filename="image"'
    return b"".join(
        [f"--{_BOUNDARY}\r\n{head}\r\n\r\n".encode(), image, f"\r\n--{_BOUNDARY}--\r\n".encode()]
    )


def serving_table(kind: str, targets: Sequence[Target], seconds: float, rounds: int) -> str:
    """Answers a second and latencies of each server, and their ratios."""
    lines = [
        f"### {kind[0].upper()}{kind[1:]}",
        "",
        "| callers | server | answers/s | median ms | 95 % ms | of TorchServe | times in process |",
        "|---|---|---|---|---|---|---|",
    ]
    for target in targets:  # what is compiled or filled at first use is not what is measured
        uvloop.run(run("127.0.0.1", target.port, target.requests, 8, 1))
    for callers in _CALLERS:
        loads: dict[str, list[Load]] = {target.name: [] for target in targets}
        for _ in range(rounds):
            for target in targets:
                load = run("127.0.0.1", target.port, target.requests, callers, seconds)
                loads[target.name].append(uvloop.run(load))
        lines += [_row(callers, name, loads) for name in loads]
    return "\n".join([*lines, ""])


def _row(callers: int, name: str, loads: dict[str, list[Load]]) -> str:
    own = loads[name]

    def median_of(values: Iterator[float]) -> float:
        return statistics.median(values)

    def ratio_to(other: str) -> float:
        pairs = zip(own, loads[other], strict=True)
        return median_of(a.throughput / b.throughput for a, b in pairs)

    return (
        f"| {callers} | {name} | {median_of(load.throughput for load in own):.0f} "
        f"| {median_of(load.percentile(0.5) for load in own):.1f} "
        f"| {median_of(load.percentile(0.95) for load in own):.1f} "
        f"| {ratio_to('TorchServe'):.2f} | {ratio_to('in process'):.1f} |"
    )


def memory_table(ranjana: Ranjana) -> str:
    """Resident memory of each process after the load."""
    lines = ["### Resident memory", "", "| process | MB |", "|---|---|"]
    for process in ranjana.processes():
        command = " ".join(process.cmdline())
        names = {"ModelServer": "TorchServe (Java)", "model_service_worker": "worker"}
        name = next((names[key] for key in names if key in command), "auth_api")
        lines.append(f"| {name} | {process.memory_info().rss / 1e6:.0f} |")
    launcher = psutil.Process(ranjana.process.pid)
    lines.append(f"| launcher | {launcher.memory_info().rss / 1e6:.0f} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
