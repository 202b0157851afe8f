"""Feedback of all users: submitted, listed, and judged by administrators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.authorisation.access import Caller
from auth_api.authorisation.guards import require_administrator
from auth_api.corrections import feedback, queries
from auth_api.corrections.voting import Outcome, Vote, outcome, state
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.audit import Action
from auth_api.database.tables.history import Feedback
from auth_api.errors import Conflict, NotFound
from auth_api.history.pictures import PictureStore
from auth_api.observability.metrics import Metrics
from auth_api.schemas.corrections import State
from auth_api.schemas.history import NewFeedback

Verdict = Literal["accepted", "rejected"]

_BATCH_SIZE = 500
_BATCHES_PER_PAGE = 4
# Each correction in one of these states is on a picture with feedback of this verdict.
_VERDICTS: dict[State | None, Verdict] = {"accepted": "accepted", "rejected": "rejected"}


@dataclass(frozen=True)
class Correction:
    """A vote against a prediction, and the result of all votes on its picture."""

    vote: Vote
    outcome: Outcome

    @property
    def state(self) -> State:
        """Whether it counts as data, or why not."""
        return state(self.vote, self.outcome)


class Corrections:
    """All feedback of all users. Callers have checked that the models exist."""

    def __init__(self, database: Database, storage: PictureStore, metrics: Metrics) -> None:
        self._database = database
        self._storage = storage
        self._metrics = metrics

    async def submit(
        self, caller: Caller, fields: NewFeedback, request: Request
    ) -> tuple[Feedback, bool]:
        """Stores a feedback. Returns it, and whether it is the first one on its prediction.

        Raises `NotFound`, `BadRequest`, `Unauthorised`, `Unavailable`.
        """
        stored, prediction, created = await feedback.submit(
            self._database, self._storage, caller, fields, request
        )
        if created:
            verdict = "right" if stored.actual_class == prediction.predicted_class else "wrong"
            self._metrics.feedback.labels(prediction.model, verdict).inc()
        return stored, created

    async def page(
        self, model: str, wanted: State | None, limit: int, before: int | None
    ) -> tuple[list[Correction], int | None]:
        """Lists at most `limit` corrections with ids below `before`, newest first.

        Also returns the `before` of the next page, None after the last one. A page of one state may
        be short although more follow: the state depends on all feedback on the picture, so the
        database cannot filter by it, and only some hundred rows are read. Raises `Unavailable`.
        """
        found: list[Correction] = []
        size = _BATCH_SIZE if wanted else min(limit + 1, _BATCH_SIZE)
        for _ in range(_BATCHES_PER_PAGE):
            rows = await self._read(model, size, before, verdict=_VERDICTS.get(wanted))
            found += [row for row in rows if wanted in (None, row.state)]
            if len(found) > limit:
                return found[:limit], found[limit - 1].vote.id
            if len(rows) < size:
                return found, None
            before = rows[-1].vote.id
        return found, before

    async def one(self, model: str, feedback_id: int) -> Correction:
        """One correction. Raises `NotFound`, `Unavailable`."""
        rows = await self._read(model, 1, None, feedback_id)
        if not rows:
            raise _not_found()
        return rows[0]

    async def image(self, model: str, feedback_id: int) -> bytes:
        """A picture that browsers can show. Raises `NotFound`, also without consent, and
        `Unavailable`.
        """
        vote = (await self.one(model, feedback_id)).vote
        picture = await self._storage.displayable(vote.media, "image") if vote.consent else None
        if picture is None:
            raise NotFound("There is no picture that may be shown of this correction.")
        return picture

    async def judge(
        self,
        model: str,
        feedback_id: int,
        verdict: Verdict,
        judge: Caller | None = None,
        request: Request | None = None,
        actual_class: int | None = None,
    ) -> Correction:
        """Accepts or rejects a correction as data. The same verdict again changes nothing.

        `judge` is None for an operator on the command line. `actual_class` is the class that the
        judge saw; None skips the check that the user has not changed it.

        Raises `NotFound`; `Conflict` if the user has changed the class, or if the correction cannot
        be accepted because consent or the picture is missing; `Forbidden`, `Unauthorised`,
        `Unavailable`.
        """
        vote = (await self.one(model, feedback_id)).vote
        # Feedback from before digests were stored gets its digest now.
        digest = vote.sha256 or await self._storage.digest(vote.media, "image")

        def work(transaction: Session) -> None:
            if judge:
                require_administrator(transaction, judge)
            query = select(Feedback).where(col(Feedback.id) == feedback_id).with_for_update()
            stored: Feedback | None = transaction.scalar(query)
            if not (stored and queries.corrections(transaction, model, 1, None, feedback_id)):
                raise _not_found()
            if actual_class not in (None, stored.actual_class):
                raise Conflict("Its user says something else by now.", "correction_changed")
            if verdict == "accepted":
                _require_acceptable(transaction, stored, digest)
            if stored.verdict == verdict:
                return
            judge_id = judge.user_id if judge else None
            changes = {"verdict": verdict, "judged_at": now(), "judged_by": judge_id}
            stored.sqlmodel_update({**changes, "sha256": digest or stored.sha256})
            action: Action = (
                "correction_accepted" if verdict == "accepted" else "correction_rejected"
            )
            recording.record(transaction, action, judge_id, request, model=model, id=feedback_id)

        await self._database.write(work)
        return await self.one(model, feedback_id)

    async def _read(
        self,
        model: str,
        limit: int,
        before: int | None,
        feedback_id: int | None = None,
        verdict: Verdict | None = None,
    ) -> list[Correction]:
        def work(session: Session) -> tuple[list[Vote], queries.VotesByPicture]:
            votes = queries.corrections(session, model, limit, before, feedback_id, verdict)
            return votes, queries.votes_on(session, model, [vote.sha256 for vote in votes])

        votes, pictures = await self._database.read(work)
        # Without a digest, other feedback on the same picture cannot be found.
        return [
            Correction(vote, outcome(pictures[vote.sha256] if vote.sha256 else [vote]))
            for vote in votes
        ]


def _require_acceptable(transaction: Session, stored: Feedback, digest: str | None) -> None:
    user = transaction.get(User, stored.user_id)
    if not (user and user.active and user.training_consent):
        raise Conflict("Its user does not consent to its use as data.", "no_consent")
    if digest is None:
        raise Conflict("The picture of this correction is gone.", "picture_gone")


def _not_found() -> NotFound:
    return NotFound("There is no such correction.")
