"""The line in front of the workers of one model."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from auth_api.database.micro_batching import resolve
from auth_api.errors import Unavailable

BUSY = "model_server_busy"
"""The code of the 503 that says so."""


class Question(Protocol):
    """What stands in a line."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def kind(self) -> Hashable:
        """Those of one kind may be asked together."""


Asked = TypeVar("Asked", bound=Question)
Result = TypeVar("Result")

# A model gains nothing from more at once, and who came with seven others waits for all of them.
_TOGETHER = 8
# Seconds: what callers of the same answers ask next comes within that time.
_GATHER = 0.003
# Bytes that are asked together: of photographs even two are work enough.
_TOGETHER_BYTES = 1024 * 1024
# What may stand in line, whatever its pace.
_MOST = 2048
_MOST_BYTES = 64 * 1024 * 1024
# Seconds after which a third of what was measured still counts.
_REMEMBERED = 2.0
# Answers that a model is supposed to have given in no time before any is measured.
_CREDIT = 100.0


@dataclass
class _Place(Generic[Asked, Result]):
    question: Asked
    answer: asyncio.Future[Result]
    since: float = field(default_factory=time.monotonic)


class Line(Generic[Asked, Result]):
    """Asks in the order of arrival, `at_once` times at the same time. A lone question is asked at
    once; while others are being asked, it waits a moment for company, with which it is asked
    together. Knows when one more would have to wait too long.

    `ask` answers one result a question, in order; an exception among them is raised to whoever
    asked that one, one that it raises to all of them.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Asked]], Awaitable[Sequence[Result | Exception]]],
        *,
        at_once: int,
        longest: float,
        patience: float,
        waited: Callable[[float], None],
    ) -> None:
        """`longest` is how many seconds a question may have to wait, as far as can be told when it
        arrives; after `patience` seconds it is given up. `waited` is told how long each did.
        """
        self._ask = ask
        self._at_once = at_once
        self._longest = longest
        self._patience = patience
        self._waited = waited
        self._waiting: deque[_Place[Asked, Result]] = deque()
        self._bytes = 0
        self._asking: set[asyncio.Task[None]] = set()
        self._asked = 0
        self._gathering: asyncio.TimerHandle | None = None
        self._gathered = False
        # Of late, while there was something to answer.
        self._answers, self._seconds = _CREDIT, 0.0
        self._answered_at = 0.0

    async def __call__(self, question: Asked) -> Result:
        """The result. Raises what asking raises, and Unavailable when it is given up."""
        place: _Place[Asked, Result] = _Place(question, asyncio.get_running_loop().create_future())
        self._waiting.append(place)
        self._bytes += question.size
        self._go_on()
        return await place.answer

    def refusal(self) -> Unavailable | None:
        """Why one more question is to be refused, None where it is not."""
        if len(self._waiting) <= self._at_once:
            return None
        seconds = self._expected()
        full = len(self._waiting) >= _MOST or self._bytes >= _MOST_BYTES
        return busy(math.ceil(seconds)) if full or seconds > self._longest else None

    def _expected(self) -> float:
        """How many seconds the next one would wait."""
        silence = time.monotonic() - self._answered_at
        return max((len(self._waiting) + self._asked) * self._seconds / self._answers, silence)

    def _go_on(self) -> None:
        while self._waiting and len(self._asking) < self._at_once:
            if self._asking and len(self._waiting) < self._share() and not self._gathered:
                if self._gathering is None:
                    loop = asyncio.get_running_loop()
                    self._gathering = loop.call_later(_GATHER, self._have_gathered)
                return
            self._gather_anew()
            if group := self._next():
                if not self._asking:
                    self._answered_at = time.monotonic()
                self._asked += len(group)
                # Not in the context of whoever happens to have set this off.
                task = Context().run(asyncio.create_task, self._answer(group))
                self._asking.add(task)

    def _share(self) -> int:
        """How many to ask together: of few, no more than leave as many for another worker; there
        is one for every two of those `at_once`.
        """
        here = len(self._waiting) + self._asked
        return min(_TOGETHER, math.ceil(2 * here / self._at_once))

    def _have_gathered(self) -> None:
        self._gathering = None
        self._gathered = True
        self._go_on()

    def _gather_anew(self) -> None:
        self._gathered = False
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None

    def _next(self) -> list[_Place[Asked, Result]]:
        """The next to be asked together."""
        group: list[_Place[Asked, Result]] = []
        size, most = 0, self._share()
        while self._waiting and len(group) < most:
            question = self._waiting[0].question
            size += question.size
            if group and (question.kind != group[0].question.kind or size > _TOGETHER_BYTES):
                break
            place = self._leave()
            if self._wanted(place):
                group.append(place)
        return group

    def _leave(self) -> _Place[Asked, Result]:
        place = self._waiting.popleft()
        self._bytes -= place.question.size
        return place

    def _wanted(self, place: _Place[Asked, Result]) -> bool:
        if place.answer.done():
            return False  # its caller has gone
        waited = time.monotonic() - place.since
        self._waited(waited)
        if waited > self._patience:
            place.answer.set_exception(busy())
            return False
        return True

    async def _answer(self, group: Sequence[_Place[Asked, Result]]) -> None:
        asking = self._ask([place.question for place in group])
        results = await resolve([place.answer for place in group], asking)
        self._measure(len(group), failed=isinstance(results[0], Unavailable))
        self._asked -= len(group)
        task = asyncio.current_task()
        assert task
        self._asking.discard(task)
        self._go_on()

    def _measure(self, answered: int, *, failed: bool) -> None:
        moment = time.monotonic()
        elapsed, self._answered_at = moment - self._answered_at, moment
        if not failed:  # which may be quicker than any answer
            kept = math.exp(-elapsed / _REMEMBERED)
            self._answers = kept * self._answers + answered
            self._seconds = kept * self._seconds + elapsed


def busy(retry_after: int = 2) -> Unavailable:
    """What to tell whoever cannot be answered now; in how many seconds to ask again."""
    return Unavailable(
        "The model server is busy. Please try again in a moment.",
        BUSY,
        retry_after=max(1, retry_after),
    )
