"""Sends images again that a batch did not answer: each alone, one at a time.

An image that takes long, or ends its worker, then costs no other image its answer. There is one
place for them, so the other workers go on with the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import Protocol

from auth_api.errors import Unavailable
from auth_api.torchserve.batcher import BUSY_SENTENCE, busy
from auth_api.torchserve.wire_format import Answer, PredictionRequest


class SendAlone(Unavailable):
    """The image had no answer among others. It has to be sent again, alone."""

    def __init__(self, *, quick: bool) -> None:
        """`quick`: it was not tried, so it may well be quick."""
        super().__init__(BUSY_SENTENCE)
        self.quick = quick


class _Predict(Protocol):
    def __call__(self, request: PredictionRequest, *, quick: bool) -> Awaitable[Answer]: ...


class Alone:
    """The images of one model that have to be sent alone."""

    def __init__(self, predict: _Predict, max_wait: float) -> None:
        """`predict` sends one image; with `quick`, it may raise `SendAlone`. `max_wait`: longest
        wait for the place, in seconds.
        """
        self._predict = predict
        self._max_wait = max_wait
        self._place = asyncio.Semaphore(1)
        # Jobs wait for each other here, so that at most one of their images is ahead of others.
        self._background = asyncio.Semaphore(1)

    async def __call__(self, request: PredictionRequest, *, quick: bool) -> Answer:
        """Returns the answer. `quick`: it is tried at once, without the place.

        Raises what `predict` raises, and `Unavailable` after `max_wait`; images of jobs wait as
        long as it takes.
        """
        if quick:
            try:
                return await self._predict(request, quick=True)
            except SendAlone:
                pass
        async with AsyncExitStack() as places:
            if request.background:
                await places.enter_async_context(self._background)
            try:
                async with asyncio.timeout(None if request.background else self._max_wait):
                    await places.enter_async_context(self._place)
            except TimeoutError:
                raise busy() from None
            return await self._predict(request, quick=False)
