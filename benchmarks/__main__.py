"""Measures, and prints the tables of `docs/performance.md` and `benchmarks/README.md`.

Servers take turns within each round, because a machine that slows down must slow all of them.
The tables show medians over the rounds; a ratio is the median of the ratios of each round.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import psutil

from auth_api.settings import Settings
from benchmarks.accounts import accounts_table
from benchmarks.analytics import analytics_table
from benchmarks.comparing import comparing_table
from benchmarks.decoding import decoding_table
from benchmarks.feedback import feedback_table
from benchmarks.hostile import hostile_rows
from benchmarks.jobs import jobs_table
from benchmarks.options import PARTS, build_parser
from benchmarks.page import page_table
from benchmarks.pictures import pictures_by_kind
from benchmarks.speed import Times, speed_tables
from benchmarks.worksheets import worksheets_table
from tests.support.running import Ranjana


def main() -> None:
    """Runs the requested parts. All parts take more than an hour."""
    options = build_parser(__doc__).parse_args()
    parts = set(options.parts or PARTS)
    print(f"{psutil.cpu_count()} cores, {options.rounds} rounds of {options.seconds:g} s\n")
    if "decoding" in parts:
        print(decoding_table())
    if "comparing" in parts:
        print(comparing_table())
    if "libraries" in parts:
        from benchmarks.libraries import libraries_table  # needs aiosqlite

        print(libraries_table(options.rounds))
    if parts & {"speed", "accounts", "jobs", "analytics", "page", "feedback"}:
        with tempfile.TemporaryDirectory() as folder:
            _measure_servers(Path(folder), parts, options.seconds, options.rounds, options.picture)
    if "worksheets" in parts:
        with tempfile.TemporaryDirectory() as folder:
            ranjana = Ranjana(Path(folder))
            try:
                ranjana.wait_until_ready()
                print(worksheets_table(ranjana, options.handwriting, options.sheets))
            finally:
                ranjana.kill()
    if "hostile" in parts:
        with tempfile.TemporaryDirectory() as folder:
            for row in hostile_rows(Path(folder), options.attack, options.checkout.resolve()):
                print(row, flush=True)


def _measure_servers(
    folder: Path, parts: set[str], seconds: float, rounds: int, picture: Path | None
) -> None:
    # The default, because tests use a longer limit.
    ranjana = Ranjana(folder, {"MAX_QUEUE_SECONDS": str(Settings().max_queue_seconds)})
    try:
        ranjana.wait_until_ready()
        if "speed" in parts:
            print(speed_tables(ranjana, folder / "speed", Times(seconds, rounds), picture))
        if "accounts" in parts:
            print(accounts_table(ranjana, folder, seconds, rounds))
        if "jobs" in parts:
            print(jobs_table(ranjana, folder, pictures_by_kind(), seconds, rounds))
        if "analytics" in parts:
            print(analytics_table(ranjana, folder))
        if "page" in parts:
            print(page_table(ranjana.port, rounds))
        if "feedback" in parts:
            print(feedback_table(ranjana.port))
        print(memory_table(ranjana))
    finally:
        ranjana.kill()


def memory_table(ranjana: Ranjana) -> str:
    """The resident memory of each process after the load."""
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
