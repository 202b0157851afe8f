"""Retries predictions while TorchServe restarts, so that callers wait instead of getting a 503.

A prediction may run twice; this is safe because it changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from auth_api.errors import Unreachable

Result = TypeVar("Result")

_RETRY_SECONDS = 0.25
# Waiting requests keep their images in memory. Further requests fail at once.
_MAX_WAITING = 256


class OutageRetry:
    """Shared by all predictions of a process."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells the time in seconds."""
        self._seconds = seconds
        self._clock = clock
        self._waiting = 0

    def deadline(self) -> float:
        """When a request that arrives now stops retrying, by the clock."""
        return self._clock() + self._seconds

    async def call(self, deadline: float, predict: Callable[[], Awaitable[Result]]) -> Result:
        """Calls `predict` until TorchServe is reachable or `deadline` is over.

        Raises what `predict` raises.
        """
        while True:
            try:
                return await predict()
            except Unreachable:
                if self._waiting >= _MAX_WAITING or self._clock() + _RETRY_SECONDS > deadline:
                    raise
            self._waiting += 1
            try:
                await asyncio.sleep(_RETRY_SECONDS)
            finally:
                self._waiting -= 1
