"""Computes the progress of a learner from attempts: mastery, trend, due dates and streaks.

An attempt is one comparison with its mark s, 0-100. It was traced, hinted or written from memory.
For each character, from the attempts from memory:

    quality   Q = s after the first attempt, then Q + 0.4 (s - Q): recent attempts count most
    trend     mean of the last h scores minus the mean of the h before, in points;
              h is half the number of attempts, rounded down, at most 5
    recall    R = probability of remembering, by FSRS: 1 just after practice, then falling
    mastery   Q (1 - 0.5^n) R after n attempts, 0-100
    due       when FSRS expects R to fall to 0.9

FSRS (Free Spaced Repetition Scheduler, version 6, the library `fsrs`) gets a rating for each
attempt from memory: again below 50, hard below 70, good below 90, easy from 90. A hinted attempt is
at most hard. A traced one is no review.

A character is mastered with a mastery of 80 from attempts from memory on two days or more.

The streak is the number of consecutive days, in the learner's time zone, with a prediction or a
comparison. It may end today or yesterday.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from statistics import fmean
from typing import Any
from zoneinfo import ZoneInfo

from fsrs import Card, Rating, Scheduler

SLOT = timedelta(minutes=15)

_NEWEST_WEIGHT = 0.4
_RECENT_COUNT = 10
_STEADY_POINTS = 3.0
_MASTERED = 80.0
_RATINGS = ((50.0, Rating.Again), (70.0, Rating.Hard), (90.0, Rating.Good))
# No fuzzing, so that the same history gives the same dates. No learning steps, because they repeat
# a character after minutes.
_SCHEDULER = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)


@dataclass(frozen=True)
class Practice:
    """The state of practice of one character."""

    attempts: int = 0
    """All of them. Scores are of those from memory only."""
    best: float = 0.0
    quality: float = 0.0
    recent: tuple[float, ...] = ()
    """The last scores (0-100), at most 10, oldest first."""
    card: dict[str, Any] | None = None
    """The state of FSRS."""
    last_at: datetime | None = None
    from_memory: int = 0
    """Number of attempts from memory, `first_from_memory` and `last_from_memory` their times."""
    first_from_memory: datetime | None = None
    last_from_memory: datetime | None = None

    def after(self, score: float, at: datetime, help: str = "none") -> Practice:
        """The practice with one more attempt. `at` is timezone-aware, and not before `last_at`."""
        at = at.astimezone(UTC)
        counted = replace(self, attempts=self.attempts + 1, last_at=at)
        if help == "traced":
            return counted
        card = Card.from_dict(self.card) if self.card else Card(card_id=0)  # type: ignore[arg-type]
        rating = _rating(score)
        if help == "hinted":
            rating = min(rating, Rating.Hard)
        card, _ = _SCHEDULER.review_card(card, rating, at)
        reviewed = replace(counted, card=dict(card.to_dict()))
        if help == "hinted":
            return reviewed
        previous = self.quality if self.from_memory else score
        return replace(
            reviewed,
            best=max(self.best, score),
            quality=previous + _NEWEST_WEIGHT * (score - previous),
            recent=(*self.recent, score)[-_RECENT_COUNT:],
            from_memory=self.from_memory + 1,
            first_from_memory=self.first_from_memory or at,
            last_from_memory=at,
        )

    @property
    def last(self) -> float | None:
        return self.recent[-1] if self.recent else None

    @property
    def trend(self) -> float | None:
        """Points gained recently, None before the second attempt."""
        half = len(self.recent) // 2
        if not half:
            return None
        return fmean(self.recent[-half:]) - fmean(self.recent[:-half][-half:])

    @property
    def due(self) -> datetime | None:
        """When to practise next, None before the first review."""
        return datetime.fromisoformat(self.card["due"]) if self.card else None

    def recall(self, at: datetime) -> float:
        """The probability of remembering, 0-1."""
        if not self.card:
            return 0.0
        card = Card.from_dict(self.card)  # type: ignore[arg-type]
        return float(_SCHEDULER.get_card_retrievability(card, at))

    def mastery(self, at: datetime) -> float:
        """Quality, discounted for few attempts and for forgetting, 0-100."""
        return self.quality * (1 - 0.5**self.from_memory) * self.recall(at)

    def is_mastered(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether it is mastered, with days counted in the time zone `zone`."""
        if not (self.first_from_memory and self.last_from_memory):
            return False
        days = {
            each.astimezone(zone).date() for each in (self.first_from_memory, self.last_from_memory)
        }
        return len(days) > 1 and self.mastery(at) >= _MASTERED


def replay(attempts: Iterable[tuple[float, datetime, str]]) -> Practice:
    """The practice after some attempts (score, time, help), oldest first."""
    practice = Practice()
    for attempt in attempts:
        practice = practice.after(*attempt)
    return practice


def trend_word(trend: float | None) -> str:
    """`improving`, `steady` or `declining`, or `new` without a trend."""
    if trend is None:
        return "new"
    if abs(trend) < _STEADY_POINTS:
        return "steady"
    return "improving" if trend > 0 else "declining"


def next_to_practise(practices: Sequence[Practice], at: datetime, limit: int = 5) -> list[int]:
    """Indices of the characters to practise, the most urgent first.

    First those due, the least remembered first. Then those without a review, in the order of the
    alphabet.
    Then the others, the least mastered first.
    """
    due = [i for i, p in enumerate(practices) if p.due and p.due <= at]
    due.sort(key=lambda i: practices[i].recall(at))
    new = [i for i, p in enumerate(practices) if not p.card]
    rest = [i for i in range(len(practices)) if i not in due and i not in new]
    rest.sort(key=lambda i: practices[i].mastery(at))
    return [*due, *new, *rest][:limit]


def slot_of(at: datetime) -> int:
    """The quarter-hour that `at` lies in, counted from 1970."""
    return int(at.timestamp() // SLOT.total_seconds())


@dataclass(frozen=True)
class Streak:
    """Numbers of consecutive days with practice."""

    current: int
    longest: int
    today: bool
    """Whether the user was active today."""


def streak(slots: Iterable[int], zone: ZoneInfo, at: datetime) -> Streak:
    """The streak of a user in the time zone `zone` who was active in `slots`."""
    starts = (slot * SLOT.total_seconds() for slot in slots)
    days = sorted({datetime.fromtimestamp(start, zone).date() for start in starts})
    today = at.astimezone(zone).date()
    longest = run = 0
    previous: date | None = None
    for day in days:
        run = run + 1 if previous and day - previous == timedelta(days=1) else 1
        longest = max(longest, run)
        previous = day
    alive = previous is not None and today - previous <= timedelta(days=1)
    return Streak(run if alive else 0, longest, previous == today)


def _rating(score: float) -> Rating:
    return next((rating for below, rating in _RATINGS if score < below), Rating.Easy)
