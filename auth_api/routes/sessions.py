"""Sign-in, refresh and sign-out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from auth_api.accounts.devices import app_device
from auth_api.authorisation.access import PUBLIC, SIGN_IN
from auth_api.http.json_response import JSONResponse
from auth_api.http.validation import parse_json
from auth_api.routes.openapi import documented
from auth_api.schemas.accounts import Message, Refresh, SignIn, TokenPair
from auth_api.services import services


@documented(tag="accounts", access=SIGN_IN, json=SignIn, answer=TokenPair, errors=(401,))
async def sign_in(request: Request) -> JSONResponse:
    """Exchanges a password for a refresh token and an access token.

    An app sends a long random `X-Device-ID`, always the same. Somebody else who guesses passwords
    then cannot keep the user from signing in on this device.
    """
    fields = await parse_json(request, SignIn)
    signed_in = await services(request).credentials.sign_in(
        fields.username, fields.password, request, device=app_device(request)
    )
    return JSONResponse(signed_in.pair._asdict())


@documented(tag="accounts", access=PUBLIC, json=Refresh, answer=TokenPair, errors=(401,))
async def refresh(request: Request) -> JSONResponse:
    """Exchanges a refresh token for a new refresh token and an access token.

    A refresh token works once. A client that lost the answer may ask again for ten seconds
    (`REFRESH_GRACE_SECONDS`) and gets the same answer. Using the token later ends its session.
    """
    fields = await parse_json(request, Refresh)
    pair = await services(request).sessions.refresh(fields.refresh, request)
    return JSONResponse(pair._asdict())


@documented(tag="accounts", access=PUBLIC, json=Refresh, answer=Message, errors=(401,))
async def log_out(request: Request) -> JSONResponse:
    """Ends the session of a refresh token. Its access tokens become invalid."""
    fields = await parse_json(request, Refresh)
    await services(request).sessions.end(fields.refresh, request)
    return JSONResponse({"message": "Signed out successfully."})


routes = [
    Route("/api/signin/", sign_in, methods=["POST"]),
    Route("/api/login/", sign_in, methods=["POST"]),
    Route("/api/token/refresh/", refresh, methods=["POST"]),
    Route("/api/logout/", log_out, methods=["POST"]),
]
