"""Ends Python code that takes too much processor time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

Result = TypeVar("Result")

# An exception that a library swallows is raised again after this many seconds.
_REPEAT_SECONDS = 0.05


class OutOfTime(BaseException):
    """The time is over. No `Exception`, because image libraries catch all of those."""


class _Timer:
    """Of the process, so there is one."""

    armed = False


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """Returns `work()`; raises OutOfTime after `seconds` of processor time.

    Time that the process waits for a busy machine does not count. A call of C code is not
    interrupted: the exception comes when it returns. In a thread other than the main one, where
    Python handles no signals, there is no limit; TorchServe runs handlers in the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    signal.signal(signal.SIGPROF, _interrupt)
    try:
        try:
            _Timer.armed = True
            signal.setitimer(signal.ITIMER_PROF, seconds, _REPEAT_SECONDS)
            return work()
        finally:
            _disarm()
    except OutOfTime:
        _disarm()  # the exception may have come in the middle of the first call
        raise


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Holds OutOfTime back to the end of a block that must not be left in the middle."""
    armed, _Timer.armed = _Timer.armed, False
    try:
        yield
    finally:
        _Timer.armed = armed


def _disarm() -> None:
    _Timer.armed = False
    signal.setitimer(signal.ITIMER_PROF, 0)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _Timer.armed:
        raise OutOfTime
