"""Bodies share a limited amount of memory: large ones wait for each other, small ones do not."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from auth_api.errors import Unavailable
from auth_api.http import body_memory
from auth_api.http.body_memory import BodyMemory
from auth_api.http.spool import Spool

MB = 1024 * 1024


@pytest.fixture
def memory(tmp_path: Path) -> BodyMemory:
    """Four megabytes for bodies that arrive, four for small ones, eight for large ones."""
    return BodyMemory(16 * MB, tmp_path)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 30))


def test_large_bodies_wait_in_order_and_small_ones_do_not(memory: BodyMemory) -> None:
    entered: list[str] = []

    async def use(name: str, size: int) -> None:
        with ExitStack() as held:
            await memory.make_room(held, size, 2)
            entered.append(name)

    async def test() -> None:
        with ExitStack() as held:
            await memory.make_room(held, 3 * MB, 2)
            sizes = {"large": 2 * MB, "larger than all": 100 * MB, "last": MB + 1, "small": MB}
            tasks = [asyncio.create_task(use(name, size)) for name, size in sizes.items()]
            await tasks[-1]
            assert entered == ["small"]
        await asyncio.gather(*tasks)
        assert entered == ["small", "large", "larger than all", "last"]

    run(test())


def test_a_body_that_gets_no_room_in_time_is_refused(
    memory: BodyMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_memory, "_WAIT_SECONDS", 0.01)

    async def test() -> None:
        with ExitStack() as held:
            await memory.make_room(held, 4 * MB, 2)
            with pytest.raises(Unavailable, match="Too many large uploads") as refused:
                await memory.make_room(held, 2 * MB, 2)
            assert refused.value.headers
            assert refused.value.headers["Retry-After"]
        with ExitStack() as held:
            await memory.make_room(held, 4 * MB, 2)  # all of it was given back

    run(test())


def test_a_caller_that_gives_up_leaves_its_place_to_the_next(memory: BodyMemory) -> None:
    async def use() -> None:
        with ExitStack() as held:
            await memory.make_room(held, 4 * MB, 2)

    async def test() -> None:
        for cancelled_late in (False, True):
            with ExitStack() as held:
                await memory.make_room(held, 4 * MB, 2)
                waiting = [asyncio.create_task(use()) for _ in range(3)]
                await asyncio.sleep(0)
                if not cancelled_late:
                    waiting[0].cancel()
            waiting[0].cancel()
            await asyncio.wait(waiting)
            assert [task.cancelled() for task in waiting] == [True, False, False]

    run(test())


def test_content_moves_to_disk_when_it_grows_or_memory_is_short(
    memory: BodyMemory, tmp_path: Path
) -> None:
    small = b"s" * 1000
    for size, held in ((MB, MB), (MB + 1, 0)):
        with closing(Spool(memory)) as spool:
            spool.write(small)
            spool.write(b"x" * (size - len(small)))
            assert spool.read(999, 2) == b"sx"
            assert spool.length == size
            assert memory.take(4 * MB - held)
            assert not memory.take(1)
            memory.give(4 * MB - held)
    assert memory.take(4 * MB)
    with closing(Spool(memory)) as spool:
        spool.write(small)
        assert spool.read(0, 2000) == small
    assert list(tmp_path.iterdir()) == []


def test_uploads_do_not_fill_the_disk(memory: BodyMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.take_disk(1024 * MB - 2 * MB)
    with closing(Spool(memory)) as spool:
        spool.write(bytes(2 * MB))
        with pytest.raises(Unavailable):
            spool.write(b"x")
    memory.take_disk(2 * MB)
