"""API keys: for programs, shown once, stored hashed."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from auth_api import audit
from auth_api.access import ACCOUNT
from auth_api.errors import Conflict, NotFound
from auth_api.openapi import documented
from auth_api.schemas.accounts import ApiKeyMade, ApiKeys, ApiKeyShown, Message, NewApiKey
from auth_api.services import caller, services
from auth_api.tables import ApiKey, now
from auth_api.tokens import hashed
from auth_api.validation import parse_json, row_number

_PREFIX = "rnj_"
_SHOWN = 12
_MOST = 50


@documented(tag="API keys", access=ACCOUNT, answer=ApiKeys)
async def list_keys(request: Request) -> JSONResponse:
    """Lists the API keys of the account."""
    query = select(ApiKey).where(col(ApiKey.user_id) == caller(request).user_id)
    async with services(request).database.reading() as session:
        keys = (await session.scalars(query.order_by(col(ApiKey.id).desc()))).all()
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
    async with services(request).database.writing() as transaction:
        count = select(func.count()).where(col(ApiKey.user_id) == owner)
        if (await transaction.scalar(count) or 0) >= _MOST:
            raise Conflict(f"There are {_MOST} API keys already: revoke one.", "too_many_keys")
        transaction.add(key)
        await transaction.flush()
        transaction.add(audit.entry("api_key_created", owner, request, id=key.id))
    shown = ApiKeyShown.model_validate(key, from_attributes=True)
    made = ApiKeyMade(**shown.model_dump(), key=secret)
    return JSONResponse(made.model_dump(mode="json"), 201)


@documented(tag="API keys", access=ACCOUNT, answer=Message, errors=(404,))
async def revoke_key(request: Request) -> JSONResponse:
    """Revokes an API key, at once."""
    number, owner = row_number(request), caller(request).user_id
    async with services(request).database.writing() as transaction:
        gone = await transaction.scalar(
            delete(ApiKey)
            .where(col(ApiKey.id) == number, col(ApiKey.user_id) == owner)
            .returning(col(ApiKey.id))
        )
        if gone is None:
            raise NotFound("There is no such API key.")
        transaction.add(audit.entry("api_key_revoked", owner, request, id=number))
    return JSONResponse({"message": "API key revoked successfully."})


routes = [
    Route("/api/api-keys/", list_keys, methods=["GET"]),
    Route("/api/api-keys/", make_key, methods=["POST"]),
    Route("/api/api-keys/{id}/", revoke_key, methods=["DELETE"]),
]
