"""The request queue of a model: what shares a batch, what is rejected, what times out.

Time passes only while all wait, so that a busy machine changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from auth_api.errors import Unavailable
from auth_api.torchserve.batcher import DynamicBatcher
from auth_api.torchserve.wire_format import Answer, PredictionRequest
from tests.support.clocked import run


class Workers:
    """Hold each batch until the test calls `answer`."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self._waiting: list[asyncio.Event] = []

    async def __call__(self, requests: Sequence[PredictionRequest]) -> list[Answer | Exception]:
        self.batches.append([text_of(request) for request in requests])
        event = asyncio.Event()
        self._waiting.append(event)
        await event.wait()
        return [
            Unavailable("No.") if request.image.startswith(b"bad") else answer_to(text_of(request))
            for request in requests
        ]

    async def answer(self) -> None:
        """Answers all batches in flight, and waits until the next ones have been sent."""
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            event.set()
        await asyncio.sleep(0.02)


def text_of(request: PredictionRequest) -> str:
    return request.image[:10].decode()


def answer_to(text: str) -> Answer:
    return {"read": text.upper()}


def a_request(text: str, version: str | None = None) -> PredictionRequest:
    """Capitals are requests of jobs."""
    return PredictionRequest(text.encode(), version, {}, background=text.isupper())


def batcher_of(
    workers: Workers, max_concurrency: int = 2, max_wait: float = 60, timeout: float = 60
) -> DynamicBatcher:
    return DynamicBatcher(
        workers,
        max_concurrency=max_concurrency,
        max_wait=max_wait,
        timeout=timeout,
        observe_wait=lambda _: None,
        clock=asyncio.get_running_loop().time,
    )


async def enqueue(
    batcher: DynamicBatcher, *requests: PredictionRequest
) -> list[asyncio.Task[Answer]]:
    """Queues the requests in this order."""
    tasks = [asyncio.create_task(_predict(batcher, request)) for request in requests]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def _predict(batcher: DynamicBatcher, request: PredictionRequest) -> Answer:
    return await batcher(request)


def test_a_lone_request_is_sent_at_once_and_waiting_requests_share_a_batch() -> None:
    async def act() -> None:
        workers = Workers()
        tasks = await enqueue(batcher_of(workers), *(a_request(each) for each in "abcdefg"))
        assert workers.batches == [["a"]]
        await asyncio.sleep(0.02)
        assert workers.batches[1:] == [["b", "c", "d", "e", "f", "g"]]
        await workers.answer()
        assert [await task for task in tasks] == [answer_to(each) for each in "abcdefg"]

    run(act)


def test_a_batch_has_at_most_eight_requests_and_a_full_one_is_sent_at_once() -> None:
    async def act() -> None:
        workers = Workers()
        await enqueue(
            batcher_of(workers, max_concurrency=3), *(a_request(f"{place}") for place in range(20))
        )
        assert [len(batch) for batch in workers.batches] == [1, 2, 6]
        await workers.answer()
        assert [len(batch) for batch in workers.batches] == [1, 2, 6, 8, 3]
        await workers.answer()

    run(act)


def test_a_few_requests_are_divided_among_the_workers() -> None:
    async def act() -> None:
        workers = Workers()
        batcher = batcher_of(workers, max_concurrency=4)
        await enqueue(batcher, *(a_request(letter) for letter in "abcd"))
        await asyncio.sleep(0.02)
        await enqueue(batcher, *(a_request(letter) for letter in "efgh"))
        assert [len(batch) for batch in workers.batches] == [1, 1, 2, 4]
        await workers.answer()

    run(act)


def test_a_batch_is_for_one_version_and_requests_keep_their_order() -> None:
    async def act() -> None:
        workers = Workers()
        versions = ["1.0", "1.0", "1.0", "1.1", "1.0"]
        requests = [a_request(f"{place}", version) for place, version in enumerate(versions)]
        tasks = await enqueue(batcher_of(workers, max_concurrency=1), *requests)
        for _ in requests:
            await workers.answer()
        assert workers.batches == [["0"], ["1", "2"], ["3"], ["4"]]
        assert [await task for task in tasks] == [answer_to(each) for each in "01234"]

    run(act)


def test_large_images_do_not_share_a_batch() -> None:
    async def act() -> None:
        workers = Workers()
        large = [a_request(letter * 700_000) for letter in "abc"]
        await enqueue(batcher_of(workers, max_concurrency=1), *large)
        await workers.answer()
        await workers.answer()
        assert [len(batch) for batch in workers.batches] == [1, 1, 1]
        await workers.answer()

    run(act)


def test_requests_of_jobs_and_of_people_take_turns() -> None:
    async def act() -> None:
        workers = Workers()
        requests = [a_request(f"J{place}") for place in range(20)]
        batcher = batcher_of(workers, max_concurrency=1)
        tasks = await enqueue(batcher, *requests)
        tasks += await enqueue(batcher, *(a_request(f"p{place}") for place in range(10)))
        while not all(task.done() for task in tasks):
            await workers.answer()
        senders = ["".join(sorted({text[0] for text in batch})) for batch in workers.batches]
        assert senders == ["J", "p", "J", "p", "J", "J"]
        assert [text for batch in workers.batches for text in batch if text[0] == "J"] == [
            text_of(request) for request in requests
        ]

    run(act)


def test_jobs_leave_a_place_for_people() -> None:
    async def act() -> None:
        workers = Workers()
        batcher = batcher_of(workers, max_concurrency=3)
        tasks = await enqueue(batcher, *(a_request(f"J{place}") for place in range(30)))
        await asyncio.sleep(0.02)
        assert len(workers.batches) == 2
        (person,) = await enqueue(batcher, a_request("p"))
        await asyncio.sleep(0.02)
        assert workers.batches[2] == ["p"]
        while not all(task.done() for task in [*tasks, person]):
            await workers.answer()

    run(act)


def test_a_long_job_rejects_nobody() -> None:
    async def act() -> None:
        workers = Workers()
        batcher = batcher_of(workers, max_concurrency=1, max_wait=20)
        tasks = await enqueue(batcher, *(a_request(f"J{place}") for place in range(100)))
        tasks += await enqueue(batcher, a_request("a"), a_request("b"))
        await asyncio.sleep(2)
        assert batcher.rejection() is None
        await workers.answer()
        assert workers.batches[1] == ["a", "b"]
        while not all(task.done() for task in tasks):
            await workers.answer()

    run(act)


def test_an_error_reaches_only_the_caller_of_its_request() -> None:
    async def act() -> None:
        workers = Workers()
        batcher = batcher_of(workers, max_concurrency=1)
        tasks = await enqueue(
            batcher, a_request("a"), a_request("b"), a_request("bad"), a_request("c")
        )
        await workers.answer()
        assert workers.batches[-1] == ["b", "bad", "c"]
        await workers.answer()
        answers = [tasks[place].result() for place in (0, 1, 3)]
        assert answers == [answer_to(each) for each in "abc"]
        with pytest.raises(Unavailable, match="No"):
            await tasks[2]

    run(act)


def test_a_cancelled_request_is_not_sent() -> None:
    async def act() -> None:
        workers = Workers()
        tasks = await enqueue(
            batcher_of(workers, max_concurrency=1), a_request("a"), a_request("b"), a_request("c")
        )
        tasks[1].cancel()
        await asyncio.wait({tasks[1]})
        await workers.answer()
        assert workers.batches == [["a"], ["c"]]
        await workers.answer()

    run(act)


def test_a_queue_that_does_not_move_rejects_requests_until_it_moves_again() -> None:
    async def act() -> None:
        workers = Workers()
        batcher = batcher_of(workers, max_concurrency=1, max_wait=0.02)
        waiting = await enqueue(batcher, a_request("a"), a_request("b"), a_request("c"))
        assert batcher.rejection() is None
        await asyncio.sleep(0.05)  # longer without an answer than `max_wait`
        rejection = batcher.rejection()
        assert rejection is not None
        assert (rejection.status, rejection.code) == (503, "model_server_busy")
        assert int(rejection.headers["Retry-After"]) >= 1
        while not all(task.done() for task in waiting):
            await workers.answer()
        assert [await task for task in waiting] == [answer_to(each) for each in "abc"]
        assert batcher.rejection() is None

    run(act)


def test_failures_that_are_faster_than_answers_do_not_shorten_the_expected_wait() -> None:
    async def act() -> None:
        workers = Workers()
        batcher = batcher_of(workers, max_concurrency=1, max_wait=7)
        for text, seconds in (*(20 * [("a", 2.0)]), *(200 * [("bad", 0.03)])):
            (task,) = await enqueue(batcher, a_request(text))
            await asyncio.sleep(seconds - 0.02)
            await workers.answer()
            assert task.done()
            task.exception()
        tasks = await enqueue(batcher, *(a_request(letter) for letter in "abcd"))
        rejection = batcher.rejection()
        assert rejection is not None
        assert rejection.headers == {"Retry-After": "8"}
        while not all(task.done() for task in tasks):
            await workers.answer()

    run(act)


def test_the_expected_wait_counts_all_requests_that_have_no_answer() -> None:
    async def act() -> None:
        workers = Workers()
        batcher = batcher_of(workers, max_concurrency=1, max_wait=7)
        for _ in range(20):  # one answer in two seconds
            (task,) = await enqueue(batcher, a_request("a"))
            await asyncio.sleep(1.98)
            await workers.answer()
            assert task.done()
        tasks = await enqueue(batcher, a_request("a"), a_request("b"))
        await asyncio.sleep(3)
        assert batcher.rejection() is None
        tasks += await enqueue(batcher, a_request("c"), a_request("d"))
        rejection = batcher.rejection()
        assert rejection is not None
        # One in flight and three in line, and two seconds each.
        assert rejection.headers == {"Retry-After": "8"}
        tasks[-1].cancel()
        while not all(task.done() for task in tasks):
            await workers.answer()

    run(act)


def test_a_short_queue_rejects_nobody_however_slow_it_is() -> None:
    async def act() -> None:
        workers = Workers()
        batcher = batcher_of(workers, max_concurrency=1, max_wait=1)
        await enqueue(batcher, a_request("a"), a_request("b"))
        await asyncio.sleep(100)
        assert batcher.rejection() is None
        await workers.answer()

    run(act)


LARGE = "a" * 8_000_000


@pytest.mark.parametrize("requests", [2049 * ["a"], 10 * [LARGE]], ids=["many", "large"])
def test_a_full_queue_rejects_requests_however_fast_it_moves(requests: list[str]) -> None:
    async def act() -> None:
        workers = Workers()
        batcher = batcher_of(workers, max_concurrency=1)
        waiting = await enqueue(batcher, *map(a_request, requests[1:]))
        assert batcher.rejection() is None
        waiting += await enqueue(batcher, a_request(requests[0]))
        assert batcher.rejection() is not None
        while not all(task.done() for task in waiting):
            await workers.answer()
        assert batcher.rejection() is None

    run(act)


@pytest.mark.parametrize("end", ["answer", "error", "cancelled in the queue", "time-out"])
def test_requests_that_left_the_queue_no_longer_fill_it(end: str) -> None:
    async def act() -> None:
        workers = Workers()
        batcher = batcher_of(workers, max_concurrency=1, timeout=10)
        large = "bad" + LARGE if end == "error" else LARGE
        tasks = await enqueue(batcher, a_request("first"), *(9 * [a_request(large)]))
        assert batcher.rejection() is not None
        if end == "cancelled in the queue":
            for task in tasks[1:]:
                task.cancel()
        if end == "time-out":
            await asyncio.sleep(11)
        while not all(task.done() for task in tasks):
            await workers.answer()
        await asyncio.gather(*tasks, return_exceptions=True)
        await workers.answer()
        await enqueue(batcher, *(a_request(letter) for letter in "abc"))
        assert batcher.rejection() is None
        await workers.answer()

    run(act)


@pytest.mark.parametrize("cancelled", [0, 1])
def test_a_caller_that_leaves_during_its_prediction_disturbs_nobody(cancelled: int) -> None:
    async def act() -> None:
        workers = Workers()
        batcher = batcher_of(workers, max_concurrency=2)
        await enqueue(batcher, a_request("first"))
        tasks = await enqueue(batcher, a_request("a"), a_request("b"))
        await asyncio.sleep(0.02)
        assert workers.batches == [["first"], ["a", "b"]]
        tasks[cancelled].cancel()
        await asyncio.wait({tasks[cancelled]})
        await workers.answer()
        assert await tasks[1 - cancelled] == answer_to("ab"[1 - cancelled])
        # Both places are free again.
        (later,) = await enqueue(batcher, a_request("c"))
        assert workers.batches[2:] == [["c"]]
        await workers.answer()
        assert await later == answer_to("c")

    run(act)


def test_a_request_that_waited_too_long_fails() -> None:
    async def act() -> None:
        workers = Workers()
        tasks = await enqueue(
            batcher_of(workers, max_concurrency=1, timeout=0.02), a_request("a"), a_request("b")
        )
        await asyncio.sleep(0.05)
        await workers.answer()
        assert await tasks[0] == answer_to("a")
        with pytest.raises(Unavailable, match="busy") as failure:
            await tasks[1]
        assert failure.value.headers == {"Retry-After": "2"}
        assert workers.batches == [["a"]]

    run(act)
