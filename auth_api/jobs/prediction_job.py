"""The kind of job that has a model recognise many images.

`auth_api.models.version_routing` makes the predictions. This module limits how many run at once,
retries images while TorchServe is unreachable, and saves the answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel

from auth_api.database.tables.jobs import Job
from auth_api.errors import BadRequest, Refused, TimedOut, TooLarge, Unanswered, Unavailable
from auth_api.jobs.input_files import InputFiles, OpenInput
from auth_api.jobs.queue import ItemAnswer, JobQueue, PendingItem
from auth_api.models.version_routing import Client, VersionRouter, user

# Fields of a prediction that are saved, if it has them.
_SAVED_FIELDS = (
    *("success", "predicted_class", "digit", "character", "name", "confidence", "top", "also"),
    "others",
)
# Bytes of images that are being predicted at the same time: the memory that jobs need.
_MAX_BYTES_IN_FLIGHT = 24 * 1024 * 1024
_SAVE_INTERVAL_SECONDS = 0.25
# A job fails if TorchServe answers none of its images within this time.
_OUTAGE_SECONDS = 600.0
_FIRST_RETRY_SECONDS, _MAX_RETRY_SECONDS = 0.2, 5.0
# An image fails after this number of attempts if TorchServe answers other images meanwhile.
_MAX_IMAGE_ATTEMPTS = 8
# An image that ended so many workers, or failed in them, is the cause. One may have been killed.
_MAX_UNANSWERED = 2


class Parameters(BaseModel):
    """The parameters of a prediction job."""

    model: str
    version: str | None = None
    options: Mapping[str, str] = {}
    """Request headers for the handler."""


class PredictionJobs:
    """Recognises the images of all prediction jobs. Jobs take turns image by image, so that a new
    job does not wait for a long one.
    """

    def __init__(
        self, queue: JobQueue, inputs: InputFiles, models: VersionRouter, concurrency: int
    ) -> None:
        """`concurrency`: images of all jobs that are predicted at the same time."""
        self.queue = queue
        self.inputs = inputs
        self.models = models
        self.concurrency = concurrency
        # First come, first served: each of n jobs that wait gets every n-th slot.
        self.slots = asyncio.Semaphore(concurrency)
        self.memory = _MemoryBudget(_MAX_BYTES_IN_FLIGHT)

    async def work(self, job: Job) -> None:
        """Recognises the images that have no answer yet.

        Raises `LeaseLost`, `ApiError`: `Forbidden` if the owner may not have it run any more.
        """
        assert job.id is not None
        assert job.input is not None
        owner = user(job.user_id, await self.queue.owner_role(job))
        while pending := await self.queue.pending(job.id):
            async with self.inputs.opened(job.input) as source:
                await _JobRun(self, job, job.id, source, owner).predict_all(pending)


def is_hopeless(errors: Sequence[Unavailable], *, others_answered: bool) -> bool:
    """Whether an image whose attempts had these `errors` is not tried again.

    `others_answered`: the model has answered other images since the first attempt, so TorchServe
    is not the cause.
    """
    if isinstance(errors[-1], TimedOut):
        return others_answered
    if sum(isinstance(error, Unanswered) for error in errors) >= _MAX_UNANSWERED:
        return True
    return others_answered and len(errors) >= _MAX_IMAGE_ATTEMPTS


class _MemoryBudget:
    """A shared number of bytes. An image larger than all of it is admitted alone."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._used = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def reserve(self, amount: int) -> AsyncIterator[None]:
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


class _JobRun:
    """One run of one job."""

    def __init__(
        self, jobs: PredictionJobs, job: Job, job_id: int, source: OpenInput, owner: Client
    ) -> None:
        self._jobs = jobs
        self._job_id = job_id
        self._owner = owner
        self._parameters = Parameters(**job.parameters)
        self._source = source
        self._answers: list[ItemAnswer] = []
        self._last_answer_at = time.monotonic()

    async def predict_all(self, pending: list[PendingItem]) -> None:
        """Recognises all images and saves the answers. Raises the first error."""
        rest = iter(pending)
        count = min(len(pending), self._jobs.concurrency)
        predicting = [asyncio.create_task(self._predict(rest)) for _ in range(count)]
        tasks = [*predicting, asyncio.create_task(self._save(predicting))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _predict(self, rest: Iterator[PendingItem]) -> None:
        for item in rest:
            async with self._jobs.slots, self._jobs.memory.reserve(item.place.length):
                try:
                    image = await self._source.read(item.place)
                except BadRequest as error:
                    answer = error.body
                else:
                    answer = await self._answer(image)
                # `self._answers` is looked up after the wait, because `_save` replaces the list.
                self._answers.append(ItemAnswer(item.position, answer))

    async def _answer(self, image: bytes) -> dict[str, Any]:
        wanted = self._parameters
        delay, began = _FIRST_RETRY_SECONDS, time.monotonic()
        errors: list[Unavailable] = []
        while True:
            try:
                answer = await self._jobs.models.predict(
                    wanted.model, image, self._owner, wanted.version, wanted.options, shed=False
                )
            except (Refused, TooLarge) as error:
                self._last_answer_at = time.monotonic()
                return error.body
            except Unavailable as error:
                errors.append(error)
                if is_hopeless(
                    errors, others_answered=self._jobs.models.has_answered(wanted.model, began)
                ):
                    return error.body
                if time.monotonic() - self._last_answer_at > _OUTAGE_SECONDS:
                    raise
                await asyncio.sleep(delay)
                delay = min(2 * delay, _MAX_RETRY_SECONDS)
            else:
                self._last_answer_at = time.monotonic()
                return {name: answer[name] for name in _SAVED_FIELDS if name in answer}

    async def _save(self, predicting: list[asyncio.Task[None]]) -> None:
        pending = set(predicting)
        while pending:
            _, pending = await asyncio.wait(pending, timeout=_SAVE_INTERVAL_SECONDS)
            answers, self._answers = self._answers, []
            if answers:
                await self._jobs.queue.record(self._job_id, answers)
