"""The corrections of all users: given, shown, judged and collected."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.authorisation.access import Caller
from auth_api.authorisation.guards import require_administrator, require_role
from auth_api.corrections import exporting, feedback, queries
from auth_api.corrections.voting import Outcome, Said, outcome, state
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

COLLECTORS = "data-scientist"
"""The role of those who may look at corrections and take them away."""

_AT_A_TIME = 500
# So often are so many looked at for a page.
_LOOKS = 4
# Pictures whose consent is looked at together, before the first of them is sent.
_SENT_TOGETHER = 20
# What those of a state have in common with some feedback to the same picture.
_VERDICTS: dict[State | None, Verdict] = {"accepted": "accepted", "rejected": "rejected"}


@dataclass(frozen=True)
class Correction:
    """A feedback that says the model was wrong, and what is known of its picture."""

    said: Said
    outcome: Outcome

    @property
    def state(self) -> State:
        """How far it is from being data."""
        return state(self.said, self.outcome)


class Corrections:
    """All feedback of all users. Models are named, and known to exist."""

    def __init__(self, database: Database, storage: PictureStore, metrics: Metrics) -> None:
        self._database = database
        self._storage = storage
        self._metrics = metrics

    async def give(
        self, caller: Caller, fields: NewFeedback, request: Request
    ) -> tuple[Feedback, bool]:
        """Keeps a feedback; answers it, and whether it is the first to its prediction.

        Raises NotFound, BadRequest, Unauthorised or Unavailable.
        """
        kept, prediction, made = await feedback.give(
            self._database, self._storage, caller, fields, request
        )
        if made:
            said = "right" if kept.actual_class == prediction.predicted_class else "wrong"
            self._metrics.feedback.labels(prediction.model, said).inc()
        return kept, made

    async def page(
        self, model: str, wanted: State | None, limit: int, before: int | None
    ) -> tuple[list[Correction], int | None]:
        """At most `limit` corrections, newest first, those older than the id `before`; and the id
        before which to go on, None if these are the last. Raises Unavailable.

        A page of one state may be short, for which state one is in follows from all feedback to
        its picture: the database cannot pick them out, and only some hundred are looked at.
        """
        found: list[Correction] = []
        some = _AT_A_TIME if wanted else min(limit + 1, _AT_A_TIME)
        for _ in range(_LOOKS):
            rows = await self._read(model, some, before, verdict=_VERDICTS.get(wanted))
            found += [row for row in rows if wanted in (None, row.state)]
            if len(found) > limit:
                return found[:limit], found[limit - 1].said.id
            if len(rows) < some:
                return found, None
            before = rows[-1].said.id
        return found, before

    async def one(self, model: str, number: int) -> Correction:
        """Raises NotFound or Unavailable."""
        rows = await self._read(model, 1, None, number)
        if not rows:
            raise _missing()
        return rows[0]

    async def image(self, model: str, number: int) -> bytes:
        """The picture as it was sent. Raises NotFound, also without consent, or Unavailable."""
        said = (await self.one(model, number)).said
        picture = await self._storage.read(said.media, "image") if said.consent else None
        if picture is None:
            raise NotFound("There is no picture that may be shown of this correction.")
        return picture

    async def judge(
        self,
        model: str,
        number: int,
        verdict: Verdict,
        judge: Caller | None = None,
        request: Request | None = None,
        actual_class: int | None = None,
    ) -> Correction:
        """Accepts or rejects a correction as data; again does nothing. Without a `judge` it is
        somebody with access to the machine. `actual_class` is what its user said when the judge
        looked, None if that does not matter.

        Raises NotFound, Conflict where the user says something else by now, or where what is to
        be accepted has no consent or its picture is gone; Forbidden, Unauthorised or Unavailable.
        """
        said = (await self.one(model, number)).said
        # Feedback from before digests were kept gets its digest now.
        digest = said.sha256 or await self._storage.digest(said.media, "image")

        def work(transaction: Session) -> None:
            if judge:
                require_administrator(transaction, judge)
            query = select(Feedback).where(col(Feedback.id) == number).with_for_update()
            kept: Feedback | None = transaction.scalar(query)
            if kept is None or not queries.corrections(transaction, model, 1, None, number):
                raise _missing()
            if actual_class not in (None, kept.actual_class):
                raise Conflict("Its user says something else by now.", "correction_changed")
            if verdict == "accepted":
                _require_acceptable(transaction, kept, digest)
            if kept.verdict == verdict:
                return
            by = judge.user_id if judge else None
            changes = {"verdict": verdict, "judged_at": now(), "judged_by": by}
            kept.sqlmodel_update({**changes, "sha256": digest or kept.sha256})
            action: Action = (
                "correction_accepted" if verdict == "accepted" else "correction_rejected"
            )
            recording.record(transaction, action, by, request, model=model, id=number)

        await self._database.write(work)
        return await self.one(model, number)

    async def counts(self, model: str) -> dict[str, int]:
        """How many pictures are known: `pictures` are corrections that count, of these `agreed`
        and `accepted` ones; `confirmed` those that were read rightly; `undecided` the others that
        there is feedback to. Raises Unavailable.
        """
        found = Counter(dict.fromkeys(("agreed", "accepted", "confirmed", "undecided"), 0))
        async for group in self._groups(model, _AT_A_TIME):
            found[exporting.kind_of(outcome(group)) or "undecided"] += 1
        return {"pictures": found["agreed"] + found["accepted"], **found}

    async def any(self, model: str) -> bool:
        """Whether a correction counts. Raises Unavailable."""
        async for _ in self.counted(model, confirmed=False):
            return True
        return False

    async def counted(self, model: str, *, confirmed: bool) -> AsyncIterator[exporting.Labelled]:
        """The pictures that count, each once, in order of their digests; also those that were
        read rightly, if `confirmed`. Raises Unavailable.
        """
        async for group in self._groups(model, _SENT_TOGETHER, decided=True):
            labelled = exporting.labelled(group, outcome(group))
            if labelled and (confirmed or labelled.corrects):
                yield labelled

    async def files(
        self, model: str, *, confirmed: bool = False
    ) -> AsyncIterator[tuple[str, bytes]]:
        """The data set: `12/<sha256>.png` and so on, then `labels.csv`, with their content.

        The same corrections give the same files in the same order. Raises Unavailable.
        """
        lines = [exporting.head()]
        async for labelled in self.counted(model, confirmed=confirmed):
            picture = await self._picture(labelled.medias)
            if picture is not None:
                name = labelled.file_name(picture)
                yield name, picture
                lines.append(labelled.line(model, name))
        yield exporting.LABELS, "".join(lines).encode()

    async def export_to(
        self, model: str, folder: Path, *, confirmed: bool = False
    ) -> dict[str, Any]:
        """Writes the data set to `folder`, which must not exist or be empty, and is there only
        once it is complete; answers `model`, `pictures` and `classes`, pictures by class.

        Raises Unavailable or OSError.
        """
        unfinished = folder.with_name(f"{folder.name}.partial")
        await asyncio.to_thread(exporting.begin, unfinished)
        classes: Counter[str] = Counter()
        async for name, content in self.files(model, confirmed=confirmed):
            await asyncio.to_thread(exporting.write, unfinished, name, content)
            if name != exporting.LABELS:
                classes[name.partition("/")[0]] += 1
        await asyncio.to_thread(unfinished.rename, folder)
        shown = {label: classes[label] for label in sorted(classes, key=int)}
        return {"model": model, "pictures": classes.total(), "classes": shown}

    async def prune(self, model: str, folder: Path) -> bool:
        """Deletes from an exported data set the pictures that count no more, or as another class;
        answers whether none is left of those that it had.

        Raises Unavailable or OSError.
        """
        names = await asyncio.to_thread(exporting.pictures, folder)
        gone: list[str] = []
        for start in range(0, len(names), _AT_A_TIME):
            some = {name: Path(name).stem for name in names[start : start + _AT_A_TIME]}
            groups = await self._database.read(
                partial(queries.groups, model=model, digests=some.values())
            )
            gone += [name for name, digest in some.items() if not _counts(groups, digest, name)]
        await asyncio.to_thread(exporting.remove, folder, gone)
        return bool(names) and len(gone) == len(names)

    async def note_export(
        self, model: str, confirmed: bool, by: Caller | None = None, request: Request | None = None
    ) -> None:
        """To be called before a data set leaves the service; without a caller, by somebody with
        access to the machine. Raises Forbidden, Unauthorised or Unavailable.
        """
        details = {"model": model, "confirmed": confirmed}

        def note(transaction: Session) -> None:
            if by:
                require_role(transaction, by, COLLECTORS)
            user_id = by.user_id if by else None
            recording.record(transaction, "corrections_exported", user_id, request, **details)

        await self._database.write(note)

    async def _read(
        self,
        model: str,
        limit: int,
        before: int | None,
        number: int | None = None,
        verdict: Verdict | None = None,
    ) -> list[Correction]:
        def work(session: Session) -> tuple[list[Said], queries.Groups]:
            rows = queries.corrections(session, model, limit, before, number, verdict)
            return rows, queries.groups(session, model, [said.sha256 for said in rows])

        rows, groups = await self._database.read(work)
        # Feedback to a picture that is gone stands alone.
        return [
            Correction(said, outcome(groups[said.sha256] if said.sha256 else [said]))
            for said in rows
        ]

    async def _groups(
        self, model: str, some: int, *, decided: bool = False
    ) -> AsyncIterator[Sequence[Said]]:
        """All feedback to each picture, in order of the pictures' digests, of `some` pictures at
        a time; or to those pictures only that may be `decided`.
        """
        after = ""
        while True:
            find = partial(_next, model=model, some=some, after=after, decided=decided)
            found = await self._database.read(find)
            for digest in sorted(found):
                yield found[digest]
            if not found:
                return
            after = max(found)

    async def _picture(self, medias: Sequence[str]) -> bytes | None:
        """The first that is there; all are the same."""
        for media in medias:
            picture = await self._storage.read(media, "image")
            if picture is not None:
                return picture
        return None


def _next(session: Session, *, model: str, some: int, after: str, decided: bool) -> queries.Groups:
    digests = queries.digests(session, model, some, after, decided=decided)
    return queries.groups(session, model, digests)


def _require_acceptable(transaction: Session, kept: Feedback, digest: str | None) -> None:
    """Raises Conflict for what cannot become data."""
    user = transaction.get(User, kept.user_id)
    if not (user and user.active and user.training_consent):
        raise Conflict("Its user does not consent to its use as data.", "no_consent")
    if digest is None:
        raise Conflict("The picture of this correction is gone.", "picture_gone")


def _counts(groups: queries.Groups, digest: str, name: str) -> bool:
    """Whether a correction still counts as the class of whose folder its file is."""
    group = groups.get(digest)
    labelled = exporting.labelled(group, outcome(group)) if group else None
    return labelled is not None and labelled.corrects and name.startswith(f"{labelled.label}/")


def _missing() -> NotFound:
    return NotFound("There is no such correction.")
