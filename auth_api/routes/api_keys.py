"""API keys: for programs, shown once, stored hashed."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request
from starlette.routing import Route

from auth_api.audit import recording
from auth_api.authorisation.access import ACCOUNT
from auth_api.authorisation.guards import require_active
from auth_api.authorisation.tokens import hashed
from auth_api.database.columns import now
from auth_api.database.tables.accounts import ApiKey
from auth_api.errors import Conflict, NotFound
from auth_api.http.json_response import JSONResponse
from auth_api.http.validation import parse_json, row_number
from auth_api.routes.openapi import documented
from auth_api.schemas.accounts import ApiKeyMade, ApiKeys, ApiKeyShown, Message, NewApiKey
from auth_api.services import caller, services

_PREFIX = "rnj_"
_SHOWN = 12
_MOST = 50


@documented(tag="API keys", access=ACCOUNT, answer=ApiKeys)
async def list_keys(request: Request) -> JSONResponse:
    """Lists the API keys of the account."""
    query = select(ApiKey).where(col(ApiKey.user_id) == caller(request).user_id)
    query = query.order_by(col(ApiKey.id).desc())
    keys = await services(request).database.read(lambda session: session.scalars(query).all())
    shown = ApiKeys(results=[ApiKeyShown.model_validate(key, from_attributes=True) for key in keys])
    return JSONResponse(shown.model_dump(mode="json"))


@documented(
    tag="API keys", access=ACCOUNT, json=NewApiKey, answer=ApiKeyMade, status=201, errors=(409,)
)
async def make_key(request: Request) -> JSONResponse:
    """Makes an API key and shows it, this once."""
    fields = await parse_json(request, NewApiKey)
    owner = caller(request).user_id
    secret = _PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        user_id=owner,
        name=fields.name,
        prefix=secret[:_SHOWN],
        hash=hashed(secret),
        scopes=sorted(set(fields.scopes)),
        expires_at=now() + timedelta(days=fields.expires_in_days)
        if fields.expires_in_days
        else None,
    )

    def add(transaction: Session) -> None:
        require_active(transaction, caller(request))
        count = select(func.count()).where(col(ApiKey.user_id) == owner)
        if (transaction.scalar(count) or 0) >= _MOST:
            raise Conflict(f"There are {_MOST} API keys already: revoke one.", "too_many_keys")
        transaction.add(key)
        transaction.flush()
        recording.record(transaction, "api_key_created", owner, request, id=key.id)

    await services(request).database.write(add)
    shown = ApiKeyShown.model_validate(key, from_attributes=True)
    made = ApiKeyMade(**shown.model_dump(), key=secret)
    return JSONResponse(made.model_dump(mode="json"), 201)


@documented(tag="API keys", access=ACCOUNT, answer=Message, errors=(404,))
async def revoke_key(request: Request) -> JSONResponse:
    """Revokes an API key, at once."""
    number, owner = row_number(request), caller(request).user_id
    removal = (
        delete(ApiKey)
        .where(col(ApiKey.id) == number, col(ApiKey.user_id) == owner)
        .returning(col(ApiKey.id))
    )

    def revoke(transaction: Session) -> None:
        if transaction.scalar(removal) is None:
            raise NotFound("There is no such API key.")
        recording.record(transaction, "api_key_revoked", owner, request, id=number)

    await services(request).database.write(revoke)
    return JSONResponse({"message": "API key revoked successfully."})


routes = [
    Route("/api/api-keys/", list_keys, methods=["GET"]),
    Route("/api/api-keys/", make_key, methods=["POST"]),
    Route("/api/api-keys/{id}/", revoke_key, methods=["DELETE"]),
]
