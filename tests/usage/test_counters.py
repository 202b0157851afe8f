"""Counts in memory and in the database, and the statistics made of them."""

from __future__ import annotations

import asyncio
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from auth_api.database.columns import now
from auth_api.database.database import Database, core_of
from auth_api.database.tables.accounts import User
from auth_api.database.tables.usage import UsageDay, UsageHour
from auth_api.errors import Unavailable
from auth_api.settings import Settings
from auth_api.usage import counters
from auth_api.usage.counters import BUCKETS, EVER, UsageCounters
from auth_api.usage.estimates import Sums, difference, interval, percentile, wilson


def test_sums_give_mean_and_standard_deviation() -> None:
    values = [12.5, 99.0, 40.25, 99.0]
    sums = Sums()
    for value in values:
        sums += Sums(1, value, value * value)
    assert sums.mean == pytest.approx(statistics.fmean(values))
    assert sums.deviation == pytest.approx(statistics.pstdev(values))
    assert Sums(3, 0.3, 0.03).deviation == pytest.approx(0, abs=1e-6)
    assert (Sums().mean, Sums().deviation) == (None, None)


def test_percentiles_lie_in_the_bucket_of_the_true_value() -> None:
    seconds = np.random.default_rng(0).lognormal(-3, 0.8, 5000)
    indices = np.searchsorted(BUCKETS, seconds)
    buckets = {
        int(index): int(count)
        for index, count in zip(*np.unique(indices, return_counts=True), strict=True)
    }
    for share in (0.01, 0.5, 0.95, 0.99, 1.0):
        found, true = percentile(buckets, share), np.quantile(seconds, share)
        assert found is not None
        index = int(np.searchsorted(BUCKETS, true))
        assert BUCKETS[index - 1] <= found <= BUCKETS[index]
    assert percentile({4: 10}, 0.5) == pytest.approx((BUCKETS[3] + BUCKETS[4]) / 2)
    assert percentile({0: 4}, 0.5) == pytest.approx(BUCKETS[0] / 2)
    assert percentile({len(BUCKETS) - 1: 1}, 0.99) == BUCKETS[-2]
    assert percentile({}, 0.5) is None
    assert math.isinf(BUCKETS[-1])
    assert list(BUCKETS) == sorted(set(BUCKETS))


def test_a_share_has_a_wilson_interval() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for found, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
    ):
        assert wilson(found, of) == pytest.approx((found / of, low, high), abs=5e-5)
    assert wilson(0, 0) is None


def _sums(values: list[float]) -> Sums:
    return Sums(len(values), sum(values), sum(value * value for value in values))


def test_means_and_their_differences_have_intervals() -> None:
    one, other = [float(n % 7) for n in range(70)], [float(n % 5) for n in range(50)]
    errors = [statistics.stdev(values) / len(values) ** 0.5 for values in (one, other)]
    found = interval(_sums(one))
    assert found is not None
    assert found == pytest.approx((3, 3 - 1.96 * errors[0], 3 + 1.96 * errors[0]), abs=1e-4)
    between = difference(interval(_sums(one)), interval(_sums(other)))
    spread = 1.96 * (errors[0] ** 2 + errors[1] ** 2) ** 0.5
    assert between == pytest.approx((1, 1 - spread, 1 + spread), abs=1e-4)
    assert interval(_sums([1.0])) is None
    assert interval(_sums([1.0, 2.0])) is not None
    assert difference(interval(_sums(one)), interval(_sums([1.0]))) is None


def test_differences_of_shares_have_newcombe_intervals() -> None:
    # Newcombe 1998, table II, method 10.
    for one, other, expected in (
        ((56, 70), (48, 80), (0.2, 0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.6, 0.1705, 0.8090)),
        ((10, 10), (0, 20), (1.0, 0.6791, 1.0)),
    ):
        assert difference(wilson(*one), wilson(*other)) == pytest.approx(expected, abs=1e-4)
    assert difference(wilson(0, 0), wilson(1, 2)) is None


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{tmp_path / 'ranjana.db'}")


SPANS = ("", "day ", "ever ")


def counts(session: Session) -> dict[tuple[str, int], tuple[int, float]]:
    """Count and total of all hours, days and all time, by measure and label."""
    rows = session.scalars(select(UsageHour)).all()
    for row in rows:
        assert (row.hour == EVER) == row.measure.startswith("ever ")
        assert row.hour.hour == 0 or not row.measure.startswith("day ")
    return {(row.measure, row.label): (row.count, row.total) for row in rows}


def with_usage(settings: Settings, work: Callable[[Database, UsageCounters], Any]) -> Any:
    """Runs `work` on a database with the users 1 and 2."""

    async def run() -> Any:
        database = Database(settings)
        try:
            await database.migrate()
            names = ("username", "username_key", "email", "email_key")
            for name in "ab":
                values = {**dict.fromkeys(names, name), "password_hash": "", "role": "user"}
                values |= {"active": True, "timezone": "UTC", "created_at": now()}
                statement = insert(core_of(User)).values(values)
                await database.write(lambda session, s=statement: session.execute(s))
            return await work(database, UsageCounters(database))
        finally:
            await database.aclose()

    return asyncio.run(run())


def test_counts_are_added_up_and_a_deleted_user_does_not_spoil_a_batch(settings: Settings) -> None:
    async def work(database: Database, usage: UsageCounters) -> None:
        for _ in range(2):
            for user in (1, None, 99, 2, 1):  # 99 is deleted
                usage.count_answer("ranjana", "1.0", user, 7, 90.0, 0.0101)
            usage.count("refused", "ranjana", "1.0")
            await usage.finish()
        found = await database.read(counts)
        index = next(n for n, bound in enumerate(BUCKETS) if bound >= 0.0101)
        for span in SPANS:
            assert found.pop((f"{span}class", 7)) == (10, 900.0)
            assert found.pop((f"{span}seconds", index)) == (10, pytest.approx(0.101))
            assert found.pop((f"{span}refused", 0)) == (2, 0)
        assert found == {}
        days = await database.read(lambda session: session.scalars(select(UsageDay)).all())
        assert {day.user_id: (day.count, day.total) for day in days} == {1: (4, 360), 2: (2, 180)}

    with_usage(settings, work)


class Busy(Database):
    """Counts one more answer during each write."""

    usage: UsageCounters
    writes = 0

    async def write(self, work: Callable[[Session], Any]) -> Any:
        self.writes += 1
        self.usage.count_answer("ranjana", "1.0", None, 7, 50.0, 0.01)
        return await super().write(work)


def test_counts_that_arrive_during_a_write_wait_for_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "_BATCH_SIZE", 2)

    async def work(_: Database, usage: UsageCounters) -> None:
        database = Busy(settings)
        database.usage = usage = UsageCounters(database)
        for label in range(3):
            usage.count_answer("ranjana", "1.0", None, label, 50.0, 0.01)
        await asyncio.wait_for(usage.finish(), 20)
        assert database.writes == 2  # three classes and a bucket, in batches of two
        found = await database.read(counts)
        assert {label for measure, label in found if measure == "class"} == {0, 1, 2}
        await usage.finish()
        assert (await database.read(counts))["class", 7] == (2, 100.0)
        await database.aclose()

    with_usage(settings, work)


def test_few_versions_that_never_answered_are_counted_by_name(settings: Settings) -> None:
    async def unreachable() -> dict[str, Any]:
        raise Unavailable("The model server is unreachable.")

    async def work(database: Database, usage: UsageCounters) -> None:
        for minor in range(100):
            with pytest.raises(Unavailable):
                await usage.track(unreachable(), "ranjana", f"7.{minor}", None)
        await usage.finish()
        rows = await database.read(lambda session: session.scalars(select(UsageHour)).all())
        failed = {row.version: row.count for row in rows if row.measure == "failed"}
        assert sum(failed.values()) == 100
        assert len(failed) < 30
        assert failed["default"] > 70

    with_usage(settings, work)


def test_counts_are_kept_up_to_a_limit_while_the_database_is_unreachable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "_MAX_COUNTS", 3)

    async def run() -> dict[tuple[str, int], tuple[int, float]]:
        database = Database(settings)
        usage = UsageCounters(database)
        for label in (1, 2, 3, 4, 5, 1):
            usage.count_answer("ranjana", "1.0", None, label, 50.0, math.inf)
        await usage.finish()  # fails: there are no tables
        await database.migrate()
        await usage.finish()
        try:
            return await database.read(counts)
        finally:
            await database.aclose()

    found = asyncio.run(run())
    # Two classes and a bucket fit; the other classes do not.
    last = len(BUCKETS) - 1
    for span in SPANS:
        assert found.pop((f"{span}class", 1)) == (2, 100.0)
        assert found.pop((f"{span}class", 2)) == (1, 50.0)
        assert found.pop((f"{span}seconds", last))[0] == 6
    assert found == {}
