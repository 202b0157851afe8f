"""Feedback that was given before digests were kept gets its digest, so that it may count."""

from __future__ import annotations

from functools import partial

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api.database.database import Database, core_of
from auth_api.database.tables.history import Feedback, Prediction
from auth_api.history.pictures import PictureStore

_AT_A_TIME = 200

_FEEDBACK = core_of(Feedback)
# Its user may have given it anew meanwhile.
_KEEP = (
    update(_FEEDBACK)
    .where(_FEEDBACK.c.id == bindparam("number"), _FEEDBACK.c.sha256.is_(None))
    .values(sha256=bindparam("digest"))
)


async def fill(database: Database, storage: PictureStore) -> None:
    """Gives all feedback without a digest that of its picture, where it is there. Raises
    Unavailable.
    """
    after = 0
    while rows := await database.read(partial(_without, after=after)):
        digests = [(number, await storage.digest(media, "image")) for number, media in rows]
        found = [{"number": number, "digest": digest} for number, digest in digests if digest]
        if found:
            await database.write(partial(_keep, found=found))
        after = rows[-1][0]


def _without(session: Session, *, after: int) -> list[tuple[int, str]]:
    query = (
        select(col(Feedback.id), col(Prediction.media))
        .join(Prediction, col(Prediction.id) == col(Feedback.prediction_id))
        .where(col(Feedback.sha256).is_(None), col(Feedback.id) > after)
        .order_by(col(Feedback.id))
        .limit(_AT_A_TIME)
    )
    return [(number, media) for number, media in session.execute(query)]


def _keep(transaction: Session, *, found: list[dict[str, object]]) -> None:
    transaction.connection().execute(_KEEP, found)
