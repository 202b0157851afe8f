"""Processes share the job queue; only one process has the lease of a job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import update
from sqlmodel import col

from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User as Account
from auth_api.database.tables.jobs import Job, JobItem
from auth_api.errors import Forbidden
from auth_api.jobs import queue
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.owners import BY_OPERATOR
from auth_api.jobs.queue import ItemAnswer, JobQueue
from auth_api.jobs.retries import MAX_ATTEMPTS, LeaseLost
from auth_api.jobs.runner import JobRunner, WorkerPool
from auth_api.jobs.work_folders import WorkFolders
from auth_api.settings import Settings
from tests.authorisation.test_access import user_id
from tests.support.apis import Api, User

Result = TypeVar("Result")
KIND = ("count",)


def on(api: Api, work: Callable[[Database], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        database = Database(Settings(database_url=api.database_url))
        try:
            return await work(database)
        finally:
            await database.aclose()

    return asyncio.run(run())


async def add(
    database: Database, owner: int, items: int = 3, kind: str = KIND[0], **parameters: object
) -> int:
    rows = [JobItem(job_id=0, position=index, file=f"{index}") for index in range(items)]
    named = {"model": "none", "version": "1.0"}  # as trainings have them
    job = Job(user_id=owner, kind=kind, parameters={**named, **parameters})
    await database.write(lambda transaction: queue.add(transaction, job, rows, owner, None))
    assert job.id is not None
    return job.id


async def expire_lease(database: Database, number: int) -> None:
    past = update(Job).where(col(Job.id) == number).values(held_until=now() - timedelta(seconds=1))
    await database.write(lambda transaction: transaction.execute(past))


async def state(database: Database, number: int) -> Job:
    job = await database.read(lambda session: session.get(Job, number))
    assert job
    return job


def answers(*positions: int) -> list[ItemAnswer]:
    return [ItemAnswer(position, {"success": True}) for position in positions]


async def claim(process: JobQueue, excluded_users: set[int] | None = None) -> int | None:
    job = await process.claim(KIND, excluded_users or set())
    return job.id if job else None


def test_one_of_sixteen_concurrent_claims_gets_the_job(api: Api, user: User) -> None:
    owner = user_id(user)

    async def work(database: Database) -> None:
        number = await add(database, owner)
        processes = [JobQueue(database, f"process {index}") for index in range(16)]
        found = await asyncio.gather(*(claim(process) for process in processes))
        assert sorted(found, key=str) == [number, *[None] * 15]
        holder = processes[found.index(number)]
        await holder.end(number, "succeeded")

    on(api, work)


def test_a_process_whose_lease_expired_writes_nothing(api: Api, user: User) -> None:
    owner = user_id(user)

    async def work(database: Database) -> None:
        number = await add(database, owner)
        slow, quick = JobQueue(database, "slow"), JobQueue(database, "quick")
        assert await claim(slow) == number
        await slow.record(number, answers(0))
        assert await claim(quick) is None
        await expire_lease(database, number)
        assert await claim(quick) == number
        for call in (
            slow.record(number, answers(1)),
            slow.report(number, 0.9),
            slow.end(number, "failed", "never"),
        ):
            with pytest.raises(LeaseLost):
                await call
        assert await slow.renew_leases([number]) == {}
        assert await quick.renew_leases([number]) == {number: False}
        assert [item.position for item in await quick.pending(number)] == [1, 2]
        await quick.record(number, answers(1, 2))
        await quick.end(number, "succeeded")
        job = await state(database, number)
        assert (job.succeeded, job.failed, job.progress, job.state) == (3, 0, 1, "succeeded")
        assert (job.holder, job.held_until) == (None, None)

    on(api, work)


def test_a_job_that_crashes_every_process_fails(api: Api, user: User) -> None:
    owner = user_id(user)

    async def work(database: Database) -> None:
        number = await add(database, owner)
        process = JobQueue(database, "crashing")
        for _ in range(MAX_ATTEMPTS):
            assert await claim(process) == number
            await expire_lease(database, number)
        assert await claim(process) is None
        job = await state(database, number)
        assert job.state == "failed"
        assert "interrupted" in str(job.error)
        # A job that makes progress in each attempt is retried without limit.
        number = await add(database, owner, items=2 * MAX_ATTEMPTS)
        for position in range(2 * MAX_ATTEMPTS):
            assert await claim(process) == number
            await process.record(number, answers(position))
            await expire_lease(database, number)
        assert await claim(process) == number
        await process.end(number, "succeeded")

    on(api, work)


def test_a_job_cancelled_before_its_process_died_is_not_run_again(api: Api, user: User) -> None:
    owner = user_id(user)

    async def work(database: Database) -> None:
        number = await add(database, owner)
        process = JobQueue(database, "dying")
        assert await claim(process) == number
        assert user.delete(f"/api/jobs/{number}/").json()["cancelling"] is True
        assert await process.renew_leases([number]) == {number: True}
        await expire_lease(database, number)
        assert await claim(JobQueue(database, "next")) is None
        assert (await state(database, number)).state == "cancelled"

    on(api, work)


INACTIVE = "The account is not active any more."
DEMOTED = "Its owner does not have the role 'data-scientist' any more."
SCIENTIST = {"role": "data-scientist", "active": True}


@pytest.mark.parametrize(
    ("kind", "change", "parameters", "sentence"),
    [
        ("count", {"active": False}, {}, INACTIVE),
        ("train", {"active": False}, {}, INACTIVE),
        ("train", {"active": False}, {BY_OPERATOR: True}, INACTIVE),
        ("train", {"role": "analyst"}, {}, DEMOTED),
        ("tune", {"role": "user"}, {}, DEMOTED),
        ("tune", {"role": "ml-engineer"}, {}, None),
        ("train", {"role": "user"}, {BY_OPERATOR: True}, None),
        ("count", {"role": "user"}, {}, None),
    ],
)
def test_a_job_stops_once_its_owner_may_not_have_it_run(
    api: Api,
    user: User,
    kind: str,
    change: dict[str, Any],
    parameters: dict[str, Any],
    sentence: str | None,
) -> None:
    owner = user_id(user)

    async def set_user(database: Database, values: dict[str, Any]) -> None:
        statement = update(Account).where(col(Account.id) == owner).values(values)
        await database.write(lambda transaction: transaction.execute(statement))

    async def work(database: Database) -> None:
        process = JobQueue(database, f"process of {owner}")
        await set_user(database, SCIENTIST)
        under_way = await add(database, owner, kind=kind, **parameters)
        running = update(Job).where(col(Job.id) == under_way)
        lease = {"state": "running", "held_until": now() + timedelta(hours=1)}
        running = running.values(holder=f"process of {owner}", **lease)
        await database.write(lambda transaction: transaction.execute(running))
        waiting = await add(database, owner, kind=kind, **parameters)
        await set_user(database, change)
        if sentence is None:
            await process.record(under_way, answers(0))
            await process.report(under_way, 0.5)
        for call in (
            lambda: process.record(under_way, answers(1)),
            lambda: process.report(under_way, 0.9),
        ):
            if sentence:
                with pytest.raises(Forbidden, match=sentence):
                    await call()
        await process.end(under_way, "cancelled")
        claimed = await process.claim((kind,), set())
        while claimed and claimed.id != waiting:  # left by another test
            claimed = await process.claim((kind,), set())
        job = await state(database, waiting)
        if sentence:
            assert (claimed, job.state, job.error, job.attempts) == (None, "failed", sentence, 0)
        else:
            assert (claimed and claimed.id, job.state) == (waiting, "running")
            await process.end(waiting, "cancelled")

    on(api, work)


def test_the_user_with_fewer_running_jobs_comes_first(api: Api, user: User) -> None:
    first, second = user_id(user), user_id(api.sign_up())

    async def work(database: Database) -> None:
        numbers = [await add(database, owner) for owner in (first, first, second)]
        one, other = JobQueue(database, "one"), JobQueue(database, "other")
        assert await claim(one) == numbers[0]
        assert await claim(other) == numbers[2]
        assert await claim(one, {first}) is None
        assert await claim(one) == numbers[1]
        await one.release_all()
        assert [(await state(database, number)).state for number in numbers] == [
            "queued",
            "queued",
            "running",
        ]
        assert (await state(database, numbers[0])).attempts == 0
        for number in numbers[:2]:
            assert await claim(one) == number
            await one.end(number, "succeeded")
        await other.end(numbers[2], "succeeded")

    on(api, work)


def test_jobs_without_items_report_progress_and_outcome(api: Api, user: User) -> None:
    owner = user_id(user)

    async def work(database: Database) -> None:
        number = await add(database, owner, items=0)
        process = JobQueue(database, "trainer")
        assert await claim(process) == number
        await process.report(number, 0.5)
        assert (await state(database, number)).progress == 0.5
        # The next attempt repeats some work, which is no progress.
        await process.release(number)
        assert (await state(database, number)).state == "queued"
        assert await claim(process) == number
        await process.report(number, 0.4, {"top1": 0.9})
        job = await state(database, number)
        assert (job.progress, job.attempts, job.outcome) == (0.5, 1, {"top1": 0.9})
        await process.report(number, 0.6)
        job = await state(database, number)
        assert (job.progress, job.attempts, job.outcome) == (0.6, 0, {"top1": 0.9})
        outcome: dict[str, Any] = {"top1": 0.99}
        await process.end(number, "succeeded", outcome=outcome)
        job = await state(database, number)
        assert (job.progress, job.outcome, job.state) == (1, outcome, "succeeded")

    on(api, work)


class IdleWorker:
    """Does nothing."""

    async def work(self, job: Job) -> None:
        pass


def test_input_files_are_deleted_even_if_leases_are_renewed_meanwhile(
    api: Api, user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth_api.jobs.runner._RENEW_SECONDS", 0)  # also while a job is ending
    owner, inputs, count = user_id(user), InputFiles(tmp_path / "inputs"), 40

    async def work(database: Database) -> None:
        numbers = []
        for _ in range(count):
            file = inputs.new()
            file.sync()
            job = Job(user_id=owner, kind="count", input=file.path.name)
            await database.write(lambda each, job=job: queue.add(each, job, [], owner, None))
            numbers.append(job.id)
        pool = WorkerPool({"count": IdleWorker()}, concurrency=1)
        folders = WorkFolders(tmp_path / "folders")
        runner = JobRunner(JobQueue(database, "one"), inputs, folders, [pool], alone=False)
        runner.start()
        while (await state(database, max(numbers))).state != "succeeded":
            await asyncio.sleep(0.05)
        for _ in range(100):
            if await inputs.is_empty():
                break
            await asyncio.sleep(0.1)
        await runner.stop()

    on(api, work)
    assert asyncio.run(inputs.is_empty())
