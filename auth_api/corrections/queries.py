"""Feedback with what is known of its prediction and its user, some hundred rows at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from auth_api.corrections.voting import AGREEING, Said
from auth_api.database.tables.accounts import User
from auth_api.database.tables.history import Feedback, Prediction

Groups = Mapping[str, Sequence[Said]]
"""All feedback to each picture, by the digest of the picture."""


def corrections(
    session: Session,
    model: str,
    limit: int,
    before: int | None,
    number: int | None = None,
    verdict: str | None = None,
) -> list[Said]:
    """At most `limit` corrections of a model, newest first: those older than the id `before`, or
    the one of the id `number`; with a `verdict`, those that got it, or whose picture did.
    """
    query = _feedback_on(model).where(col(Feedback.actual_class) != col(Prediction.predicted_class))
    query = query.order_by(col(Feedback.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(Feedback.id) < before)
    if number is not None:
        query = query.where(col(Feedback.id) == number)
    if verdict is not None:
        judged = aliased(Feedback)
        pictures = select(col(judged.sha256)).where(
            col(judged.verdict) == verdict, col(judged.sha256).is_not(None)
        )
        query = query.where(
            or_(col(Feedback.verdict) == verdict, col(Feedback.sha256).in_(pictures))
        )
    return _all(session, query)


def groups(session: Session, model: str, digests: Iterable[str | None]) -> Groups:
    """The groups of some pictures."""
    wanted = sorted({digest for digest in digests if digest})
    query = _feedback_on(model).where(col(Feedback.sha256).in_(wanted)).order_by(col(Feedback.id))
    found: defaultdict[str, list[Said]] = defaultdict(list)
    for said in _all(session, query) if wanted else []:
        found[said.sha256 or ""].append(said)
    return found


def digests(
    session: Session, model: str, limit: int, after: str, *, decided: bool = False
) -> list[str]:
    """Of at most `limit` pictures that there is feedback to, in order, those after one; only those
    that enough users or an administrator had a say on, if they may be `decided`.
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
        query = query.having(or_(users >= AGREEING, accepted > 0))
    return [digest for digest in session.scalars(query) if digest]


def _feedback_on(model: str) -> Select[Any]:
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


def _all(session: Session, query: Select[Any]) -> list[Said]:
    return [Said(**row) for row in session.execute(query).mappings()]
