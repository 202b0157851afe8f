"""What the processes of the service take of the machine, under Prometheus' usual names."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import psutil
from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

from auth_api.observability import shared_metrics


class _Taken(NamedTuple):
    """What one process takes."""

    seconds: float
    """Of processors."""
    memory: int
    """Bytes, what it shares with others included."""
    files: int
    """Open ones, connections among them."""


def process_metrics() -> Iterator[Metric]:
    """Of all processes together, and of the one that started them if there are several."""
    servers, started_by = shared_metrics.siblings(), shared_metrics.parent()
    taken = [_taken(server, ended_too=False) for server in servers]
    if started_by:
        # What it has waited for is in its own times, so that a process which ends takes nothing
        # along: the sum never falls.
        taken.append(_taken(started_by, ended_too=True))
    yield from _families(taken)
    first = started_by or psutil.Process()
    yield GaugeMetricFamily(
        "process_start_time_seconds",
        "When the service was started, in seconds since 1970.",
        first.create_time(),
    )
    yield GaugeMetricFamily("service_processes", "Processes that answer requests.", len(servers))


def _taken(process: psutil.Process, *, ended_too: bool) -> _Taken:
    with suppress(psutil.NoSuchProcess):  # it has ended just now
        times = process.cpu_times()
        of_ended = times.children_user + times.children_system if ended_too else 0.0
        seconds = times.user + times.system + of_ended
        return _Taken(seconds, process.memory_info().rss, process.num_fds())
    return _Taken(0, 0, 0)


def _families(taken: Sequence[_Taken]) -> Iterator[Metric]:
    seconds = sum(each.seconds for each in taken)
    yield CounterMetricFamily("process_cpu_seconds", "Processor time taken.", value=seconds)
    memory = sum(each.memory for each in taken)
    yield GaugeMetricFamily("process_resident_memory_bytes", "Memory taken.", memory)
    files = sum(each.files for each in taken)
    yield GaugeMetricFamily("process_open_fds", "Open files and connections.", files)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] * len(taken)
    yield GaugeMetricFamily("process_max_fds", "Those that there may be.", most)
