"""Decides what a picture shows from the feedback of the users who sent it.

Each user has one vote on a picture: their newest feedback. A label counts if at least
`MIN_VOTES` users of standing name it and no other label has as many of their votes. `standing` says
who has standing; the votes of others wait until they have. Feedback that an administrator accepts
decides alone. Rejected feedback has no vote, and its user cannot cast the same vote on the
same picture again. Feedback without consent has no vote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from auth_api.schemas.corrections import State

MIN_VOTES = 3
"""Users of standing who must name a class before it counts."""


@dataclass(frozen=True)
class Vote:
    """One feedback, with its prediction and the consent of its user."""

    id: int
    """Of the feedback."""
    user_id: int
    predicted: int
    actual: int
    sha256: str | None
    """Of the picture as it was sent; None if the picture is missing."""
    media: str
    """Name of the picture in `auth_api.history.pictures`."""
    consent: bool
    standing: bool
    """Whether its user has enough standing to decide with others."""
    verdict: str | None
    judged_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Outcome:
    """The result of the votes on a picture."""

    votes: Counter[int]
    """Number of users by class, with or without standing."""
    label: int | None
    """The class that counts, None if none does."""
    accepted: bool
    """Whether an administrator decided."""
    mistaken: bool
    """Whether the model ever predicted a class other than the label."""


def valid_votes(votes: Sequence[Vote]) -> list[Vote]:
    """The votes on one picture that count."""
    rejected = [vote for vote in votes if vote.verdict == "rejected"]
    return [
        vote
        for vote in votes
        if vote.consent
        and vote.verdict != "rejected"
        and (vote.verdict == "accepted" or not any(_repeats(vote, other) for other in rejected))
    ]


def outcome(votes: Sequence[Vote]) -> Outcome:
    """The result of all votes on one picture."""
    valid = valid_votes(votes)
    ordered = sorted(valid, key=lambda vote: (vote.updated_at, vote.id))
    newest = {vote.user_id: vote for vote in ordered}.values()
    counts = Counter(vote.actual for vote in newest)
    deciding = Counter(vote.actual for vote in newest if vote.standing)
    accepted = [vote for vote in valid if vote.verdict == "accepted"]
    last = max(
        accepted, key=lambda vote: (vote.judged_at or vote.updated_at, vote.id), default=None
    )
    label = last.actual if last else _winner(deciding)
    mistaken = label is not None and any(vote.predicted != label for vote in valid)
    return Outcome(counts, label, bool(accepted), mistaken)


def state(vote: Vote, result: Outcome) -> State:
    """The state of a vote, given the result of all votes on its picture."""
    if vote.verdict == "rejected":
        return "rejected"
    if result.label is not None:
        if vote.actual != result.label:
            return "conflicting"
        return "accepted" if result.accepted else "agreed"
    return "conflicting" if result.votes.keys() - {vote.actual} else "pending"


def _repeats(vote: Vote, rejected: Vote) -> bool:
    """Whether a vote repeats a rejected vote of the same user.

    If the rejected vote was changed after the verdict, its old class is unknown. Then every vote of
    its user counts as a repetition.
    """
    changed = rejected.judged_at is not None and rejected.updated_at > rejected.judged_at
    return rejected.user_id == vote.user_id and (changed or rejected.actual == vote.actual)


def _winner(counts: Counter[int]) -> int | None:
    first, second = [*counts.most_common(2), (None, 0), (None, 0)][:2]
    return first[0] if first[1] >= MIN_VOTES and first[1] > second[1] else None
