"""Pictures that wait for a TorchServe that is started anew, rather than be refused.

They may be asked about twice: reading one changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from auth_api.errors import Unreachable

Answer = TypeVar("Answer")

_PAUSE = 0.25
# Pictures are in memory while they wait: beyond so many, others are refused at once.
_MOST = 256


class OutageRetry:
    """That of one process."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting = 0

    def deadline(self) -> float:
        """Until when somebody waits who has come now."""
        return time.monotonic() + self._seconds

    async def call(self, deadline: float, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer, asked for again and again while there is no TorchServe. Raises ApiError."""
        while True:
            try:
                return await ask()
            except Unreachable:
                if self._waiting >= _MOST or time.monotonic() + _PAUSE > deadline:
                    raise
            self._waiting += 1
            try:
                await asyncio.sleep(_PAUSE)
            finally:
                self._waiting -= 1
