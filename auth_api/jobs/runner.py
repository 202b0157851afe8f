"""Claims jobs from the queue and runs several at once, each in its own task.

A `Worker` does the work: see `prediction_job` and `auth_api.training.training_job`. `retries`
explains leases and attempts.
"""

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
from auth_api.jobs.queue import JobQueue
from auth_api.jobs.retries import LEASE_SECONDS, LeaseLost
from auth_api.jobs.work_folders import WorkFolders
from auth_api.process.children import Interrupted

logger = logging.getLogger(__name__)

# How soon a job is found that another process queued.
_POLL_SECONDS = 1.0
# How soon a cancelled job stops. Several renewals fit into one lease.
_RENEW_SECONDS = min(1.0, LEASE_SECONDS / 5)


class Worker(Protocol):
    """Does the work of one kind of job."""

    async def work(self, job: Job) -> dict[str, Any] | None:
        """Does all that is left to do. Returns the outcome, if this kind has one.

        The runner calls it again after an interruption, which may happen at any point, and cancels
        it when the job is cancelled. Raises `ApiError` with a sentence for the job's owner if the
        whole job fails, `Interrupted` if another attempt would go on with it.
        """


@dataclass(frozen=True)
class WorkerPool:
    """Workers by kind of job. At most `concurrency` of their jobs run at the same time in this
    process, of all users; 0 leaves the jobs to other processes. Pools do not wait for each other.
    """

    workers: Mapping[str, Worker]
    concurrency: int


class JobRunner:
    """Runs the jobs of all `pools`. A pool runs jobs of several users at once, but only one job of
    each user.
    """

    def __init__(
        self,
        queue: JobQueue,
        inputs: InputFiles,
        folders: WorkFolders,
        pools: Sequence[WorkerPool],
        *,
        alone: bool,
    ) -> None:
        """`alone`: no other process runs jobs of the same database."""
        self._queue = queue
        self._inputs = inputs
        self._folders = folders
        self._pools = [pool for pool in pools if pool.concurrency]
        self._workers = {kind: each for pool in self._pools for kind, each in pool.workers.items()}
        self._alone = alone
        self._awake = asyncio.Event()
        self._tasks: dict[int, tuple[Job, asyncio.Task[None]]] = {}
        self._stopped: set[int] = set()
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Starts to claim jobs, unless no pool runs any."""
        if self._pools:
            self._loops = [asyncio.create_task(self._claim()), asyncio.create_task(self._renew())]

    def wake(self) -> None:
        """Tells the runner that there is a new job."""
        self._awake.set()

    async def stop(self) -> None:
        """Stops all work and requeues the jobs. Saved answers stay."""
        if not self._loops:
            return
        tasks = [*self._loops, *(task for _, task in self._tasks.values())]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        with suppress(Unavailable):  # other processes claim the jobs when the leases have expired
            await self._queue.release_all()

    async def _claim(self) -> None:
        reclaimed = not self._alone
        while True:
            self._awake.clear()
            try:
                if not reclaimed:
                    await self._queue.reclaim_all(tuple(self._workers))
                    reclaimed = True
                for pool in self._pools:
                    await self._fill(pool)
            except Unavailable:
                pass  # logged by the database; the next poll tries again
            except Exception:
                logger.exception("cannot claim jobs")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), _POLL_SECONDS)

    async def _fill(self, pool: WorkerPool) -> None:
        while True:
            users = [job.user_id for job, _ in self._tasks.values() if job.kind in pool.workers]
            if len(users) >= pool.concurrency:
                return
            job = await self._queue.claim(tuple(pool.workers), set(users))
            if job is None:
                return
            assert job.id is not None
            self._tasks[job.id] = job, asyncio.create_task(self._run(job, job.id))

    async def _renew(self) -> None:
        """Renews the leases, and stops the jobs that are cancelled or lost to another process."""
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            if not self._tasks:
                continue
            tasks = dict(self._tasks)
            try:
                held = await self._queue.renew_leases(list(tasks))
            except Unavailable:
                continue
            except Exception:
                logger.exception("cannot renew leases")
                continue
            stopped = {job_id for job_id in tasks if held.get(job_id, True)}  # cancelled or lost
            # Not a job that left `_tasks` during the renewal: it has ended and deletes its files.
            for job_id in (stopped & self._tasks.keys()) - self._stopped:
                self._stopped.add(job_id)
                tasks[job_id][1].cancel()

    async def _run(self, job: Job, job_id: int) -> None:
        ended = False
        try:
            ended = await self._work(job, job_id)
        except asyncio.CancelledError:
            # If its owner cancelled it or is gone, it has ended for good. Otherwise the process
            # stops, or another one has the job.
            with suppress(Unavailable, LeaseLost):
                ended = await self._queue.is_cancelled_or_gone(job_id)
                if ended:
                    await self._queue.end(job_id, "cancelled")
            raise
        except LeaseLost:
            logger.warning("a job was lost to another process", extra={"job": job_id})
            with suppress(Unavailable):
                ended = not await self._queue.is_unfinished(job_id)
        except Unavailable:
            # Nothing is lost: the job is claimed again when its lease has expired.
            logger.warning("a job was interrupted", extra={"job": job_id})
        except Exception:
            logger.exception("a job was interrupted", extra={"job": job_id})
        finally:
            del self._tasks[job_id]
            self._stopped.discard(job_id)
            self.wake()
            if ended:
                await self._folders.delete([job_id])
            if ended and job.input:
                await self._inputs.discard([job.input])

    async def _work(self, job: Job, job_id: int) -> bool:
        """Returns whether the job has ended. Raises `LeaseLost`, or `Unavailable` if the database
        is unreachable.
        """
        try:
            outcome = await self._workers[job.kind].work(job)
        except LeaseLost:
            raise
        except Interrupted as error:
            logger.warning("a job was interrupted", extra={"job": job_id, "reason": str(error)})
            await self._queue.release(job_id)
            return False
        except ApiError as error:
            if error.code == "database_unavailable":
                raise
            await self._queue.end(job_id, "failed", error.message)
        except Exception:
            logger.exception("a job failed", extra={"job": job_id})
            await self._queue.end(job_id, "failed", "Something went wrong on our side.")
        else:
            await self._queue.end(job_id, "succeeded", outcome=outcome)
        logger.info("a job has ended", extra={"job": job_id, "kind": job.kind})
        return True
