"""What workers observe is written in one piece, whatever becomes of the batch."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import redirect_stdout

import pytest
from ts.metrics.caching_metric import CachingMetric, logger
from ts.metrics.metric_type_enum import MetricTypes

from handlers import observing


class Written(io.StringIO):
    """Standard output that keeps apart what was written in one go."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def flush(self) -> None:
        self.pieces.append(self.getvalue())
        self.seek(0)
        self.truncate()


@pytest.fixture(autouse=True)
def as_in_a_worker() -> Iterator[None]:
    handlers, propagate, level = logger.handlers, logger.propagate, logger.level
    observing.set_up()
    logger.setLevel(logging.INFO)
    yield
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)


def _observe(value: float) -> None:
    CachingMetric("Size", "Bytes", [], MetricTypes.HISTOGRAM).add_or_update(value)


def test_lines_of_a_batch_are_written_in_one_piece() -> None:
    with redirect_stdout(Written()) as written:
        with observing.written_together():
            for value in range(3):
                _observe(value)
            assert written.pieces == []
        (piece,) = written.pieces
    assert piece.endswith("\n")
    begun = [line.split("|")[0] for line in piece.splitlines()]
    assert begun == [f"[METRICS]Size.Bytes:{value}" for value in range(3)]


def test_other_lines_are_written_at_once() -> None:
    with redirect_stdout(Written()) as written:
        _observe(1)
        with observing.written_together():
            pass
        _observe(2)
        assert len(written.pieces) == 2


def test_lines_of_a_batch_that_failed_are_written() -> None:
    def fail() -> None:
        with observing.written_together():
            _observe(1)
            raise ArithmeticError

    with redirect_stdout(Written()) as written:
        with pytest.raises(ArithmeticError):
            fail()
        assert len(written.pieces) == 1
