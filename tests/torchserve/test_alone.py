"""Images that have to be sent alone wait for one place, and those of jobs for each other."""

from __future__ import annotations

import asyncio

import pytest

from auth_api.errors import Unavailable
from auth_api.torchserve.alone import Alone
from auth_api.torchserve.wire_format import Answer, PredictionRequest
from tests.support.clocked import run


class Worker:
    """Takes a second for each image."""

    def __init__(self) -> None:
        self.images: list[str] = []
        self.at_once = 0

    async def __call__(self, request: PredictionRequest, *, quick: bool) -> Answer:
        self.images.append(request.image.decode())
        assert not self.at_once
        self.at_once += 1
        await asyncio.sleep(1)
        self.at_once -= 1
        return {"saw": self.images[-1]}


def test_a_job_has_one_image_ahead_of_others_and_waits_as_long_as_it_takes() -> None:
    async def act() -> None:
        worker = Worker()
        alone = Alone(worker, max_wait=5)
        requests = [PredictionRequest(b"J", None, {}, background=True) for _ in range(12)]
        jobs = [asyncio.create_task(alone(each, quick=False)) for each in requests]
        await asyncio.sleep(0.5)
        person = asyncio.create_task(alone(PredictionRequest(b"p", None, {}), quick=False))
        answers = await asyncio.gather(*jobs, person)
        assert worker.images[:3] == ["J", "J", "p"] or worker.images[:2] == ["J", "p"]
        assert len(answers) == 13

    run(act)


def test_a_caller_waits_a_limited_time_for_the_place() -> None:
    async def act() -> None:
        alone = Alone(Worker(), max_wait=1.5)
        request = PredictionRequest(b"p", None, {})
        tasks = [asyncio.create_task(alone(request, quick=False)) for _ in range(4)]
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(each, Unavailable) for each in found] == [False, False, True, True]
        assert await alone(request, quick=False) == {"saw": "p"}

    run(act)


def test_the_place_of_a_caller_that_leaves_is_free() -> None:
    async def act() -> None:
        alone = Alone(Worker(), max_wait=5)
        for background in (False, True):
            request = PredictionRequest(b"a", None, {}, background=background)
            waiting = [asyncio.create_task(alone(request, quick=False)) for _ in range(3)]
            await asyncio.sleep(0.5)
            waiting[1].cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting[1]
            assert await waiting[2] == {"saw": "a"}

    run(act)
