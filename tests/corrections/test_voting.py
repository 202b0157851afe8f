"""Which class a picture gets from the feedback of its users."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth_api.corrections.voting import Vote, outcome, state

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def vote(id: int, user: int, actual: int, **changes: Any) -> Vote:
    """A vote with consent, an hour after the one before it; the model said 8."""
    at = START + id * HOUR
    fields: dict[str, Any] = {"predicted": 8, "sha256": "x", "media": "m", "consent": True}
    fields |= {"verdict": None, "judged_at": None, "created_at": at, "updated_at": at}
    return Vote(**{**fields, "id": id, "user_id": user, "actual": actual, **changes})


ONE, TWO, THREE, FOUR = (vote(n, user=n, actual=a) for n, a in ((1, 9), (2, 9), (3, 5), (4, 5)))
REJECTED: dict[str, Any] = {"verdict": "rejected", "judged_at": START + 50 * HOUR}
ACCEPTED: dict[str, Any] = {"verdict": "accepted", "judged_at": START + 50 * HOUR}


@pytest.mark.parametrize(
    ("votes", "label", "states"),
    [
        ([], None, []),
        ([ONE], None, ["pending"]),
        ([ONE, TWO], 9, ["agreed", "agreed"]),
        ([ONE, THREE], None, ["conflicting", "conflicting"]),
        ([ONE, TWO, THREE], 9, ["agreed", "agreed", "conflicting"]),
        ([ONE, TWO, THREE, FOUR], None, 4 * ["conflicting"]),
        # A user has one vote, the newest.
        ([ONE, vote(2, user=1, actual=9)], None, ["pending", "pending"]),
        ([vote(3, user=1, actual=5), ONE, TWO], None, ["conflicting"] * 3),
        # Without consent there is no vote.
        ([ONE, vote(2, user=2, actual=9, consent=False)], None, ["pending", "pending"]),
        # An administrator decides alone; the last verdict counts.
        ([ONE, TWO, vote(3, 3, 5, **ACCEPTED)], 5, ["conflicting", "conflicting", "accepted"]),
        (
            [
                vote(1, 1, 9, verdict="accepted", judged_at=START + 60 * HOUR),
                vote(2, 2, 5, **ACCEPTED),
            ],
            9,
            ["accepted", "conflicting"],
        ),
        (
            [
                vote(1, 1, 9, verdict="accepted", updated_at=START + 60 * HOUR),
                vote(2, 2, 5, **ACCEPTED),
            ],
            9,
            ["accepted", "conflicting"],
        ),
        # A rejected vote does not count, nor does its repetition by the same user.
        ([ONE, vote(2, 2, 9, **REJECTED)], None, ["pending", "rejected"]),
        (
            [ONE, vote(2, 2, 9, **REJECTED), vote(60, 2, 9)],
            None,
            ["pending", "rejected", "pending"],
        ),
        ([ONE, vote(2, 2, 5, **REJECTED), vote(60, 2, 9)], 9, ["agreed", "rejected", "agreed"]),
        ([ONE, vote(2, 2, 9, **REJECTED), vote(60, 3, 9)], 9, ["agreed", "rejected", "agreed"]),
        # After a change of the rejected vote its old class is unknown.
        (
            [ONE, vote(2, 2, 5, **{**REJECTED, "updated_at": START + 51 * HOUR}), vote(60, 2, 9)],
            None,
            ["pending", "rejected", "pending"],
        ),
        (
            [ONE, vote(2, 2, 5, **{**REJECTED, "updated_at": START + 50 * HOUR}), vote(60, 2, 9)],
            9,
            ["agreed", "rejected", "agreed"],
        ),
        # An accepted vote counts, although another one for its class was rejected.
        ([vote(1, 2, 9, **REJECTED), vote(2, 2, 9, **ACCEPTED)], 9, ["rejected", "accepted"]),
    ],
)
def test_the_votes_on_a_picture_decide_its_class(
    votes: list[Vote], label: int | None, states: list[str]
) -> None:
    result = outcome(votes)
    assert result.label == label
    assert [state(each, result) for each in votes] == states
    assert result.accepted == ("accepted" in states)


def test_the_model_was_mistaken_if_it_ever_said_something_else() -> None:
    right = [vote(n, user=n, actual=9, predicted=9) for n in (1, 2)]
    assert not outcome(right).mistaken
    assert outcome([right[0], TWO]).mistaken
    assert not outcome([ONE]).mistaken  # nobody knows yet
