"""All metrics in Prometheus' text format."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from auth_api.observability import shared_metrics
from auth_api.observability.metrics import Metrics
from auth_api.observability.process_metrics import process_metrics
from auth_api.settings import Settings


class Exposition:
    """What Prometheus is answered."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        of_jobs: Callable[[], Awaitable[Iterable[Metric]]],
    ) -> None:
        self._places = {"data": settings.data_dir, "media": settings.media_dir}
        self._metrics = metrics
        self._of_jobs = of_jobs

    async def text(self) -> bytes:
        """The metrics as they are now; those of jobs may be some seconds old."""
        of_jobs = await self._of_jobs()
        # Reading what several processes have counted takes many milliseconds.
        return await asyncio.to_thread(self._text, of_jobs)

    def _text(self, of_jobs: Iterable[Metric]) -> bytes:
        gathered = CollectorRegistry()
        gathered.register(_Gathered([*of_jobs, *process_metrics(), *_disk_metrics(self._places)]))
        return generate_latest(shared_metrics.recorded(self._metrics)) + generate_latest(gathered)


class _Gathered(Collector):
    """Metrics that are there already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _disk_metrics(places: dict[str, Path]) -> Iterator[Metric]:
    """Of the file systems that the folders of the settings are on."""
    free = GaugeMetricFamily("disk_free_bytes", "What can still be written.", labels=("folder",))
    size = GaugeMetricFamily("disk_size_bytes", "All that can be kept.", labels=("folder",))
    for name, folder in places.items():
        with suppress(OSError):  # nothing has been written there yet
            usage = shutil.disk_usage(folder)
            free.add_metric((name,), usage.free)
            size.add_metric((name,), usage.total)
    yield from (free, size)
