"""Processor time, memory and open files of the service, under Prometheus' usual names."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

from auth_api.observability import shared_metrics


class _Usage(NamedTuple):
    seconds: float
    """Processor time."""
    memory: int
    """Bytes, including memory shared with other processes."""
    files: int
    """Open files, including connections."""


def process_metrics() -> Iterator[Metric]:
    """The metrics of all server processes together, with their parent if there are several."""
    servers, parent = shared_metrics.server_processes(), shared_metrics.parent()
    usages = [_usage(server, with_ended=False) for server in servers]
    if parent:
        # The parent's times include those of children that ended, so the sum never falls.
        usages.append(_usage(parent, with_ended=True))
    yield from _families(usages)
    first = parent or psutil.Process()
    yield GaugeMetricFamily(
        "process_start_time_seconds",
        "Start of the service, in seconds since 1970.",
        first.create_time(),
    )
    yield GaugeMetricFamily(
        "memory_limit_bytes",
        "Memory that the container may use; no value without a limit.",
        memory_limit(),
    )
    yield GaugeMetricFamily("service_processes", "Processes that answer requests.", len(servers))


def memory_limit(cgroups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """The limit of the control group that a container sees as the root, None if it has none."""
    # Version 2 and version 1. Without a limit they have `max`, or more than any machine.
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            limit = int((cgroups / name).read_text())
            return limit if limit < psutil.virtual_memory().total else None
    return None


def _usage(process: psutil.Process, *, with_ended: bool) -> _Usage:
    with suppress(psutil.NoSuchProcess):  # it ended just now
        times = process.cpu_times()
        ended = times.children_user + times.children_system if with_ended else 0.0
        seconds = times.user + times.system + ended
        return _Usage(seconds, process.memory_info().rss, process.num_fds())
    return _Usage(0, 0, 0)


def _families(usages: Sequence[_Usage]) -> Iterator[Metric]:
    seconds = sum(each.seconds for each in usages)
    yield CounterMetricFamily("process_cpu_seconds", "Processor time used.", value=seconds)
    memory = sum(each.memory for each in usages)
    yield GaugeMetricFamily("process_resident_memory_bytes", "Memory used.", memory)
    files = sum(each.files for each in usages)
    yield GaugeMetricFamily("process_open_fds", "Open files and connections.", files)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0] * len(usages)
    yield GaugeMetricFamily("process_max_fds", "Limit of open files and connections.", limit)
