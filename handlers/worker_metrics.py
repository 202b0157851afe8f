"""The metrics of workers: lines on standard output, which TorchServe passes to Prometheus."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ts.metrics import caching_metric
from ts.metrics.metric_type_enum import MetricTypes


class MetricsContext(Protocol):
    """The part of TorchServe's `ts.context.Context` that metrics use."""

    metrics: Any


def observe(context: MetricsContext, index: int, name: str, value: float, unit: str) -> None:
    """Adds one observation to a histogram of `deploy/torchserve/metrics.yaml`.

    `index` is the request's position in the batch. TorchServe's histograms have the default buckets
    of Prometheus clients, 0.005 to 10, so times are in seconds and shares are 0-1. The buckets are
    coarse for confidences; `auth_api.observability.metrics` has a finer histogram by version.
    """
    context.metrics.add_metric(name, value, unit, index, metric_type=MetricTypes.HISTOGRAM)


def set_up() -> None:
    """Sends TorchServe's metric lines through a handler that can buffer. Called once per worker."""
    caching_metric.logger.handlers = [_OUTPUT]
    caching_metric.logger.propagate = False


@contextmanager
def buffered() -> Iterator[None]:
    """Holds metric lines back and writes them in one piece at the end.

    Each separate write costs the worker a system call and wakes the frontend. For small drawings
    that was a tenth of the worker's time.
    """
    _OUTPUT.buffering = True
    try:
        yield
    finally:
        _OUTPUT.buffering = False
        _OUTPUT.flush()


class _BufferedOutput(logging.Handler):
    """Writes to standard output, at once unless it is buffering."""

    def __init__(self) -> None:
        super().__init__()
        self.buffering = False
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record) + "\n")
        if not self.buffering:
            self.flush()

    def flush(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            sys.stdout.write("".join(lines))
            sys.stdout.flush()


_OUTPUT = _BufferedOutput()
