"""Predictions wait for a TorchServe that restarts."""

from __future__ import annotations

import asyncio

import pytest

from auth_api.errors import Unavailable, Unreachable
from auth_api.torchserve.outage_retry import OutageRetry
from tests.support.clocked import run


def retry_of(seconds: float) -> OutageRetry:
    return OutageRetry(seconds, clock=asyncio.get_running_loop().time)


def test_a_prediction_is_retried_until_torchserve_is_back() -> None:
    async def act() -> None:
        clock = asyncio.get_running_loop().time
        retry = retry_of(10)

        async def predict() -> str:
            if clock() < 8:
                raise Unreachable("Down.")
            return "answer"

        assert await retry.call(retry.deadline(), predict) == "answer"
        assert 8 <= clock() < 8.5

    run(act)


def test_it_fails_at_its_deadline() -> None:
    async def act() -> None:
        clock = asyncio.get_running_loop().time
        retry = retry_of(10)

        async def predict() -> None:
            raise Unreachable("Down.")

        await asyncio.sleep(5)
        with pytest.raises(Unreachable, match="Down"):
            await retry.call(retry.deadline(), predict)
        assert 14.5 < clock() <= 15

    run(act)


def test_other_errors_are_not_retried() -> None:
    async def act() -> None:
        async def predict() -> None:
            raise Unavailable("Busy.")

        with pytest.raises(Unavailable, match="Busy"):
            await retry_of(10).call(100, predict)
        assert asyncio.get_running_loop().time() == 0

    run(act)


def test_at_most_256_predictions_wait_and_each_makes_room_at_its_end() -> None:
    async def act() -> None:
        clock, retry = asyncio.get_running_loop().time, retry_of(10)

        async def predict() -> None:
            raise Unreachable("Down.")

        async def end_of_call() -> float:
            with pytest.raises(Unreachable):
                await retry.call(retry.deadline(), predict)
            return clock()

        for _ in range(2):
            start = clock()
            waits = [
                end - start for end in await asyncio.gather(*(end_of_call() for _ in range(258)))
            ]
            assert sum(wait > 9 for wait in waits) == 256
            assert waits.count(0) == 2

    run(act)
