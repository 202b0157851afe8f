"""Takes jobs up and works at several at once, each in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from auth_api.database.tables.jobs import Job
from auth_api.errors import ApiError, Unavailable
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.queue import LEASE_SECONDS, JobQueue, LeaseLost
from auth_api.jobs.work_folders import WorkFolders
from auth_api.process.children import Interrupted

logger = logging.getLogger(__name__)

# Seconds: between looks for a job that another process was handed, and for one that was
# cancelled; within a lease there is time for several.
_LOOK = 1.0
_HOLD = min(1.0, LEASE_SECONDS / 5)


class Kind(Protocol):
    """What is done for one kind of job."""

    async def work(self, job: Job) -> dict[str, Any] | None:
        """Does all that is left to do and answers the outcome, if the kind has one.

        May be called again for the same job after it was interrupted, at any point, and is
        cancelled when the job is. Raises ApiError with a sentence for the job's owner where the
        job as a whole cannot be done, Interrupted where it would go on at another attempt.
        """


@dataclass(frozen=True)
class WorkerPool:
    """Kinds of jobs that wait for each other, and not for those of other lanes."""

    kinds: Mapping[str, Kind]
    at_once: int
    """Jobs of all users that are worked at at the same time; 0 leaves them to other processes."""


class JobRunner:
    """Works at the jobs of all `lanes`: in each, one at a time of each user, several users' at
    once.
    """

    def __init__(
        self,
        queue: JobQueue,
        inputs: InputFiles,
        folders: WorkFolders,
        lanes: Sequence[WorkerPool],
        *,
        alone: bool,
    ) -> None:
        """`alone` if no other process works on the same database."""
        self._queue = queue
        self._inputs = inputs
        self._folders = folders
        self._lanes = [lane for lane in lanes if lane.at_once]
        self._kinds = {name: kind for lane in self._lanes for name, kind in lane.kinds.items()}
        self._alone = alone
        self._awake = asyncio.Event()
        self._tasks: dict[int, tuple[Job, asyncio.Task[None]]] = {}
        self._stopped: set[int] = set()
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to look for jobs, if there are any that it may work at."""
        if not self._lanes:
            return
        self._loops = [asyncio.create_task(self._take()), asyncio.create_task(self._hold())]

    def wake(self) -> None:
        """Says that there is something to do."""
        self._awake.set()

    async def stop(self) -> None:
        """Stops work and gives all jobs back to the queue; what was answered is kept."""
        if not self._loops:
            return
        tasks = [*self._loops, *(task for _, task in self._tasks.values())]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        with suppress(Unavailable):  # they are taken up once their leases have run out
            await self._queue.let_go()

    async def _take(self) -> None:
        back = not self._alone
        while True:
            self._awake.clear()
            try:
                if not back:
                    await self._queue.take_all_back(tuple(self._kinds))
                    back = True
                for lane in self._lanes:
                    await self._fill(lane)
            except Unavailable:
                pass  # is in the log, and may be there again in a second
            except Exception:
                logger.exception("no job can be taken up")
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._awake.wait(), _LOOK)

    async def _fill(self, lane: WorkerPool) -> None:
        while True:
            users = [job.user_id for job, _ in self._tasks.values() if job.kind in lane.kinds]
            if len(users) >= lane.at_once:
                return
            job = await self._queue.take(tuple(lane.kinds), set(users))
            if job is None:
                return
            assert job.id is not None
            self._tasks[job.id] = job, asyncio.create_task(self._work(job, job.id))

    async def _hold(self) -> None:
        """Keeps the jobs that are worked at, and stops work at those that are to be cancelled or
        are somebody else's by now.
        """
        while True:
            await asyncio.sleep(_HOLD)
            if not self._tasks:
                continue
            tasks = dict(self._tasks)
            try:
                held = await self._queue.hold(list(tasks))
            except Unavailable:
                continue
            except Exception:
                logger.exception("jobs cannot be held")
                continue
            stopped = {number for number in tasks if held.get(number, True)}  # cancelled, or lost
            # Those that have ended by themselves meanwhile clear up, which nothing is to stop.
            for number in (stopped & self._tasks.keys()) - self._stopped:
                self._stopped.add(number)
                tasks[number][1].cancel()

    async def _work(self, job: Job, number: int) -> None:
        ended = False
        try:
            ended = await self._end(number, job)
        except asyncio.CancelledError:
            with suppress(Unavailable, LeaseLost):
                ended = await self._cancelled(number)
            raise
        except LeaseLost:
            logger.warning("a job was lost to another process", extra={"job": number})
            with suppress(Unavailable):
                ended = not await self._queue.is_unfinished(number)
        except Unavailable:
            # Nothing is lost: it is taken up again once its lease has run out.
            logger.warning("a job was interrupted", extra={"job": number})
        except Exception:  # the same
            logger.exception("a job was interrupted", extra={"job": number})
        finally:
            del self._tasks[number]
            self._stopped.discard(number)
            self.wake()
            if ended:
                await self._folders.delete([number])
            if ended and job.input:
                await self._inputs.delete([job.input])

    async def _end(self, number: int, job: Job) -> bool:
        """Works at a job; answers whether that was its end. Raises LeaseLost, or Unavailable for
        the database's sake.
        """
        try:
            outcome = await self._kinds[job.kind].work(job)
        except LeaseLost:
            raise
        except Interrupted as error:
            logger.warning("a job was interrupted", extra={"job": number, "reason": str(error)})
            await self._queue.give_back(number)
            return False
        except Unavailable as error:
            if error.code == "database_unavailable":
                raise
            await self._queue.end(number, "failed", error.message)
        except ApiError as error:
            await self._queue.end(number, "failed", error.message)
        except Exception:
            logger.exception("a job failed", extra={"job": number})
            await self._queue.end(number, "failed", "Something went wrong on our side.")
        else:
            await self._queue.end(number, "succeeded", outcome=outcome)
        logger.info("a job has ended", extra={"job": number, "kind": job.kind})
        return True

    async def _cancelled(self, number: int) -> bool:
        """Ends a job whose owner wants that; answers whether that was why work was stopped, or
        that the job had just ended or its owner is no more.
        """
        held = await self._queue.hold([number])
        if held.get(number):
            await self._queue.end(number, "cancelled")
            return True
        return number not in held and not await self._queue.is_unfinished(number)
