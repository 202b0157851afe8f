"""Adds the picture's digest to feedback from before digests were stored.

Without a digest, feedback cannot be compared with other feedback on the same picture.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api.database.database import Database, core_of
from auth_api.database.tables.history import Feedback, Prediction
from auth_api.history.pictures import PictureStore

_BATCH_SIZE = 200

_FEEDBACK = core_of(Feedback)
# The user may have sent the feedback again in the meantime, with a digest.
_SET_DIGEST = (
    update(_FEEDBACK)
    .where(_FEEDBACK.c.id == bindparam("feedback_id"), _FEEDBACK.c.sha256.is_(None))
    .values(sha256=bindparam("digest"))
)


async def fill(database: Database, storage: PictureStore) -> None:
    """Adds missing digests, except where the picture is missing. Raises `Unavailable`."""
    after = 0
    while rows := await database.read(partial(_without_digest, after=after)):
        digests = [(number, await storage.digest(media, "image")) for number, media in rows]
        found = [{"feedback_id": number, "digest": digest} for number, digest in digests if digest]
        if found:
            await database.write(partial(_set_digests, found=found))
        after = rows[-1][0]


def _without_digest(session: Session, *, after: int) -> list[tuple[int, str]]:
    query = (
        select(col(Feedback.id), col(Prediction.media))
        .join(Prediction, col(Prediction.id) == col(Feedback.prediction_id))
        .where(col(Feedback.sha256).is_(None), col(Feedback.id) > after)
        .order_by(col(Feedback.id))
        .limit(_BATCH_SIZE)
    )
    return [(number, media) for number, media in session.execute(query)]


def _set_digests(transaction: Session, *, found: list[dict[str, object]]) -> None:
    transaction.connection().execute(_SET_DIGEST, found)
