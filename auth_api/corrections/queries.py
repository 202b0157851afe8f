"""Reads feedback together with its prediction and its user, some hundred rows at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from auth_api.corrections.standing import has_standing
from auth_api.corrections.voting import MIN_VOTES, Vote
from auth_api.database.columns import now
from auth_api.database.database import core_of
from auth_api.database.tables.accounts import User
from auth_api.database.tables.history import Feedback, Prediction

# Columns of feedback that a vote has under the same name.
_SAME_NAME = ("id", "user_id", "sha256", "verdict", "judged_at", "created_at", "updated_at")

VotesByPicture = Mapping[str, Sequence[Vote]]
"""All votes on each picture, by the digest of the picture."""


def corrections(
    session: Session,
    model: str,
    limit: int,
    before: int | None,
    feedback_id: int | None = None,
    verdict: str | None = None,
) -> list[Vote]:
    """At most `limit` votes against the prediction of a model, newest first.

    `before` keeps smaller ids, `feedback_id` keeps one id. `verdict` keeps feedback with that
    verdict, and all feedback on the same pictures.
    """
    query = _votes_on(model).where(col(Feedback.actual_class) != col(Prediction.predicted_class))
    query = query.order_by(col(Feedback.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(Feedback.id) < before)
    if feedback_id is not None:
        query = query.where(col(Feedback.id) == feedback_id)
    if verdict is not None:
        same = aliased(Feedback)
        judged = select(col(same.sha256)).where(
            col(same.verdict) == verdict, col(same.sha256).is_not(None)
        )
        query = query.where(or_(col(Feedback.verdict) == verdict, col(Feedback.sha256).in_(judged)))
    return _read(session, query)


def votes_on(session: Session, model: str, digests: Iterable[str | None]) -> VotesByPicture:
    """All votes on the pictures with these digests."""
    wanted = sorted({digest for digest in digests if digest})
    query = _votes_on(model).where(col(Feedback.sha256).in_(wanted)).order_by(col(Feedback.id))
    found: defaultdict[str, list[Vote]] = defaultdict(list)
    for vote in _read(session, query) if wanted else []:
        found[vote.sha256 or ""].append(vote)
    return found


def next_pictures(
    session: Session, *, model: str, limit: int, after: str, decided: bool = False
) -> VotesByPicture:
    """All votes on the next `limit` pictures, in order of their digests, after the digest `after`.

    `decided` skips pictures that neither enough users nor an administrator had a say on.
    """
    query = (
        select(col(Feedback.sha256))
        .join(Prediction, col(Prediction.id) == col(Feedback.prediction_id))
        .where(col(Prediction.model) == model, col(Feedback.sha256) > after)
        .group_by(col(Feedback.sha256))
        .order_by(col(Feedback.sha256))
        .limit(limit)
    )
    if decided:
        users = func.count(col(Feedback.user_id).distinct())
        accepted = func.count(case((col(Feedback.verdict) == "accepted", 1)))
        query = query.having(or_(users >= MIN_VOTES, accepted > 0))
    return votes_on(session, model, session.scalars(query))


def _votes_on(model: str) -> Select[Any]:
    return (
        select(
            *core_of(Feedback).c[_SAME_NAME],
            col(Feedback.actual_class).label("actual"),
            col(Prediction.predicted_class).label("predicted"),
            col(Prediction.media),
            and_(col(User.training_consent), col(User.active)).label("consent"),
            has_standing(now()).label("standing"),
        )
        .join(Prediction, col(Prediction.id) == col(Feedback.prediction_id))
        .join(User, col(User.id) == col(Feedback.user_id))
        .where(col(Prediction.model) == model)
    )


def _read(session: Session, query: Select[Any]) -> list[Vote]:
    return [Vote(**row) for row in session.execute(query).mappings()]
