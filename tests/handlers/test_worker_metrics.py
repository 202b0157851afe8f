"""Metric lines of a batch are written in one piece, also if the batch fails."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import redirect_stdout

import pytest
from ts.metrics.caching_metric import CachingMetric, logger
from ts.metrics.metric_type_enum import MetricTypes

from handlers import worker_metrics


class Pieces(io.StringIO):
    """Standard output that records each flush as one piece."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def flush(self) -> None:
        self.pieces.append(self.getvalue())
        self.seek(0)
        self.truncate()


@pytest.fixture(autouse=True)
def worker_logging() -> Iterator[None]:
    handlers, propagate, level = logger.handlers, logger.propagate, logger.level
    worker_metrics.set_up()
    logger.setLevel(logging.INFO)
    yield
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)


def _observe(value: float) -> None:
    CachingMetric("Size", "Bytes", [], MetricTypes.HISTOGRAM).add_or_update(value)


def test_lines_of_a_batch_are_written_in_one_piece() -> None:
    with redirect_stdout(Pieces()) as written:
        with worker_metrics.buffered():
            for value in range(3):
                _observe(value)
            assert written.pieces == []
        (piece,) = written.pieces
    assert piece.endswith("\n")
    values = [line.split("|")[0] for line in piece.splitlines()]
    assert values == [f"[METRICS]Size.Bytes:{value}" for value in range(3)]


def test_other_lines_are_written_at_once() -> None:
    with redirect_stdout(Pieces()) as written:
        _observe(1)
        with worker_metrics.buffered():
            pass
        _observe(2)
        assert len(written.pieces) == 2
    assert not logger.propagate  # TorchServe's own handler would write each line again.


def test_lines_of_a_failed_batch_are_written() -> None:
    def fail() -> None:
        with worker_metrics.buffered():
            _observe(1)
            raise ArithmeticError

    with redirect_stdout(Pieces()) as written:
        with pytest.raises(ArithmeticError):
            fail()
        assert len(written.pieces) == 1
