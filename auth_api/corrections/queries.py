"""Reads feedback together with its prediction and its user, some hundred rows at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from auth_api.corrections.voting import MIN_VOTES, Vote
from auth_api.database.tables.accounts import User
from auth_api.database.tables.history import Feedback, Prediction

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
        judged = aliased(Feedback)
        pictures = select(col(judged.sha256)).where(
            col(judged.verdict) == verdict, col(judged.sha256).is_not(None)
        )
        query = query.where(
            or_(col(Feedback.verdict) == verdict, col(Feedback.sha256).in_(pictures))
        )
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
            col(Feedback.id).label("id"),
            col(Feedback.user_id).label("user_id"),
            col(Prediction.predicted_class).label("predicted"),
            col(Feedback.actual_class).label("actual"),
            col(Feedback.sha256).label("sha256"),
            col(Prediction.media).label("media"),
            and_(col(User.training_consent), col(User.active)).label("consent"),
            col(Feedback.verdict).label("verdict"),
            col(Feedback.judged_at).label("judged_at"),
            col(Feedback.created_at).label("created_at"),
            col(Feedback.updated_at).label("updated_at"),
        )
        .join(Prediction, col(Prediction.id) == col(Feedback.prediction_id))
        .join(User, col(User.id) == col(Feedback.user_id))
        .where(col(Prediction.model) == model)
    )


def _read(session: Session, query: Select[Any]) -> list[Vote]:
    return [Vote(**row) for row in session.execute(query).mappings()]
