"""An event loop whose time passes at once while all wait: a busy machine changes nothing."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine


class Clock(selectors.DefaultSelector):
    """Does not wait: what a loop waits for is the next thing that happens."""

    seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.seconds += timeout or 0
        return super().select(0)


class ClockedLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own."""

    def __init__(self) -> None:
        self._clock = Clock()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.seconds


def run(act: Callable[[], Coroutine[None, None, None]]) -> None:
    """Runs `act` on such a loop."""
    with asyncio.Runner(loop_factory=ClockedLoop) as runner:
        runner.run(act())
