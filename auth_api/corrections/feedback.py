"""Stores what a user says of a prediction: one feedback for each prediction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.authorisation.access import Caller
from auth_api.authorisation.guards import require_active
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.history import Feedback, Prediction
from auth_api.errors import NotFound
from auth_api.history.pictures import PictureStore
from auth_api.http.validation import invalid
from auth_api.practice.alphabets import ALPHABETS, numbers_of
from auth_api.schemas.history import NewFeedback

_UNJUDGED = {"verdict": None, "judged_at": None, "judged_by": None}


async def submit(
    database: Database, storage: PictureStore, caller: Caller, fields: NewFeedback, request: Request
) -> tuple[Feedback, Prediction, bool]:
    """Stores a feedback. Returns it, its prediction, and whether it is the first one on that.

    Raises `NotFound`, also if the prediction belongs to another user, `BadRequest`, `Unauthorised`,
    `Unavailable`.
    """
    query = select(col(Prediction.media)).where(*_own_prediction(caller, fields))
    media = await database.read(lambda session: session.scalar(query))
    digest = await storage.digest(media, "image") if media else None
    return await database.write(
        lambda transaction: _store(transaction, caller, fields, digest, request)
    )


def _store(
    transaction: Session, caller: Caller, fields: NewFeedback, digest: str | None, request: Request
) -> tuple[Feedback, Prediction, bool]:
    # Locks the user, so that the second of two simultaneous requests finds the row of the first.
    require_active(transaction, caller)
    prediction = transaction.scalar(select(Prediction).where(*_own_prediction(caller, fields)))
    if prediction is None:
        raise NotFound("There is no such prediction in your history.")
    alphabet = ALPHABETS[prediction.model]
    if fields.actual_class >= len(alphabet):
        reason = f"is no class of the model {prediction.model}, which has {numbers_of(alphabet)}"
        raise invalid("actual_class", reason)
    query = select(Feedback).where(col(Feedback.prediction_id) == prediction.id)
    stored = transaction.scalar(query)
    created, moment = stored is None, now()
    stored = stored or Feedback(
        prediction_id=fields.prediction_id,
        user_id=caller.user_id,
        actual_class=fields.actual_class,
        created_at=moment,
    )
    if stored.actual_class != fields.actual_class and stored.verdict == "accepted":
        # The verdict was about the old class. A rejection stays, because a user could otherwise
        # remove it by changing the class twice.
        stored.sqlmodel_update(_UNJUDGED)
    values = fields.model_dump(exclude={"prediction_id"})
    stored.sqlmodel_update({**values, "sha256": digest or stored.sha256, "updated_at": moment})
    transaction.add(stored)
    recording.record(
        transaction, "feedback_given", caller.user_id, request, id=fields.prediction_id
    )
    transaction.flush()
    return stored, prediction, created


def _own_prediction(caller: Caller, fields: NewFeedback) -> tuple[Any, ...]:
    return (col(Prediction.id) == fields.prediction_id, col(Prediction.user_id) == caller.user_id)
