"""The request queue of one model: batches requests, rejects new ones when it is too long."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass

from auth_api.database.micro_batching import resolve
from auth_api.errors import Unavailable
from auth_api.torchserve.wire_format import Answer, PredictionRequest

BUSY = "model_server_busy"
"""The error code of `busy`."""
BUSY_SENTENCE = "The model server is busy. Please try again in a moment."

# A larger batch is no faster per image, and each request waits for its whole batch.
_MAX_BATCH_SIZE = 8
# Bytes of images. Two photographs are already enough work for one batch.
_MAX_BATCH_BYTES = 1024 * 1024
# Callers whose answers arrive together send their next requests within this time.
_LINGER_SECONDS = 0.003
# Limits of the queue, however fast it moves.
_MAX_QUEUE_LENGTH = 2048
_MAX_QUEUE_BYTES = 64 * 1024 * 1024
# The throughput is an exponential average: a measurement of this age has a weight of 1/e.
_DECAY_SECONDS = 2.0
# Before the first measurement the model counts as fast: this many answers in no time.
_INITIAL_ANSWERS = 100.0


@dataclass
class _QueueEntry:
    request: PredictionRequest
    answer: asyncio.Future[Answer]
    since: float


class DynamicBatcher:
    """Sends requests in up to `max_concurrency` batches at a time.

    Requests that somebody waits for and those of jobs have a queue each, in the order of arrival.
    The two queues take turns, and batches of jobs leave one place free.

    If no batch is in flight, a request is sent at once. Otherwise it lingers a few milliseconds so
    that others can join its batch. All requests of a batch are for the same version.
    """

    def __init__(
        self,
        predict: Callable[[Sequence[PredictionRequest]], Awaitable[Sequence[Answer | Exception]]],
        *,
        max_concurrency: int,
        max_wait: float,
        timeout: float,
        observe_wait: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`predict` returns an answer or an exception for each request, in order; an exception
        that it raises goes to the whole batch.

        A new request is rejected if it would wait more than `max_wait` seconds in the queue. A
        queued request fails after `timeout` seconds. `observe_wait` gets the seconds that each
        request spent in the queue. `clock` tells the time in seconds.
        """
        self._predict = predict
        self._max_concurrency = max_concurrency
        self._max_wait = max_wait
        self._timeout = timeout
        self._observe_wait = observe_wait
        self._clock = clock
        self._queue: deque[_QueueEntry] = deque()
        self._background: deque[_QueueEntry] = deque()
        self._background_batches = 0
        self._background_next = False
        self._queued_bytes = 0
        self._batches: set[asyncio.Task[None]] = set()
        self._requests_in_flight = 0
        self._linger_timer: asyncio.TimerHandle | None = None
        self._lingered = False
        # Recent throughput: answers, and the seconds during which a batch was in flight.
        self._answers, self._busy_seconds = _INITIAL_ANSWERS, 0.0
        self._answered_at = 0.0

    async def __call__(self, request: PredictionRequest) -> Answer:
        """Queues a request and returns its answer.

        Raises what `predict` raises, and `Unavailable` after `timeout`.
        """
        entry = _QueueEntry(request, asyncio.get_running_loop().create_future(), self._clock())
        (self._background if request.background else self._queue).append(entry)
        self._queued_bytes += request.size
        self._dispatch()
        try:
            return await entry.answer
        finally:
            # The traceback of an error refers to this frame. It would keep the image until the
            # garbage collector runs, if the frame referred to the error.
            del entry

    def rejection(self) -> Unavailable | None:
        """The error for a new request if the queue is too long, else None."""
        if len(self._queue) <= self._max_concurrency:
            return None
        seconds = self._expected_wait()
        length = len(self._queue) + len(self._background)
        full = length >= _MAX_QUEUE_LENGTH or self._queued_bytes >= _MAX_QUEUE_BYTES
        return busy(math.ceil(seconds)) if full or seconds > self._max_wait else None

    def _expected_wait(self) -> float:
        """Seconds that a new request would wait; at least the time since the last answer."""
        # The queues take turns, a batch each.
        turns = max(len(self._queue), _MAX_BATCH_SIZE)
        ahead = len(self._queue) + min(len(self._background), turns) + self._requests_in_flight
        since_answer = self._clock() - self._answered_at
        return max(ahead * self._busy_seconds / self._answers, since_answer)

    def _dispatch(self) -> None:
        while len(self._batches) < self._max_concurrency and (queue := self._next_queue()):
            if self._batches and len(queue) < self._batch_size() and not self._lingered:
                if self._linger_timer is None:
                    loop = asyncio.get_running_loop()
                    self._linger_timer = loop.call_later(_LINGER_SECONDS, self._end_linger)
                return
            self._lingered = False
            if self._linger_timer is not None:
                self._linger_timer.cancel()
                self._linger_timer = None
            self._background_next = queue is self._queue
            if batch := self._take_batch(queue):
                if not self._batches:
                    self._answered_at = self._clock()
                self._requests_in_flight += len(batch)
                self._background_batches += batch[0].request.background
                # In an empty context: the current one belongs to an unrelated request.
                task = Context().run(asyncio.create_task, self._run(batch))
                self._batches.add(task)

    def _next_queue(self) -> deque[_QueueEntry] | None:
        """The queue that has its turn, None if no request may be sent."""
        allowed = self._background_batches < max(1, self._max_concurrency - 1)
        if self._background and allowed and (self._background_next or not self._queue):
            return self._background
        return self._queue or None

    def _batch_size(self) -> int:
        """How many requests the next batch takes: one worker's share, so that no worker is idle.

        `max_concurrency` is taken to be twice the number of workers.
        """
        total = len(self._queue) + len(self._background) + self._requests_in_flight
        return min(_MAX_BATCH_SIZE, math.ceil(2 * total / self._max_concurrency))

    def _end_linger(self) -> None:
        self._linger_timer = None
        self._lingered = True
        self._dispatch()

    def _take_batch(self, queue: deque[_QueueEntry]) -> list[_QueueEntry]:
        batch: list[_QueueEntry] = []
        total_bytes, batch_size = 0, self._batch_size()
        while queue and len(batch) < batch_size:
            request = queue[0].request
            total_bytes += request.size
            if batch and (
                request.version != batch[0].request.version or total_bytes > _MAX_BATCH_BYTES
            ):
                break
            entry = queue.popleft()
            self._queued_bytes -= request.size
            if self._is_live(entry):
                batch.append(entry)
        return batch

    def _is_live(self, entry: _QueueEntry) -> bool:
        """Whether the caller still waits. Fails the request if its time is over."""
        if entry.answer.done():
            return False  # the caller was cancelled
        waited = self._clock() - entry.since
        self._observe_wait(waited)
        if waited > self._timeout:
            entry.answer.set_exception(busy())
            return False
        return True

    async def _run(self, batch: Sequence[_QueueEntry]) -> None:
        predicting = self._predict([entry.request for entry in batch])
        answers = await resolve([entry.answer for entry in batch], predicting)
        self._measure(len(batch), failed=isinstance(answers[0], Unavailable))
        self._requests_in_flight -= len(batch)
        self._background_batches -= batch[0].request.background
        task = asyncio.current_task()
        assert task
        self._batches.discard(task)
        self._dispatch()

    def _measure(self, answers: int, *, failed: bool) -> None:
        now = self._clock()
        elapsed, self._answered_at = now - self._answered_at, now
        if not failed:  # a failure may be faster than any answer
            weight = math.exp(-elapsed / _DECAY_SECONDS)
            self._answers = weight * self._answers + answers
            self._busy_seconds = weight * self._busy_seconds + elapsed


def busy(retry_after: int = 2) -> Unavailable:
    """The error while too many requests wait. `retry_after` is in seconds."""
    return Unavailable(BUSY_SENTENCE, BUSY, retry_after=max(1, retry_after))
