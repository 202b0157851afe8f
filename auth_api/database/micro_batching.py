"""Groups concurrent small calls into few large ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class MicroBatcher(Generic[Item, Result]):
    """Collects items while a call of `function` runs, and passes them to the next call together.

    A lone item is passed on at once. Under load, batches fill by themselves.
    """

    def __init__(
        self,
        function: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        size: int = 64,
        linger: float = 0.0,
        expect_more: Callable[[], bool] | None = None,
    ) -> None:
        """
        function: processes a batch. Returns one result an item, in order. An exception among the
            results is raised to the caller of that item, an exception that `function` raises to
            all callers of the batch.
        size: the maximum number of items in a batch.
        linger: seconds to wait for more items before a call, if `expect_more()` is true.
        expect_more: by default, whether the last batch had several items.
        """
        self._function = function
        self._size = size
        self._linger = linger
        self._last_had_several = False
        self._expect_more = expect_more or (lambda: self._last_had_several)
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Result:
        """Returns the result for one item. The work continues if the caller is cancelled."""
        return await self.submit(item)

    def submit(self, item: Item) -> asyncio.Future[Result]:
        """Like calling, but returns a future to await later."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return future

    async def finish(self) -> None:
        """Waits until no item is left."""
        while self._task:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            while self._waiting:
                if self._linger and self._expect_more():
                    await asyncio.sleep(self._linger)
                batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
                self._last_had_several = len(batch) > 1
                items, futures = zip(*batch, strict=True)
                await resolve(futures, self._function(items))
        finally:
            self._task = None


async def resolve(
    futures: Sequence[asyncio.Future[Result]],
    call: Awaitable[Sequence[Result | Exception]],
) -> Sequence[Result | Exception]:
    """Awaits `call` and gives each future its result, or raises the exception in its place.

    An exception that `call` raises goes to every future. Returns what the futures got.
    """
    results: Sequence[Result | Exception]
    try:
        results = await call
    except Exception as error:
        results = [error] * len(futures)
    for future, result in zip(futures, results, strict=True):
        if future.done():
            continue  # cancelled by its caller
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
    return results
