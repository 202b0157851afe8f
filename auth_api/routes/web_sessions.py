"""Sign-in, refresh and sign-out of the web page, whose scripts never see a refresh token.

The refresh token is in a cookie that scripts cannot read and that the browser sends to these routes
only. A malicious script in the page finds only an access token, which is valid for ten minutes.
"""

from __future__ import annotations

from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth_api.accounts.sessions import Pair
from auth_api.authorisation.access import WEB, WEB_SIGN_IN
from auth_api.errors import Unauthorised
from auth_api.http.json_response import JSONResponse
from auth_api.http.validation import parse_json
from auth_api.routes.openapi import documented
from auth_api.schemas.accounts import Message, SignIn
from auth_api.schemas.sessions import WebSession
from auth_api.services import services

_COOKIE = "ranjana_session"
_PATH = "/api/web-session/"


@documented(tag="sessions", access=WEB_SIGN_IN, json=SignIn, answer=WebSession, errors=(401,))
async def sign_in(request: Request) -> JSONResponse:
    """Exchanges a password for an access token and a cookie `ranjana_session`.

    The cookie holds the refresh token and is sent to `/api/web-session/` only.
    """
    fields = await parse_json(request, SignIn)
    pair = await services(request).credentials.sign_in(
        fields.username, fields.password, request, web=True
    )
    return _signed_in(request, pair)


@documented(tag="sessions", access=WEB, answer=WebSession, errors=(401,))
async def refresh(request: Request) -> JSONResponse:
    """Exchanges the cookie for a new cookie and an access token.

    The old cookie works for ten more seconds, because a page that reloads loses the answer. Using
    it later ends the session. A 401 removes the cookie.
    """
    try:
        pair = await services(request).sessions.refresh(_token(request), request, web=True)
    except Unauthorised as error:
        error.headers = {**(error.headers or {}), "Set-Cookie": _removal_header(request)}
        raise
    return _signed_in(request, pair)


@documented(tag="sessions", access=WEB, answer=Message)
async def sign_out(request: Request) -> JSONResponse:
    """Ends the session of the cookie, if there is one, and removes the cookie.

    Its access tokens become invalid.
    """
    with suppress(Unauthorised):
        await services(request).sessions.end(_token(request), request)
    message = {"message": "Signed out successfully."}
    return JSONResponse(message, headers={"Set-Cookie": _removal_header(request)})


def _token(request: Request) -> str:
    """The refresh token of the cookie. Raises `Unauthorised` without one."""
    token = request.cookies.get(_COOKIE)
    if not token:
        raise Unauthorised("Please sign in.")
    return token


def _signed_in(request: Request, pair: Pair) -> JSONResponse:
    settings = services(request).settings
    response = JSONResponse({"access": pair.access, "expires_in": settings.web_access_seconds})
    _set_cookie(request, response, pair.refresh, settings.refresh_token_seconds)
    return response


def _removal_header(request: Request) -> str:
    """The value of `Set-Cookie` that removes the cookie."""
    response = Response()
    _set_cookie(request, response, "", 0)
    return response.headers["Set-Cookie"]


def _set_cookie(request: Request, response: Response, value: str, seconds: int) -> None:
    response.set_cookie(
        _COOKIE,
        value,
        max_age=seconds,
        path=_PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


routes = [
    Route("/api/web-session/", sign_in, methods=["POST"]),
    Route("/api/web-session/", sign_out, methods=["DELETE"]),
    Route("/api/web-session/refresh/", refresh, methods=["POST"]),
]
