"""The line in front of a model: who is asked together, who is refused, who is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from auth_api.errors import Unavailable
from auth_api.torchserve.batcher import Line
from auth_api.torchserve.wire_format import Asked


class Workers:
    """Answer what they are asked when they are told to."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self._waiting: list[asyncio.Event] = []

    async def __call__(self, questions: Sequence[Asked]) -> list[str | Exception]:
        self.asked.append([question.image.decode() for question in questions])
        event = asyncio.Event()
        self._waiting.append(event)
        await event.wait()
        return [
            Unavailable("No.") if question.image == b"bad" else question.image.decode().upper()
            for question in questions
        ]

    async def answer(self) -> None:
        """Answers all that they were asked, and waits until they are asked more, if they are."""
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            event.set()
        await asyncio.sleep(0.02)


def asked(text: str, version: str | None = None) -> Asked:
    return Asked(text.encode(), version, {})


def line_of(
    workers: Workers, at_once: int = 2, longest: float = 60, patience: float = 60
) -> Line[Asked, str]:
    return Line(workers, at_once=at_once, longest=longest, patience=patience, waited=lambda _: None)


async def standing(line: Line[Asked, str], *questions: Asked) -> list[asyncio.Task[str]]:
    """The questions in line, in this order."""
    tasks = [asyncio.create_task(_ask(line, question)) for question in questions]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def _ask(line: Line[Asked, str], question: Asked) -> str:
    return await line(question)


def test_a_lone_question_is_asked_at_once_and_those_that_wait_are_asked_together() -> None:
    async def act() -> None:
        workers = Workers()
        tasks = await standing(line_of(workers), *(asked(each) for each in "abcdefg"))
        assert workers.asked == [["a"]]
        await asyncio.sleep(0.02)
        assert workers.asked[1:] == [["b", "c", "d", "e", "f", "g"]]
        await workers.answer()
        assert [await task for task in tasks] == list("ABCDEFG")

    asyncio.run(act())


def test_no_more_are_asked_together_than_a_model_looks_at_and_those_are_asked_at_once() -> None:
    async def act() -> None:
        workers = Workers()
        await standing(line_of(workers, at_once=3), *(asked(f"{place}") for place in range(20)))
        assert [len(group) for group in workers.asked] == [1, 2, 6]
        await workers.answer()
        assert [len(group) for group in workers.asked] == [1, 2, 6, 8, 3]
        await workers.answer()

    asyncio.run(act())


def test_few_are_shared_by_the_workers() -> None:
    async def act() -> None:
        workers = Workers()
        line = line_of(workers, at_once=4)
        await standing(line, *(asked(letter) for letter in "abcd"))
        await asyncio.sleep(0.02)
        await standing(line, *(asked(letter) for letter in "efgh"))
        assert [len(group) for group in workers.asked] == [1, 1, 2, 4]
        await workers.answer()

    asyncio.run(act())


def test_versions_are_not_asked_together_and_keep_their_order() -> None:
    async def act() -> None:
        workers = Workers()
        versions = ["1.0", "1.0", "1.0", "1.1", "1.0"]
        questions = [asked(f"{place}", version) for place, version in enumerate(versions)]
        tasks = await standing(line_of(workers, at_once=1), *questions)
        for _ in questions:
            await workers.answer()
        assert workers.asked == [["0"], ["1", "2"], ["3"], ["4"]]
        assert [await task for task in tasks] == list("01234")

    asyncio.run(act())


def test_large_pictures_are_not_asked_together() -> None:
    async def act() -> None:
        workers = Workers()
        large = [asked(letter * 700_000) for letter in "abc"]
        await standing(line_of(workers, at_once=1), *large)
        await workers.answer()
        await workers.answer()
        assert [len(group) for group in workers.asked] == [1, 1, 1]
        await workers.answer()

    asyncio.run(act())


def test_an_error_is_that_of_its_own_question() -> None:
    async def act() -> None:
        workers = Workers()
        line = line_of(workers, at_once=1)
        tasks = await standing(line, asked("a"), asked("b"), asked("bad"), asked("c"))
        await workers.answer()
        assert workers.asked[-1] == ["b", "bad", "c"]
        await workers.answer()
        assert [tasks[0].result(), tasks[1].result(), tasks[3].result()] == ["A", "B", "C"]
        with pytest.raises(Unavailable, match="No"):
            await tasks[2]

    asyncio.run(act())


def test_who_has_gone_is_not_asked_for() -> None:
    async def act() -> None:
        workers = Workers()
        tasks = await standing(line_of(workers, at_once=1), asked("a"), asked("b"), asked("c"))
        tasks[1].cancel()
        await asyncio.wait({tasks[1]})
        await workers.answer()
        assert workers.asked == [["a"], ["c"]]
        await workers.answer()

    asyncio.run(act())


def test_too_long_a_line_refuses_until_it_moves_again() -> None:
    async def act() -> None:
        workers = Workers()
        line = line_of(workers, at_once=1, longest=0.02)
        waiting = await standing(line, asked("a"), asked("b"), asked("c"))
        assert line.refusal() is None
        await asyncio.sleep(0.05)  # nothing has been answered for longer than may be waited
        refusal = line.refusal()
        assert refusal is not None
        assert (refusal.status, refusal.code) == (503, "model_server_busy")
        assert int(refusal.headers["Retry-After"]) >= 1
        while not all(task.done() for task in waiting):
            await workers.answer()
        assert [await task for task in waiting] == ["A", "B", "C"]
        assert line.refusal() is None

    asyncio.run(act())


def test_a_full_line_refuses_however_fast_it_moves() -> None:
    async def act() -> None:
        workers = Workers()
        line = line_of(workers, at_once=1)
        waiting = await standing(line, *(asked("a" * 8_000_000) for _ in range(10)))
        assert line.refusal() is not None
        while not all(task.done() for task in waiting):
            await workers.answer()
        assert line.refusal() is None

    asyncio.run(act())


def test_who_has_waited_in_vain_is_given_up() -> None:
    async def act() -> None:
        workers = Workers()
        tasks = await standing(line_of(workers, at_once=1, patience=0.02), asked("a"), asked("b"))
        await asyncio.sleep(0.05)
        await workers.answer()
        assert await tasks[0] == "A"
        with pytest.raises(Unavailable, match="busy"):
            await tasks[1]
        assert workers.asked == [["a"]]

    asyncio.run(act())
