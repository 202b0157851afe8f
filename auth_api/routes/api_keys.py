"""API keys of the caller, for programs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from auth_api.accounts import api_keys
from auth_api.authorisation.access import ACCOUNT
from auth_api.http.json_response import JSONResponse
from auth_api.http.validation import parse_json, row_number
from auth_api.routes.openapi import documented
from auth_api.schemas.accounts import ApiKeyMade, ApiKeys, ApiKeyShown, Message, NewApiKey
from auth_api.services import caller, services


@documented(tag="API keys", access=ACCOUNT, answer=ApiKeys)
async def list_keys(request: Request) -> JSONResponse:
    """Lists the API keys of the account."""
    keys = await api_keys.keys_of(services(request).database, caller(request))
    shown = ApiKeys(results=[ApiKeyShown.model_validate(key, from_attributes=True) for key in keys])
    return JSONResponse(shown.model_dump(mode="json"))


@documented(
    tag="API keys", access=ACCOUNT, json=NewApiKey, answer=ApiKeyMade, status=201, errors=(409,)
)
async def create_key(request: Request) -> JSONResponse:
    """Creates an API key. Only this answer shows it."""
    fields = await parse_json(request, NewApiKey)
    key, secret = await api_keys.create(
        services(request).database, caller(request), fields, request
    )
    shown = ApiKeyShown.model_validate(key, from_attributes=True)
    return JSONResponse(ApiKeyMade(**shown.model_dump(), key=secret).model_dump(mode="json"), 201)


@documented(tag="API keys", access=ACCOUNT, answer=Message, errors=(404,))
async def revoke_key(request: Request) -> JSONResponse:
    """Revokes an API key at once."""
    await api_keys.revoke(services(request).database, caller(request), row_number(request), request)
    return JSONResponse({"message": "API key revoked successfully."})


routes = [
    Route("/api/api-keys/", list_keys, methods=["GET"]),
    Route("/api/api-keys/", create_key, methods=["POST"]),
    Route("/api/api-keys/{id}/", revoke_key, methods=["DELETE"]),
]
