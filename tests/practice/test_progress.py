"""Progress computed from made-up histories of practice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from sqlalchemy.orm import Session

from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.practice import Attempt
from auth_api.practice import attempts
from auth_api.practice.progress import (
    SLOT,
    Practice,
    Streak,
    next_to_practise,
    replay,
    slot_of,
    streak,
    trend_word,
)
from auth_api.settings import Settings

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)

FIRST = [72.0]
IMPROVING = [35.0, 41.0, 48.0, 52.0, 60.0, 66.0, 71.0, 79.0, 86.0, 90.0, 93.0, 96.0]
DECLINING = [95.0, 91.0, 84.0, 80.0, 66.0, 50.0, 42.0]
STEADY = [75.0, 77.0, 74.0, 76.0, 75.0, 76.0]
HISTORIES = [FIRST, IMPROVING, DECLINING, STEADY]


def state_after(scores: Sequence[float], every: timedelta = DAY) -> Practice:
    """The practice after these scores, the first at START, one `every` interval."""
    return replay((score, START + n * every, "none") for n, score in enumerate(scores))


def due(state: Practice) -> datetime:
    assert state.due
    return state.due


def test_an_untried_character_has_no_progress() -> None:
    nothing = Practice()
    assert (nothing.attempts, nothing.last, nothing.trend, nothing.due) == (0, None, None, None)
    assert nothing.recall(START) == nothing.mastery(START) == 0
    assert replay([]) == nothing


def test_a_first_attempt_gives_half_the_mastery() -> None:
    state = state_after(FIRST)
    assert (state.attempts, state.best, state.last, state.last_at) == (1, 72, 72, START)
    assert state.quality == 72
    assert (state.trend, trend_word(state.trend)) == (None, "new")
    assert state.recall(START) == 1
    assert state.mastery(START) == 36
    assert due(state) > START


@pytest.mark.parametrize(
    ("scores", "trend", "word"),
    [
        ([80], None, "new"),
        ([60, 70], 10, "improving"),
        ([70, 60], -10, "declining"),
        ([50, 90, 60], -30, "declining"),  # of three scores, the last two count
        ([10, 20, 30, 40, 50], 20, "improving"),
        ([100, 1, 2, 3, 4, 5, 6, 7, 8], 4, "improving"),  # the oldest of nine does not count
        ([10, 20, 30, 40, 50, 60, 70, 80, 90, 100], 50, "improving"),
        ([0, 0, 0, 100, 100, 100, 100, 100, 90, 90, 90, 90, 90], -10, "declining"),
        ([70, 72.9], 2.9, "steady"),
        ([72.9, 70], -2.9, "steady"),
        ([70, 73], 3, "improving"),
        ([73, 70], -3, "declining"),
        (IMPROVING, 88.8 - 59.4, "improving"),
        (DECLINING, (66 + 50 + 42) / 3 - (91 + 84 + 80) / 3, "declining"),
        (STEADY, (76 + 75 + 76) / 3 - (75 + 77 + 74) / 3, "steady"),
    ],
)
def test_the_trend_compares_the_latest_attempts_with_those_before(
    scores: list[float], trend: float | None, word: str
) -> None:
    state = state_after(scores)
    assert state.trend == (None if trend is None else pytest.approx(trend))
    assert trend_word(state.trend) == word


@pytest.mark.parametrize("scores", HISTORIES)
def test_quality_follows_the_latest_scores(scores: list[float]) -> None:
    quality = scores[0]
    for score in scores[1:]:
        quality += 0.4 * (score - quality)
    state = state_after(scores)
    assert state.quality == pytest.approx(quality)
    assert min(scores) <= state.quality <= max(scores)
    assert (state.attempts, state.best, state.last) == (len(scores), max(scores), scores[-1])
    assert list(state.recent) == scores[-10:]


def test_the_last_five_attempts_make_up_nine_tenths_of_the_quality() -> None:
    assert state_after([0.0] * 20 + [100.0] * 5).quality == pytest.approx(100 * (1 - 0.6**5))


def fsrs_recall(days: int, stability: float) -> float:
    """The forgetting curve of FSRS-6, as its authors write it, with its default decay."""
    decay = 0.1542
    return float((1 + (0.9 ** (-1 / decay) - 1) * days / stability) ** -decay)


@pytest.mark.parametrize("scores", HISTORIES)
@pytest.mark.parametrize("days", [0, 1, 7, 30, 120, 1000])
def test_mastery_combines_quality_number_of_attempts_and_recall(
    scores: list[float], days: int
) -> None:
    state = state_after(scores)
    assert state.card
    assert state.last_at
    moment = state.last_at + days * DAY
    recall = fsrs_recall(days, state.card["stability"])
    assert state.recall(moment) == pytest.approx(recall)
    expected = state.quality * (1 - 0.5 ** len(scores)) * recall
    assert state.mastery(moment) == pytest.approx(expected)
    assert 0 < state.mastery(moment) <= 100


@pytest.mark.parametrize("scores", HISTORIES)
def test_mastery_falls_slowly_without_practice(scores: list[float]) -> None:
    state = state_after(scores)
    assert state.last_at
    moments = [state.last_at + days * DAY for days in (0, 1, 3, 10, 30, 90, 365)]
    masteries = [state.mastery(moment) for moment in moments]
    assert masteries == sorted(masteries, reverse=True)
    assert len(set(masteries)) == len(masteries)
    # One more attempt restores recall, and the interval is longer than a beginner's.
    again = state.after(90, moments[-1])
    assert again.recall(moments[-1]) == 1
    assert again.attempts == state.attempts + 1
    assert due(again) - moments[-1] >= due(state_after([90])) - START


def test_recall_is_full_before_the_last_attempt() -> None:
    assert state_after(STEADY).recall(START) == 1  # by the clock of another server


@pytest.mark.parametrize("scores", [[75.0], [92.0], STEADY, IMPROVING, [95.0] * 6])
def test_a_character_is_due_when_recall_falls_to_nine_tenths(scores: list[float]) -> None:
    state = state_after(scores)
    assert state.last_at
    assert due(state) >= state.last_at + DAY
    # Intervals are whole days.
    assert (due(state) - state.last_at) % DAY == timedelta(0)
    assert state.recall(due(state)) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("before", [[], *HISTORIES])
@pytest.mark.parametrize("days", [0, 1, 20])
def test_a_better_score_gives_a_later_due_date(before: list[float], days: int) -> None:
    state = state_after(before)
    moment = (state.last_at or START) + days * DAY
    dates = [due(state.after(score, moment)) for score in (20, 60, 80, 95)]
    assert dates == sorted(dates)
    assert dates[0] < dates[-1]
    assert all(date_ > moment for date_ in dates)


@pytest.mark.parametrize(("low", "high"), [(0, 49.99), (50, 69.99), (70, 89.99), (90, 100)])
def test_scores_of_one_rating_give_the_same_due_date(low: float, high: float) -> None:
    state = state_after(STEADY)
    assert state.last_at
    moment = state.last_at + 5 * DAY
    assert state.after(low, moment).card == state.after(high, moment).card
    if high < 100:
        assert state.after(high, moment).card != state.after(high + 0.01, moment).card


def test_intervals_grow_with_success() -> None:
    state, moment, intervals = Practice(), START, []
    for _ in range(6):
        state = state.after(85, moment)
        intervals.append(due(state) - moment)
        moment = due(state)
    assert intervals == sorted(intervals)
    assert intervals[-1] > 10 * intervals[0]
    failed = state.after(10, moment)
    assert due(failed) - moment < intervals[1]


def test_time_zones_do_not_change_the_progress() -> None:
    local = START.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert Practice().after(80, local).card == Practice().after(80, START).card
    state = state_after(STEADY)
    assert state.mastery(local + 90 * DAY) == state.mastery(START + 90 * DAY)


@pytest.mark.parametrize("scores", HISTORIES)
def test_a_practice_survives_a_round_trip_through_json(scores: list[float]) -> None:
    state = state_after(scores)
    stored = replace(state, card=json.loads(json.dumps(state.card)))
    assert stored == state
    assert stored.due == state.due
    moment = START + 200 * DAY
    assert stored.after(77, moment) == state.after(77, moment)
    assert stored.mastery(moment) == state.mastery(moment)


# Help


def test_a_traced_attempt_is_neither_a_mark_nor_a_review() -> None:
    traced = Practice().after(98, START, "traced")
    assert (traced.attempts, traced.last_at) == (1, START)
    assert (traced.best, traced.last, traced.trend, traced.due) == (0, None, None, None)
    assert traced.mastery(START) == traced.recall(START) == 0
    written = state_after(STEADY)
    assert written.last_at
    later = written.after(98, written.last_at + DAY, "traced")
    same = replace(written, attempts=written.attempts + 1, last_at=written.last_at + DAY)
    assert later == same


@pytest.mark.parametrize("score", [20, 60, 75, 100])
def test_a_hinted_attempt_is_a_review_of_at_most_hard(score: float) -> None:
    before = state_after(STEADY)
    assert before.last_at
    moment = before.last_at + 5 * DAY
    hinted = before.after(score, moment, "hinted")
    assert hinted.card == before.after(min(score, 69), moment).card
    assert hinted.attempts == before.attempts + 1
    marks = ("from_memory", "best", "quality", "recent", "last_from_memory")
    assert [getattr(hinted, each) for each in marks] == [getattr(before, each) for each in marks]
    first = Practice().after(score, START, "hinted")
    assert due(first) > START
    assert first.mastery(START) == 0


def test_mastery_goes_by_the_attempts_from_memory() -> None:
    state, alone = state_after([90.0] * 3), state_after([90.0] * 3)
    assert state.last_at
    for help in ("traced", "traced", "hinted"):
        state = state.after(10, state.last_at or START, help)
    assert state.mastery(START + 2 * DAY) == alone.mastery(START + 2 * DAY) == 90 * (1 - 0.5**3)


@pytest.mark.parametrize(
    ("zone", "gap", "expected"),
    [
        ("UTC", timedelta(hours=15, minutes=59), False),  # START is 8:00
        ("UTC", timedelta(hours=16), True),
        ("Asia/Kathmandu", timedelta(hours=10, minutes=14), False),  # 13:45 there
        ("Asia/Kathmandu", timedelta(hours=10, minutes=15), True),
    ],
)
def test_a_character_is_mastered_on_the_second_day(
    zone: str, gap: timedelta, expected: bool
) -> None:
    state = Practice()
    for _ in range(5):
        state = state.after(95, START)
    assert state.mastery(START) > 90
    assert not state.is_mastered(START, ZoneInfo(zone))
    for help in ("traced", "hinted"):
        assert not state.after(95, START + gap, help).is_mastered(START + gap, ZoneInfo(zone))
    again = state.after(95, START + gap)
    assert again.is_mastered(START + gap, ZoneInfo(zone)) is expected
    poor = Practice().after(40, START).after(60, START + 3 * DAY)
    assert not poor.is_mastered(START + 3 * DAY, ZoneInfo(zone))


# Removing attempts


def stored_and_expected(
    path: Path,
    scores: Sequence[float],
    removed: Sequence[int],
    helps: Sequence[str] = ("none",),
    arrival: Sequence[int] = (),
) -> tuple[dict[int, Practice], Practice]:
    """The practices in the database after some attempts were removed, and the expected one.

    The attempts have the `helps` in turn. `arrival`: the order in which they arrive, one at a time.
    """
    written = [
        (score, START + n * DAY / 2, helps[n % len(helps)]) for n, score in enumerate(scores)
    ]
    rest = [each for n, each in enumerate(written) if n not in removed]

    async def run() -> dict[int, Practice]:
        database = Database(Settings(database_url=f"sqlite:///{path / 'ranjana.db'}"))
        await database.migrate()

        def work(session: Session) -> dict[int, Practice]:
            names = dict.fromkeys(("username", "username_key", "email", "email_key"), "someone")
            session.add(User(id=1, password_hash="", **names))
            session.flush()
            added = [
                Attempt(comparison_id=n + 1, user_id=1, character=3, at=at, score=score, help=help)
                for n, (score, at, help) in enumerate(written)
            ]
            for batch in ([added[n]] for n in arrival) if arrival else [added]:
                slots = {(1, slot_of(each.at), False) for each in batch}
                attempts.add(database, session, batch, slots)
            for n in removed:
                attempts.remove(database, session, 1, n + 1)
                attempts.remove(database, session, 1, n + 1)  # the second removal has no effect
            return attempts.practices_of(session, 1)

        try:
            return await database.write(work)
        finally:
            await database.aclose()

    return asyncio.run(run()), replay(rest)


@pytest.mark.parametrize("removed", [[], [0], [11], [4, 7], [10, 11, 0], list(range(1, 12))])
def test_a_removed_attempt_leaves_no_trace(tmp_path: Path, removed: list[int]) -> None:
    stored, expected = stored_and_expected(tmp_path, IMPROVING, removed)
    assert stored == {3: expected}


@pytest.mark.parametrize("removed", [[], [0], [1, 2, 3], [11, 8]])
def test_a_removed_attempt_that_was_helped_leaves_no_trace(
    tmp_path: Path, removed: list[int]
) -> None:
    helps = ("traced", "hinted", "none", "none")
    stored, expected = stored_and_expected(tmp_path, IMPROVING, removed, helps)
    assert stored == {3: expected}


@pytest.mark.parametrize("arrival", [[1, 0, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1]])
def test_an_attempt_that_arrives_late_counts_at_its_time(
    tmp_path: Path, arrival: list[int]
) -> None:
    helps = ("none", "hinted", "none", "traced")
    stored, expected = stored_and_expected(tmp_path, [95, 20, 60, 80], [], helps, arrival)
    assert stored == {3: expected}
    assert (expected.last, expected.last_at) == (60, START + 1.5 * DAY)


def test_a_character_without_remaining_attempts_is_untried(tmp_path: Path) -> None:
    assert stored_and_expected(tmp_path, STEADY, range(len(STEADY)))[0] == {}


def test_only_the_latest_attempts_of_a_long_practice_are_replayed(tmp_path: Path) -> None:
    scores = [99.5] + [50 + 7 * n % 40 for n in range(300)]
    stored, expected = stored_and_expected(tmp_path, scores, [299])
    assert (stored[3].attempts, stored[3].best, stored[3].recent) == (300, 99.5, expected.recent)
    assert stored[3].quality == pytest.approx(expected.quality)
    assert stored[3].last_at == expected.last_at


# The streak


def slots(zone: str, *moments: str) -> list[int]:
    """The slots of some local times of a zone."""
    local = [datetime.fromisoformat(moment) for moment in moments]
    return [slot_of(moment.replace(tzinfo=ZoneInfo(zone))) for moment in local]


def days(zone: str, *active: int) -> list[int]:
    """Slots at noon of some days of May 2026."""
    return slots(zone, *(f"2026-05-{day:02} 12:00" for day in active))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
@pytest.mark.parametrize(
    ("active", "now", "expected"),
    [
        ([], "2026-05-09 12:00", Streak(0, 0, False)),
        ([9], "2026-05-09 12:01", Streak(1, 1, True)),
        ([9], "2026-05-10 23:59", Streak(1, 1, False)),  # today is not over yet
        ([9], "2026-05-11 00:00", Streak(0, 1, False)),  # a whole day without practice
        ([1, 2, 3, 4, 5, 8, 9], "2026-05-09 13:00", Streak(2, 5, True)),
        ([1, 2, 3, 4, 5, 8, 9], "2026-05-10 00:01", Streak(2, 5, False)),
        ([1, 2, 3, 4, 5, 8, 9], "2026-05-20 00:01", Streak(0, 5, False)),
        ([1, 2, 5, 6, 7, 8, 9], "2026-05-09 23:00", Streak(5, 5, True)),
        ([1, 3, 5, 7, 9], "2026-05-09 23:00", Streak(1, 1, True)),
        ([9, 8, 9, 7, 8, 9], "2026-05-09 23:00", Streak(3, 3, True)),  # any order, repeated
    ],
)
def test_the_streak_counts_days_in_a_row(
    zone: str, active: list[int], now: str, expected: Streak
) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=ZoneInfo(zone))
    assert streak(days(zone, *active), ZoneInfo(zone), moment) == expected
    # The zone of the current time does not matter.
    assert streak(days(zone, *active), ZoneInfo(zone), moment.astimezone(UTC)) == expected


@pytest.mark.parametrize(
    ("zone", "moments", "expected"),
    [
        # Minutes apart, but on two local days. In UTC it is one day.
        ("Asia/Kathmandu", ["2026-05-08 23:59", "2026-05-09 00:00"], 2),
        ("Asia/Kathmandu", ["2026-05-08 00:00", "2026-05-08 23:59"], 1),
        ("Pacific/Kiritimati", ["2026-05-08 23:59", "2026-05-09 00:00"], 2),
        ("Pacific/Chatham", ["2026-05-08 23:59", "2026-05-09 00:00"], 2),
        ("America/New_York", ["2026-05-08 23:59", "2026-05-09 00:00"], 2),
        # Clocks go forward on 8 March and back on 1 November 2026.
        ("America/New_York", ["2026-03-07 23:59", "2026-03-08 23:59", "2026-03-09 00:00"], 3),
        ("America/New_York", ["2026-03-08 01:59", "2026-03-08 03:00"], 1),
        ("America/New_York", ["2026-10-31 23:59", "2026-11-01 00:00", "2026-11-02 00:00"], 3),
        ("America/New_York", ["2026-10-31 00:00", "2026-11-01 23:59", "2026-11-02 23:59"], 3),
        ("America/New_York", ["2026-11-01 00:30", "2026-11-01 23:30"], 1),
    ],
)
def test_a_day_ends_at_midnight_where_the_learner_lives(
    zone: str, moments: list[str], expected: int
) -> None:
    local = ZoneInfo(zone)
    now = datetime.fromisoformat(moments[-1]).replace(tzinfo=local)
    assert streak(slots(zone, *moments), local, now) == Streak(expected, expected, True)


def test_the_same_practice_falls_on_other_days_in_other_time_zones() -> None:
    # 22:30, and 21:30 the next day, in Nepal.
    active = slots("Asia/Kathmandu", "2026-05-08 22:30", "2026-05-09 21:30")
    now = START.replace(month=5, day=9, hour=16)
    for zone, expected in (
        ("Asia/Kathmandu", Streak(2, 2, True)),
        ("UTC", Streak(2, 2, True)),
        ("Pacific/Kiritimati", Streak(2, 2, True)),  # the 9th and the 10th
        ("America/New_York", Streak(2, 2, True)),
    ):
        assert streak(active, ZoneInfo(zone), now) == expected
    # The first evening is already the next day in Kiritimati, and noon in New York.
    late = slots("Asia/Kathmandu", "2026-05-08 22:30", "2026-05-09 09:30")
    assert streak(late, ZoneInfo("Asia/Kathmandu"), now).current == 2
    assert streak(late, ZoneInfo("Pacific/Kiritimati"), now) == Streak(1, 1, False)
    assert streak(late, ZoneInfo("America/New_York"), now) == Streak(1, 1, False)


def test_a_streak_at_the_date_line_counts_local_days() -> None:
    zone = ZoneInfo("Pacific/Kiritimati")
    moment = datetime(2025, 12, 31, 10, 0, tzinfo=UTC)  # midnight of New Year there
    assert moment.astimezone(zone).date() == date(2026, 1, 1)
    active = [slot_of(moment - timedelta(minutes=1)), slot_of(moment)]
    assert streak(active, zone, moment) == Streak(2, 2, True)
    assert streak(active, ZoneInfo("UTC"), moment) == Streak(1, 1, True)


def test_a_slot_lies_within_one_day_in_every_time_zone() -> None:
    for year in range(2024, 2036):
        for month in (1, 7):
            moment = datetime(year, month, 1, tzinfo=UTC)
            offsets = {moment.astimezone(ZoneInfo(zone)).utcoffset() for zone in ZONES}
            assert {offset % SLOT for offset in offsets if offset is not None} == {timedelta(0)}


ZONES = sorted(available_timezones())


def test_slots_are_quarter_hours() -> None:
    assert slot_of(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert slot_of(datetime(1970, 1, 1, 0, 14, 59, 999999, tzinfo=UTC)) == 0
    assert slot_of(datetime(1970, 1, 1, 0, 15, tzinfo=UTC)) == 1
    assert slot_of(START) == slot_of(START.astimezone(ZoneInfo("Asia/Kathmandu")))


# The characters to practise next


def test_due_characters_come_first_then_new_ones_then_the_weakest() -> None:
    practices = [Practice() for _ in range(8)]
    now = START + 400 * DAY
    practices[6] = state_after([85, 85, 85])  # long due, half forgotten
    practices[4] = state_after([30])  # due, less remembered still
    practices[1] = Practice().after(60, now)  # just practised
    practices[3] = Practice().after(40, now).after(45, now)
    practices[0] = Practice().after(90, now, "traced")  # no review: as new as before
    assert practices[4].recall(now) < practices[6].recall(now)
    assert practices[3].mastery(now) > practices[1].mastery(now)
    assert next_to_practise(practices, now) == [4, 6, 0, 2, 5]
    assert next_to_practise(practices, now, limit=8) == [4, 6, 0, 2, 5, 7, 1, 3]


def test_of_the_due_characters_the_least_remembered_comes_first() -> None:
    starts = (START, START - 40 * DAY, START + DAY)
    practices = [Practice().after(70, start) for start in starts]
    assert next_to_practise(practices, START + 100 * DAY) == [1, 0, 2]


def test_a_beginner_follows_the_alphabet() -> None:
    assert next_to_practise([Practice()] * 36, START) == [0, 1, 2, 3, 4]


def test_without_due_or_new_characters_the_weakest_come_first() -> None:
    practices = [Practice().after(score, START) for score in (90, 30, 70, 50, 60, 80)]
    assert next_to_practise(practices, START) == [1, 3, 4, 2, 5]
    assert next_to_practise(practices[:2], START) == [1, 0]


def test_a_character_is_due_from_the_exact_due_time() -> None:
    state = state_after([80])
    practices = [Practice(), state]
    assert next_to_practise(practices, due(state)) == [1, 0]
    assert next_to_practise(practices, due(state) - timedelta(seconds=1)) == [0, 1]
