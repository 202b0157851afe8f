"""The kind of job that has a model read many images."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel

from auth_api.database.tables.jobs import Job
from auth_api.errors import Refused, TooLarge, Unavailable
from auth_api.jobs.input_files import InputFiles, OpenInput
from auth_api.jobs.queue import Answered, JobQueue, Pending
from auth_api.models.version_routing import Client, VersionRouter, user

KEPT = ("success", "predicted_class", "digit", "character", "name", "confidence", "top")
"""What is kept of the answer to a recognition, as far as it has it."""

# Bytes of images that are at TorchServe at the same time: what a job costs in memory.
_BYTES = 24 * 1024 * 1024
# Seconds between writes of answers.
_WRITE = 0.25
# Seconds: so long is a model server waited for that answers nothing at all, so long at first
# before it is asked again, and so long at most.
_PATIENCE = 600.0
_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
# So often is an image tried that a model server does not answer while it answers others.
_ATTEMPTS = 8


class Parameters(BaseModel):
    """What a job of this kind was asked for."""

    model: str
    version: str | None = None
    options: Mapping[str, str] = {}
    """Request headers for the handler."""


class PredictionJobs:
    """Reads the images of all jobs, in turns: those of a job that has only begun do not wait
    for all of one that came before it.
    """

    def __init__(
        self, queue: JobQueue, inputs: InputFiles, models: VersionRouter, at_once: int
    ) -> None:
        """`at_once` images are at TorchServe at the same time."""
        self._queue = queue
        self._inputs = inputs
        self._models = models
        self.at_once = at_once
        # First come, first served: whoever has an image waiting gets every n-th turn.
        self._turns = asyncio.Semaphore(at_once)
        self._memory = _Budget(_BYTES)

    async def work(self, job: Job) -> None:
        """Reads what is left of a job. Raises LeaseLost or ApiError."""
        assert job.id is not None
        assert job.input is not None
        parameters = Parameters(**job.parameters)
        while pending := await self._queue.pending(job.id):
            with self._inputs.opened(job.input) as source:
                owner = user(job.user_id)
                await _Reading(self, job.id, owner, parameters, source).all_of(pending)

    @asynccontextmanager
    async def turn(self, length: int) -> AsyncIterator[None]:
        """Waits until it is the turn of an image of so many bytes."""
        async with self._turns, self._memory.of(length):
            yield

    async def record(self, job: int, answers: Sequence[Answered]) -> None:
        """Raises LeaseLost or Unavailable."""
        await self._queue.record(job, answers)

    async def predict(self, parameters: Parameters, image: bytes, owner: Client) -> dict[str, Any]:
        """Raises ApiError."""
        return await self._models.predict(
            parameters.model,
            image,
            owner,
            parameters.version,
            parameters.options,
            patient=True,
        )


class _Budget:
    """Bytes that are shared; more than there are at all are given to one alone."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._used = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def of(self, amount: int) -> AsyncIterator[None]:
        """Waits until there are so many."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: not self._used or self._used + amount <= self._total
            )
            self._used += amount
        try:
            yield
        finally:
            self._used -= amount
            async with self._changed:
                self._changed.notify_all()


class _Reading:
    """One job being read."""

    def __init__(
        self,
        kind: PredictionJobs,
        job: int,
        owner: Client,
        parameters: Parameters,
        source: OpenInput,
    ) -> None:
        self._kind = kind
        self._job = job
        self._owner = owner
        self._parameters = parameters
        self._source = source
        self._answers: list[Answered] = []
        self._answered_at = time.monotonic()

    async def all_of(self, pending: list[Pending]) -> None:
        """Reads all and has their answers kept, or raises what the first failure was."""
        rest = iter(pending)
        count = min(len(pending), self._kind.at_once)
        readers = [asyncio.create_task(self._read(rest)) for _ in range(count)]
        tasks = [*readers, asyncio.create_task(self._write(readers))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _read(self, rest: Iterator[Pending]) -> None:
        for item in rest:
            async with self._kind.turn(item.length):
                image = await self._source.read(item.start, item.length)
                answer = await self._answer(image)
                # Not before: what was waited for may have come into another list by now.
                self._answers.append(Answered(item.position, answer))

    async def _answer(self, image: bytes) -> dict[str, Any]:
        pause, attempts, began = _PAUSE, 0, time.monotonic()
        while True:
            attempts += 1
            try:
                answer = await self._kind.predict(self._parameters, image, self._owner)
            except (Refused, TooLarge) as error:
                self._answered_at = time.monotonic()
                return error.body
            except Unavailable as error:
                if attempts >= _ATTEMPTS and self._answered_at > began:
                    return error.body  # others are answered: it is this image
                if time.monotonic() - self._answered_at > _PATIENCE:
                    raise
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                self._answered_at = time.monotonic()
                return {name: answer[name] for name in KEPT if name in answer}

    async def _write(self, readers: list[asyncio.Task[None]]) -> None:
        while not all(reader.done() for reader in readers):
            await asyncio.wait(readers, timeout=_WRITE)
            await self._flush()
        await self._flush()

    async def _flush(self) -> None:
        answers, self._answers = self._answers, []
        if answers:
            await self._kind.record(self._job, answers)
