"""All metrics in Prometheus' text format."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from prometheus_client import Metric, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from auth_api.observability import shared_metrics
from auth_api.observability.metrics import Metrics
from auth_api.observability.process_metrics import process_metrics
from auth_api.settings import Settings


class Exposition:
    """Collects the metrics of the service, its processes, its disks, its jobs and its models."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        *sources: Callable[[], Awaitable[Iterable[Metric]]],
    ) -> None:
        """`sources` are asked at each scrape, all at once."""
        self._folders = {"data": settings.data_dir, "media": settings.media_dir}
        self._metrics = metrics
        self._sources = sources

    async def text(self) -> bytes:
        """The metrics as they are now; those of jobs and models may be some seconds old."""
        found = await asyncio.gather(*(source() for source in self._sources))
        # A thread, because reading the counts of several processes takes many milliseconds.
        return await asyncio.to_thread(self._text, [*chain(*found)])

    def _text(self, asked: Iterable[Metric]) -> bytes:
        current = [*asked, *process_metrics(), *_disk_metrics(self._folders)]
        counted = generate_latest(shared_metrics.registry(self._metrics))
        return counted + generate_latest(_Fixed(current))


class _Fixed(Collector):
    """Metrics whose values are already known."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _disk_metrics(folders: dict[str, Path]) -> Iterator[Metric]:
    """Space on the file systems of the folders."""
    free = GaugeMetricFamily("disk_free_bytes", "Free space of the disk.", labels=("folder",))
    size = GaugeMetricFamily("disk_size_bytes", "Size of the disk.", labels=("folder",))
    for name, folder in folders.items():
        with suppress(OSError):  # the folder is made with the first file
            usage = shutil.disk_usage(folder)
            free.add_metric((name,), usage.free)
            size.add_metric((name,), usage.total)
    yield from (free, size)
