"""Watches the resident memory of processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

_PAUSE_SECONDS = 0.02
# Listing all processes of a machine takes longer than asking some for their memory.
_LIST_SECONDS = 1.0


@contextmanager
def memory_samples(processes: Callable[[], Sequence[psutil.Process]]) -> Iterator[list[int]]:
    """Records the sum of the memory of the processes in bytes, fifty times a second.

    Yields the list of samples. `processes` is asked once a second, because they may be replaced.
    """
    samples = [resident(processes())]
    stop = threading.Event()

    def watch() -> None:
        listed, listed_at = processes(), time.monotonic()
        while not stop.wait(_PAUSE_SECONDS):
            if time.monotonic() - listed_at > _LIST_SECONDS:
                listed, listed_at = processes(), time.monotonic()
            samples.append(resident(listed))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield samples
    finally:
        stop.set()
        watcher.join()


def resident(processes: Sequence[psutil.Process]) -> int:
    """The sum of the resident memory in bytes; an ended process has none."""
    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


def with_children(pid: int) -> list[psutil.Process]:
    """A process and all that it started; none if it has ended."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
