"""Shows the metrics of several processes as those of one, whichever process Prometheus asks.

`prometheus_client` then keeps the metrics in files, a few per process. The parent makes their
folder before its children import that library, and removes it at the end. The counts of a process
that died remain; its gauges, such as requests in flight, are removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from auth_api.observability.metrics import Metrics

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def share_metrics(processes: int) -> Iterator[None]:
    """Lets the `processes` started within the `with` share their metrics, if more than one."""
    if processes == 1:
        yield
        return
    # The next launcher removes folders with the number of a process that was killed.
    prefix = f"ranjana-{os.getpid()}-metrics-"
    with TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        os.environ[_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[_VARIABLE]


def registry(metrics: Metrics) -> CollectorRegistry:
    """The metrics of this process, or of all that share."""
    folder, parent_process = _folder(), parent()
    if folder is None or parent_process is None:
        return metrics.registry
    _remove_dead(folder, parent_process)
    combined = CollectorRegistry()
    MultiProcessCollector(combined, str(folder))  # type: ignore[no-untyped-call]
    return combined


def parent() -> psutil.Process | None:
    """The process that started the ones that share; None if there is only this process."""
    return psutil.Process(os.getppid()) if _folder() else None


def server_processes() -> list[psutil.Process]:
    """The processes that answer requests, including this one."""
    folder, parent_process = _folder(), parent()
    if folder is None or parent_process is None:
        return [psutil.Process()]
    counting = _counting_pids(folder)
    return [child for child in parent_process.children() if child.pid in counting]


def _folder() -> Path | None:
    folder = os.environ.get(_VARIABLE)
    return Path(folder) if folder else None


def _counting_pids(folder: Path) -> set[int]:
    """Ids of processes that have counted anything; file names end with them."""
    return {int(file.stem.rpartition("_")[2]) for file in folder.glob("*.db")}


def _remove_dead(folder: Path, parent_process: psutil.Process) -> None:
    # The files are listed first, so that a process that starts meanwhile does not count as dead.
    counting = _counting_pids(folder)
    living = {child.pid for child in parent_process.children()}
    for process in counting - living:
        with suppress(FileNotFoundError):  # another process removed it first
            mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
