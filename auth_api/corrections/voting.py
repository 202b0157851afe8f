"""What those who sent the same picture agree on.

Each user has one vote on a picture, their newest feedback. The class that two or more of them
name, and more than name any other, is what the picture shows. An administrator who accepts a
feedback decides alone. What they reject has no vote, nor has it when its user says the same of the
same picture again. Without consent there is no vote either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from auth_api.schemas.corrections import State

AGREEING = 2
"""Users that must name a class before it counts."""


@dataclass(frozen=True)
class Said:
    """A feedback, its prediction, and whether its user lets it become data."""

    id: int
    user_id: int
    predicted: int
    actual: int
    sha256: str | None
    """Of the picture as it was sent; None if it was gone."""
    media: str
    """Name of the prediction's picture, see `auth_api.history.pictures`."""
    consent: bool
    verdict: str | None
    judged_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Outcome:
    """What a picture shows, as far as it is known."""

    votes: Counter[int]
    """Users by the class that they name."""
    label: int | None
    """The class that counts, None if none does."""
    accepted: bool
    """Whether an administrator decided."""
    mistaken: bool
    """Whether the model ever took the picture for something else than its label."""


def voters(group: Sequence[Said]) -> list[Said]:
    """Of all feedback to the same picture, that which has a vote."""
    rejected = [said for said in group if said.verdict == "rejected"]
    return [
        said
        for said in group
        if said.consent
        and said.verdict != "rejected"
        and (said.verdict == "accepted" or not any(_rejects(other, said) for other in rejected))
    ]


def outcome(group: Sequence[Said]) -> Outcome:
    """Of all feedback to the same picture."""
    voting = voters(group)
    ordered = sorted(voting, key=lambda said: (said.updated_at, said.id))
    votes = Counter({said.user_id: said.actual for said in ordered}.values())
    accepted = [said for said in voting if said.verdict == "accepted"]
    label = _last_judged(accepted).actual if accepted else _winner(votes)
    mistaken = label is not None and any(said.predicted != label for said in voting)
    return Outcome(votes, label, bool(accepted), mistaken)


def state(said: Said, found: Outcome) -> State:
    """Of a feedback, given what is known of its picture."""
    if said.verdict == "rejected":
        return "rejected"
    if found.label is not None:
        if said.actual != found.label:
            return "conflicting"
        return "accepted" if found.accepted else "agreed"
    return "conflicting" if found.votes.keys() - {said.actual} else "pending"


def _rejects(rejected: Said, said: Said) -> bool:
    """Whether what was rejected is what the same user says here. Which class that was is unknown
    once it was changed: then it may have been any.
    """
    changed = rejected.judged_at is not None and rejected.updated_at > rejected.judged_at
    return rejected.user_id == said.user_id and (changed or rejected.actual == said.actual)


def _last_judged(accepted: Sequence[Said]) -> Said:
    return max(accepted, key=lambda said: (said.judged_at or said.updated_at, said.id))


def _winner(votes: Counter[int]) -> int | None:
    first, second = [*votes.most_common(2), (None, 0), (None, 0)][:2]
    return first[0] if first[1] >= AGREEING and first[1] > second[1] else None
