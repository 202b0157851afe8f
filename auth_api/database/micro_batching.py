"""Many small calls at the same time as few large ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class MicroBatcher(Generic[Item, Result]):
    """Calls `function` with all that came while its last call was under way.

    A lone call goes straight through; under load a batch fills by itself, as many items as wait,
    at most `size`, and waits `linger` seconds for more when `expect_more` says that some will come,
    by default after a batch that had some. `function` answers one result an item, in order; an
    exception among them is raised to the caller of that item, one that it raises to all of the
    batch.
    """

    def __init__(
        self,
        function: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        size: int = 64,
        linger: float = 0.0,
        expect_more: Callable[[], bool] | None = None,
    ) -> None:
        self._function = function
        self._size = size
        self._linger = linger
        self._crowded = False
        self._expect_more = expect_more or (lambda: self._crowded)
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Result:
        """The result for one item, whose work goes on if the caller is cancelled."""
        return await self.submit(item)

    def submit(self, item: Item) -> asyncio.Future[Result]:
        """The same, to be awaited later."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return future

    async def finish(self) -> None:
        """Waits until nothing is under way."""
        while self._task:
            await asyncio.wait({self._task})

    async def _work(self) -> None:
        try:
            while self._waiting:
                if self._linger and self._expect_more():
                    await asyncio.sleep(self._linger)
                batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
                self._crowded = len(batch) > 1
                answering = self._function([item for item, _ in batch])
                await resolve([future for _, future in batch], answering)
        finally:
            self._task = None


async def resolve(
    futures: Sequence[asyncio.Future[Result]],
    answering: Awaitable[Sequence[Result | Exception]],
) -> Sequence[Result | Exception]:
    """Gives each of `futures` its result, or the exception in its place; one that `answering`
    raises to all of them. Answers what they were given.
    """
    results: Sequence[Result | Exception]
    try:
        results = await answering
    except Exception as error:
        results = [error] * len(futures)
    for future, result in zip(futures, results, strict=True):
        if future.done():
            continue  # its caller has gone
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
    return results
