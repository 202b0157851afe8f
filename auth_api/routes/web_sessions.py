"""Sign-in, refresh and sign-out of the web page, whose scripts never see a refresh token.

The refresh token is in a cookie that scripts cannot read and that the browser sends to these routes
only. A malicious script in the page finds only an access token, which is valid for ten minutes.
"""

from __future__ import annotations

from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth_api.accounts.devices import LIFETIME
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
_DEVICE_COOKIE = "ranjana_device"
_PATH = "/api/web-session/"


@documented(tag="sessions", access=WEB_SIGN_IN, json=SignIn, answer=WebSession, errors=(401,))
async def sign_in(request: Request) -> JSONResponse:
    """Exchanges a password for an access token and a cookie `ranjana_session`.

    The cookie holds the refresh token and is sent to `/api/web-session/` only. If the request has
    such a cookie, its session ends. A second cookie, `ranjana_device`, stays for a year: somebody
    else who guesses passwords cannot keep a browser from signing in that did so before.
    """
    fields = await parse_json(request, SignIn)
    app = services(request)
    pair, device = await app.credentials.sign_in(
        fields.username,
        fields.password,
        request,
        device=request.cookies.get(_DEVICE_COOKIE),
        web=True,
    )
    assert device
    with suppress(Unauthorised):  # no cookie, or an invalid one
        await app.sessions.end(_token(request), request)
    response = _signed_in(request, pair)
    _set_cookie(request, response, _DEVICE_COOKIE, device, round(LIFETIME.total_seconds()))
    return response


@documented(tag="sessions", access=WEB, answer=WebSession, errors=(401,))
async def refresh(request: Request) -> JSONResponse:
    """Exchanges the cookie for a new cookie and an access token.

    The old cookie gets the same answer for ten more seconds (`REFRESH_GRACE_SECONDS`), because a
    page that reloads loses the answer. Using it later ends the session. A 401 removes the cookie.
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
    _set_cookie(request, response, _COOKIE, pair.refresh, settings.refresh_token_seconds)
    return response


def _removal_header(request: Request) -> str:
    """The value of `Set-Cookie` that removes the cookie."""
    response = Response()
    _set_cookie(request, response, _COOKIE, "", 0)
    return response.headers["Set-Cookie"]


def _set_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
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
