"""Metrics of several processes as those of one: whichever answers Prometheus answers for all.

`prometheus_client` keeps them in files then, some for each process, in a folder that the parent
makes before its children import that library, and takes away in the end. What processes that have
died have counted stays counted; what they had under way is forgotten.
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
def shared(processes: int) -> Iterator[None]:
    """Has so many processes that are started within the `with` share their metrics."""
    if processes == 1:
        yield
        return
    with TemporaryDirectory(prefix="ranjana-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[_VARIABLE]


def recorded(metrics: Metrics) -> CollectorRegistry:
    """What is to be shown: that of this process, or of all that share."""
    folder, started_by = _folder(), parent()
    if folder is None or started_by is None:
        return metrics.registry
    _forget_dead(folder, started_by)
    together = CollectorRegistry()
    MultiProcessCollector(together, str(folder))  # type: ignore[no-untyped-call]
    return together


def parent() -> psutil.Process | None:
    """The process that started those that share; None for one by itself."""
    return psutil.Process(os.getppid()) if _folder() else None


def siblings() -> list[psutil.Process]:
    """The processes that answer requests, this one among them."""
    folder, started_by = _folder(), parent()
    if folder is None or started_by is None:
        return [psutil.Process()]
    counting = _processes(folder)
    return [child for child in started_by.children() if child.pid in counting]


def _folder() -> Path | None:
    folder = os.environ.get(_VARIABLE)
    return Path(folder) if folder else None


def _processes(folder: Path) -> set[int]:
    """Those that have counted anything: their numbers are the last part of the files' names."""
    return {int(file.stem.rpartition("_")[2]) for file in folder.glob("*.db")}


def _forget_dead(folder: Path, started_by: psutil.Process) -> None:
    # In this order: one that begins meanwhile must not be taken for dead.
    counting = _processes(folder)
    living = {child.pid for child in started_by.children()}
    for process in counting - living:
        with suppress(FileNotFoundError):  # another process was quicker
            mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
