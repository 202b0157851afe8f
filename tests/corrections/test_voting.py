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
    fields |= {"standing": True}
    fields |= {"verdict": None, "judged_at": None, "created_at": at, "updated_at": at}
    return Vote(**{**fields, "id": id, "user_id": user, "actual": actual, **changes})


ONE, TWO, OTHER, THREE, FOUR, FIVE = (
    vote(n, user=n, actual=a) for n, a in ((1, 9), (2, 9), (7, 9), (3, 5), (4, 5), (5, 5))
)
FRESH = [vote(n, user=n, actual=9, standing=False) for n in range(20, 40)]
REJECTED: dict[str, Any] = {"verdict": "rejected", "judged_at": START + 50 * HOUR}
ACCEPTED: dict[str, Any] = {"verdict": "accepted", "judged_at": START + 50 * HOUR}


@pytest.mark.parametrize(
    ("votes", "label", "states"),
    [
        ([], None, []),
        ([ONE], None, ["pending"]),
        ([ONE, TWO], None, ["pending", "pending"]),
        ([ONE, TWO, OTHER], 9, 3 * ["agreed"]),
        ([ONE, THREE], None, ["conflicting", "conflicting"]),
        ([ONE, TWO, OTHER, THREE, FOUR], 9, [*3 * ["agreed"], *2 * ["conflicting"]]),
        ([ONE, TWO, OTHER, THREE, FOUR, FIVE], None, 6 * ["conflicting"]),
        # Accounts without standing decide nothing, however many, for or against a class.
        (FRESH, None, len(FRESH) * ["pending"]),
        ([ONE, TWO, *FRESH], None, (2 + len(FRESH)) * ["pending"]),
        ([THREE, FOUR, FIVE, *FRESH], 5, [*3 * ["agreed"], *len(FRESH) * ["conflicting"]]),
        ([ONE, TWO, OTHER, FRESH[0]], 9, 4 * ["agreed"]),
        ([vote(20, 20, 9, standing=False, **ACCEPTED)], 9, ["accepted"]),
        # A user has one vote, the newest.
        ([ONE, TWO, vote(3, user=1, actual=9)], None, 3 * ["pending"]),
        ([vote(3, user=1, actual=5), ONE, TWO, OTHER], None, ["conflicting"] * 4),
        # Without consent there is no vote.
        ([ONE, TWO, vote(3, user=3, actual=9, consent=False)], None, 3 * ["pending"]),
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
        ([ONE, OTHER, vote(2, 2, 9, **REJECTED)], None, ["pending", "pending", "rejected"]),
        (
            [ONE, OTHER, vote(2, 2, 9, **REJECTED), vote(60, 2, 9)],
            None,
            ["pending", "pending", "rejected", "pending"],
        ),
        (
            [ONE, OTHER, vote(2, 2, 5, **REJECTED), vote(60, 2, 9)],
            9,
            ["agreed", "agreed", "rejected", "agreed"],
        ),
        (
            [ONE, OTHER, vote(2, 2, 9, **REJECTED), vote(60, 3, 9)],
            9,
            ["agreed", "agreed", "rejected", "agreed"],
        ),
        # After a change of the rejected vote its old class is unknown.
        (
            [
                *(ONE, OTHER, vote(60, 2, 9)),
                vote(2, 2, 5, **{**REJECTED, "updated_at": START + 51 * HOUR}),
            ],
            None,
            ["pending", "pending", "pending", "rejected"],
        ),
        (
            [
                *(ONE, OTHER, vote(60, 2, 9)),
                vote(2, 2, 5, **{**REJECTED, "updated_at": START + 50 * HOUR}),
            ],
            9,
            ["agreed", "agreed", "agreed", "rejected"],
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
    right = [vote(n, user=n, actual=9, predicted=9) for n in (1, 2, 3)]
    assert not outcome(right).mistaken
    assert outcome([*right[1:], ONE]).mistaken
    assert not outcome([ONE]).mistaken  # nobody knows yet
