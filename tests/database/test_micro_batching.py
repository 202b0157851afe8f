"""Concurrent calls share a batch, and each caller gets its own result."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from auth_api.database.micro_batching import MicroBatcher
from tests.support.clocked import run


class Doubler:
    """Doubles numbers; refuses odd ones, and a whole batch with a negative one."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    async def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append([*items])
        await asyncio.sleep(0.001)
        if min(items) < 0:
            raise OverflowError
        return [ValueError(item) if item % 2 else 2 * item for item in items]


def test_items_that_wait_share_the_next_call_up_to_its_size() -> None:
    async def act() -> None:
        doubler = Doubler()
        batcher = MicroBatcher(doubler, size=3)
        first = batcher.submit(0)
        await asyncio.sleep(0)
        others = [batcher.submit(item) for item in (2, 4, 6, 8)]
        assert await asyncio.gather(first, *others) == [0, 4, 8, 12, 16]
        assert doubler.batches == [[0], [2, 4, 6], [8]]
        assert await batcher(10) == 20

    run(act)


def test_by_default_a_batch_has_up_to_64_items() -> None:
    async def act() -> None:
        doubler = Doubler()
        batcher = MicroBatcher(doubler)
        await asyncio.gather(*(batcher(item) for item in range(0, 130, 2)))
        assert [len(batch) for batch in doubler.batches] == [64, 1]
        assert asyncio.get_running_loop().time() == pytest.approx(0.002)

    run(act)


def test_an_error_of_an_item_or_of_a_batch_reaches_its_callers() -> None:
    async def act() -> None:
        batcher = MicroBatcher(Doubler())
        results = await asyncio.gather(*map(batcher, (1, 2, 3)), return_exceptions=True)
        assert [type(each) for each in results] == [ValueError, int, ValueError]
        results = await asyncio.gather(*map(batcher, (2, -1)), return_exceptions=True)
        assert [type(each) for each in results] == [OverflowError, OverflowError]
        assert await batcher(2) == 4

    run(act)


def test_the_work_goes_on_when_a_caller_leaves() -> None:
    async def act() -> None:
        doubler = Doubler()
        batcher = MicroBatcher(doubler)
        left, stays = batcher.submit(2), batcher.submit(4)
        left.cancel()
        await batcher.finish()
        assert doubler.batches == [[2, 4]]
        assert stays.result() == 8

    run(act)


@pytest.mark.parametrize("expected", [True, False])
def test_it_lingers_only_if_more_is_expected(expected: bool) -> None:
    async def act() -> None:
        doubler = Doubler()
        batcher = MicroBatcher(doubler, linger=0.05, expect_more=lambda: expected)
        first = asyncio.create_task(batcher(2))
        await asyncio.sleep(0.005)
        await asyncio.gather(first, batcher(4))
        assert doubler.batches == ([[2, 4]] if expected else [[2], [4]])

    run(act)


def test_more_is_expected_after_a_batch_of_several() -> None:
    async def act() -> None:
        doubler = Doubler()
        batcher = MicroBatcher(doubler, linger=0.05)
        await batcher(2)
        await batcher(2)
        assert asyncio.get_running_loop().time() == pytest.approx(0.002)
        await asyncio.gather(batcher(2), batcher(4))
        first = asyncio.create_task(batcher(6))
        await asyncio.sleep(0.005)
        await asyncio.gather(first, batcher(8))
        assert doubler.batches == [[2], [2], [2, 4], [6, 8]]

    run(act)
