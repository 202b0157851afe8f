"""What a learner's attempts say: how good they are, and what to practise when.

An attempt is one comparison, with its similarity score s, 0-100. For each character:

    quality   Q = s of the first attempt, then Q + 0.4 (s - Q): the recent ones count most
    trend     mean of the last h scores less that of the h before, in points;
              h is half of the number of attempts, rounded down, at most 5
    recall    R = how likely the learner still can, by FSRS: 1 just after practising, falling
    mastery   Q (1 - 0.5^n) R after n attempts, 0-100: well, often, and not long ago
    due       when FSRS expects R to have fallen to 0.9

FSRS (Free Spaced Repetition Scheduler, version 6, the library `fsrs`) is told after each attempt
how it went: again below 50, hard below 70, good below 90, easy from 90. 50 is where
`similarity_score` puts the border between the same and another character.

The streak is the number of days in a row, in the learner's time zone, with a recognition or a
comparison; today need not be among them yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from fsrs import Card, Rating, Scheduler

SLOT = timedelta(minutes=15)

_NEWEST_WEIGHT = 0.4
_REMEMBERED = 10
_STEADY = 3.0
_RATINGS = ((50.0, Rating.Again), (70.0, Rating.Hard), (90.0, Rating.Good))
# Without fuzz: the same history gives the same dates. Without learning steps, which ask again
# after minutes: what a learner has just practised is not what to practise next.
_SCHEDULER = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)


@dataclass(frozen=True)
class Practice:
    """All that is kept of the attempts at one character."""

    attempts: int = 0
    best: float = 0.0
    quality: float = 0.0
    recent: tuple[float, ...] = field(default=())
    """The last scores, at most 10, oldest first."""
    card: dict[str, Any] | None = None
    """The memory of FSRS."""
    last_at: datetime | None = None

    def after(self, score: float, at: datetime) -> Practice:
        """With one attempt more; `at` is aware."""
        card = Card.from_dict(self.card) if self.card else Card(card_id=0)  # type: ignore[arg-type]
        # Clocks of several servers may disagree a little: time does not run backwards.
        at = max(at, self.last_at or at).astimezone(timezone.utc)
        card, _ = _SCHEDULER.review_card(card, _rating(score), at)
        quality = (
            score if not self.attempts else self.quality + _NEWEST_WEIGHT * (score - self.quality)
        )
        return replace(
            self,
            attempts=self.attempts + 1,
            best=max(self.best, score),
            quality=quality,
            recent=(*self.recent, score)[-_REMEMBERED:],
            card=dict(card.to_dict()),
            last_at=at,
        )

    @property
    def last(self) -> float | None:
        """The last score."""
        return self.recent[-1] if self.recent else None

    @property
    def trend(self) -> float | None:
        """Points gained of late, None after a single attempt."""
        half = len(self.recent) // 2
        if not half:
            return None
        return _mean(self.recent[-half:]) - _mean(self.recent[:-half][-half:])

    @property
    def due(self) -> datetime | None:
        """When to practise next."""
        return datetime.fromisoformat(self.card["due"]) if self.card else None

    def recall(self, at: datetime) -> float:
        """How likely the learner still can, 0-1."""
        if not self.card:
            return 0.0
        card = Card.from_dict(self.card)  # type: ignore[arg-type]
        return float(_SCHEDULER.get_card_retrievability(card, at))

    def mastery(self, at: datetime) -> float:
        """0-100."""
        return self.quality * (1 - 0.5**self.attempts) * self.recall(at)


def practised(attempts: Iterable[tuple[float, datetime]]) -> Practice:
    """What is kept of attempts, (score, time), oldest first."""
    practice = Practice()
    for score, at in attempts:
        practice = practice.after(score, at)
    return practice


def trend_word(trend: float | None) -> str:
    """`improving`, `steady` or `declining`, or `new` where there is no trend yet."""
    if trend is None:
        return "new"
    if abs(trend) < _STEADY:
        return "steady"
    return "improving" if trend > 0 else "declining"


def next_to_practise(practices: Sequence[Practice], at: datetime, most: int = 5) -> list[int]:
    """Which characters to practise, the most urgent first.

    What is due, the least remembered first; then what was never tried, in the order of the
    alphabet; then what is mastered least.
    """
    due = [i for i, p in enumerate(practices) if p.due and p.due <= at]
    due.sort(key=lambda i: practices[i].recall(at))
    new = [i for i, p in enumerate(practices) if not p.attempts]
    rest = [i for i in range(len(practices)) if i not in due and i not in new]
    rest.sort(key=lambda i: practices[i].mastery(at))
    return [*due, *new, *rest][:most]


def slot_of(at: datetime) -> int:
    """The quarter of an hour, counted from 1970, that a moment lies in."""
    return int(at.timestamp() // SLOT.total_seconds())


@dataclass(frozen=True)
class Streak:
    """Days in a row."""

    current: int
    longest: int
    today: bool
    """Whether today is among them."""


def streak(slots: Iterable[int], zone: ZoneInfo, at: datetime) -> Streak:
    """The streak of someone who was active in `slots` and lives in `zone`."""
    days = sorted({_day(slot, zone) for slot in slots})
    today = at.astimezone(zone).date()
    longest = run = 0
    previous: date | None = None
    for day in days:
        run = run + 1 if previous and day - previous == timedelta(days=1) else 1
        longest = max(longest, run)
        previous = day
    alive = previous is not None and today - previous <= timedelta(days=1)
    return Streak(run if alive else 0, longest, previous == today)


def _day(slot: int, zone: ZoneInfo) -> date:
    start = datetime.fromtimestamp(slot * SLOT.total_seconds(), timezone.utc)
    return start.astimezone(zone).date()


def _rating(score: float) -> Rating:
    return next((rating for below, rating in _RATINGS if score < below), Rating.Easy)


def _mean(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores)
