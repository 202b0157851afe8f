"""What a user says of a prediction is kept: once for each prediction."""

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
from auth_api.practice.alphabets import ALPHABETS
from auth_api.schemas.history import NewFeedback

_UNJUDGED = {"verdict": None, "judged_at": None, "judged_by": None}


async def give(
    database: Database, storage: PictureStore, caller: Caller, fields: NewFeedback, request: Request
) -> tuple[Feedback, Prediction, bool]:
    """Keeps a feedback; answers it, its prediction, and whether it is the first to that one.

    Raises NotFound, also for what is somebody else's, BadRequest, Unauthorised or Unavailable.
    """
    query = select(col(Prediction.media)).where(*_mine(caller, fields))
    media = await database.read(lambda session: session.scalar(query))
    digest = await storage.digest(media, "image") if media else None
    return await database.write(
        lambda transaction: _keep(transaction, caller, fields, digest, request)
    )


def _keep(
    transaction: Session, caller: Caller, fields: NewFeedback, digest: str | None, request: Request
) -> tuple[Feedback, Prediction, bool]:
    # Locks the user, so that of two that come at once the second one finds the first.
    require_active(transaction, caller)
    prediction = transaction.scalar(select(Prediction).where(*_mine(caller, fields)))
    if prediction is None:
        raise NotFound("There is no such prediction in your history.")
    if fields.actual_class >= len(ALPHABETS[prediction.model]):
        raise invalid("actual_class", f"is no class of the model {prediction.model}")
    kept = transaction.scalar(select(Feedback).where(col(Feedback.prediction_id) == prediction.id))
    made, moment = kept is None, now()
    kept = kept or Feedback(
        prediction_id=fields.prediction_id,
        user_id=caller.user_id,
        actual_class=fields.actual_class,
        created_at=moment,
    )
    if kept.actual_class != fields.actual_class and kept.verdict == "accepted":
        # The verdict was on what was said before. One who was rejected is not let off by changing
        # their mind, and then once more.
        kept.sqlmodel_update(_UNJUDGED)
    said = fields.model_dump(exclude={"prediction_id"})
    kept.sqlmodel_update({**said, "sha256": digest or kept.sha256, "updated_at": moment})
    transaction.add(kept)
    recording.record(
        transaction, "feedback_given", caller.user_id, request, id=fields.prediction_id
    )
    transaction.flush()
    return kept, prediction, made


def _mine(caller: Caller, fields: NewFeedback) -> tuple[Any, ...]:
    return (
        col(Prediction.id) == fields.prediction_id,
        col(Prediction.user_id) == caller.user_id,
    )
