"""Everything that the service has of an account, as files for a zip.

A session gets all of it. An API key gets what its scopes give: never the account itself.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.accounts import api_keys, own_sessions
from auth_api.accounts.profiles import user_of
from auth_api.audit import recording
from auth_api.authorisation.access import Caller
from auth_api.authorisation.guards import require_active
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.history import Comparison, Feedback, Prediction
from auth_api.database.tables.practice import Attempt
from auth_api.history.exporting import as_json
from auth_api.history.pictures import COMPARISON_KINDS, IMAGE, PictureStore, extension
from auth_api.history.presenting import given
from auth_api.history.queries import EntryTable, History
from auth_api.http.json_response import iso, json_array
from auth_api.http.zip_stream import Content
from auth_api.jobs.presenting import entry, result
from auth_api.jobs.user_jobs import UserJobs, visible_kind
from auth_api.practice.presenting import progress
from auth_api.schemas.accounts import ApiKeyShown, Me
from handlers.characters import CHARACTERS

_BATCH_SIZE = 500
_PICTURES: tuple[tuple[EntryTable, str, tuple[str, ...]], ...] = (
    (Prediction, "predictions", (IMAGE,)),
    (Comparison, "similarities", COMPARISON_KINDS),
)


@dataclass(frozen=True)
class AccountExport:
    """The exports of all accounts."""

    database: Database
    history: History
    pictures: PictureStore
    jobs: UserJobs

    async def record(self, caller: Caller, request: Request) -> None:
        """Writes an export to the audit log. Raises `Unauthorised`, `Unavailable`."""

        def work(transaction: Session) -> None:
            require_active(transaction, caller)
            recording.record(transaction, "account_exported", caller.user_id, request)

        await self.database.write(work)

    async def files(self, caller: Caller) -> AsyncIterator[tuple[str, Content]]:
        """Name and content of each file. Raises `Unavailable`."""
        user: User = await self.database.read(lambda session: user_of(session, caller))
        if caller.api_key_id is None:
            sessions = await own_sessions.active_sessions(self.database, caller)
            keys = await api_keys.keys_of(self.database, caller)
            profile = Me.model_validate(user, from_attributes=True)
            yield "profile.json", _json(profile.model_dump(mode="json"))
            shown = [own_sessions.shown(each, caller) for each in sessions]
            yield "sessions.json", _json([each.model_dump(mode="json") for each in shown])
            named = [ApiKeyShown.model_validate(key, from_attributes=True) for key in keys]
            yield "api-keys.json", _json([each.model_dump(mode="json") for each in named])
        yield "history.json", as_json(self.history, caller.user_id)
        yield "feedback.json", json_array(self._feedback(caller.user_id))
        practised = await progress(self.database, caller.user_id, user.timezone, CHARACTERS)
        yield "progress.json", _json(practised)
        yield "attempts.json", json_array(self._attempts(caller.user_id))
        if caller.api_key_id is None or "predict" in caller.scopes:
            yield "jobs.json", self._jobs(caller)
        for table, folder, kinds in _PICTURES:
            async for row, _ in self.history.all_of(table, caller.user_id):
                pictures = await self.pictures.read_all([(row.media, kind) for kind in kinds])
                for kind, picture in zip(kinds, pictures, strict=True):
                    if picture is not None:
                        name = f"{row.id}-{kind}.{extension(picture)}"
                        yield f"pictures/{folder}/{name}", picture

    async def _feedback(self, user_id: int) -> AsyncIterator[dict[str, Any]]:
        async for row in self._rows(Feedback, Feedback.id, user_id):
            yield {"id": row.id, "prediction_id": row.prediction_id, **given(row)}

    async def _attempts(self, user_id: int) -> AsyncIterator[dict[str, Any]]:
        async for row in self._rows(Attempt, Attempt.comparison_id, user_id):
            shown = {"comparison_id": row.comparison_id, "class": row.character}
            yield {**shown, "at": iso(row.at), "score": row.score, "help": row.help}

    async def _jobs(self, caller: Caller) -> AsyncIterator[str]:
        """Jobs with their results, the newest first, one result in memory at a time."""
        before, separator = None, ""
        yield "["
        while page := await self.jobs.page(
            caller.user_id, _BATCH_SIZE, before, kind=visible_kind(caller)
        ):
            for job in page:
                assert job.id is not None
                head = json.dumps(entry(job), ensure_ascii=False)
                yield f'{separator}\n{head[:-1]}, "results": '
                results = self.jobs.answered(job.id)
                async for piece in json_array(result(item) async for item in results):
                    yield piece
                yield "}"
                separator = ","
            before = page[-1].id
        yield "\n]\n"

    async def _rows(self, table: Any, key: Any, user_id: int) -> AsyncIterator[Any]:
        """All rows of a user, in order of the key, some hundred in memory at a time."""
        query = select(table).where(col(table.user_id) == user_id)
        query = query.order_by(col(key)).limit(_BATCH_SIZE)

        def read(session: Session, last: int) -> Sequence[Any]:
            return session.scalars(query.where(col(key) > last)).all()

        last = -1
        while rows := await self.database.read(partial(read, last=last)):
            for row in rows:
                yield row
            last = getattr(rows[-1], key.key)


def _json(shown: Any) -> bytes:
    return json.dumps(shown, ensure_ascii=False, indent=1).encode()
