"""What workers tell Prometheus: lines on standard output, which TorchServe's frontend reads."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ts.metrics import caching_metric
from ts.metrics.metric_type_enum import MetricTypes


class Observer(Protocol):
    """The part of TorchServe's `ts.context.Context` that is used here."""

    metrics: Any


def observe(context: Observer, index: int, name: str, value: float, unit: str) -> None:
    """Adds one observation to a histogram that `deploy/torchserve/metrics.yaml` names.

    TorchServe's histograms have the default buckets of Prometheus clients, 0.005 to 10:
    times are therefore given in seconds and shares as 0-1. That is coarse for confidences, of
    which the service has a finer histogram, by version (`auth_api.observability.metrics`).
    """
    context.metrics.add_metric(name, value, unit, index, metric_type=MetricTypes.HISTOGRAM)


def set_up() -> None:
    """Has TorchServe's lines written by what can hold them back; called once in a worker's life."""
    caching_metric.logger.handlers = [_LINES]
    caching_metric.logger.propagate = False


@contextmanager
def written_together() -> Iterator[None]:
    """Writes the lines of what is observed within at once, when it is over.

    One by one each costs the worker a system call and wakes the frontend: a tenth of the worker's
    time for small drawings.
    """
    _LINES.held = True
    try:
        yield
    finally:
        _LINES.held = False
        _LINES.flush()


class _Lines(logging.Handler):
    """On standard output, at once unless they are held."""

    def __init__(self) -> None:
        super().__init__()
        self.held = False
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record) + "\n")
        if not self.held:
            self.flush()

    def flush(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            sys.stdout.write("".join(lines))
            sys.stdout.flush()


_LINES = _Lines()
