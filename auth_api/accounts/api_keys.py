"""API keys of a user, for programs: created, listed and revoked.

Only the hash of a key is stored. `auth_api.authorisation.authoriser` checks keys.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.authorisation.access import Caller
from auth_api.authorisation.guards import require_active
from auth_api.authorisation.tokens import hash_secret
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.accounts import ApiKey
from auth_api.errors import Conflict, NotFound
from auth_api.schemas.accounts import NewApiKey

_PREFIX = "rnj_"
# Characters stored in clear, so that the owner can recognise a key.
_CLEAR_LENGTH = 12
_MAX_PER_USER = 50


async def keys_of(database: Database, caller: Caller) -> Sequence[ApiKey]:
    """The caller's API keys, newest first. Raises `Unavailable`."""
    query = select(ApiKey).where(col(ApiKey.user_id) == caller.user_id)
    query = query.order_by(col(ApiKey.id).desc())
    return await database.read(lambda session: session.scalars(query).all())


async def create(
    database: Database, caller: Caller, fields: NewApiKey, request: Request
) -> tuple[ApiKey, str]:
    """Creates an API key; returns its row and the key itself, which is not stored.

    Raises `Conflict` (`too_many_keys`), `Unauthorised`, `Unavailable`.
    """
    days, secret = fields.expires_in_days, _PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        user_id=caller.user_id,
        name=fields.name,
        prefix=secret[:_CLEAR_LENGTH],
        hash=hash_secret(secret),
        scopes=sorted(set(fields.scopes)),
        expires_at=now() + timedelta(days=days) if days else None,
    )

    def add(transaction: Session) -> None:
        require_active(transaction, caller)
        count = select(func.count()).where(col(ApiKey.user_id) == caller.user_id)
        if (transaction.scalar(count) or 0) >= _MAX_PER_USER:
            raise Conflict(
                f"There are {_MAX_PER_USER} API keys already: revoke one.", "too_many_keys"
            )
        transaction.add(key)
        transaction.flush()
        recording.record(transaction, "api_key_created", caller.user_id, request, id=key.id)

    await database.write(add)
    return key, secret


async def revoke(database: Database, caller: Caller, key_id: int, request: Request) -> None:
    """Deletes an API key of the caller. Raises `NotFound`, `Unavailable`."""
    own = col(ApiKey.id) == key_id, col(ApiKey.user_id) == caller.user_id
    deletion = delete(ApiKey).where(*own).returning(col(ApiKey.id))

    def work(transaction: Session) -> None:
        if transaction.scalar(deletion) is None:
            raise NotFound("There is no such API key.")
        recording.record(transaction, "api_key_revoked", caller.user_id, request, id=key_id)

    await database.write(work)
