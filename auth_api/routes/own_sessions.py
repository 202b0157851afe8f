"""The caller's sessions: listed and ended."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from auth_api.accounts import own_sessions
from auth_api.authorisation.access import ACCOUNT
from auth_api.http.json_response import JSONResponse
from auth_api.routes.openapi import documented
from auth_api.schemas.accounts import Message
from auth_api.schemas.sessions import SessionList
from auth_api.services import caller, services


@documented(tag="sessions", access=ACCOUNT, answer=SessionList)
async def list_sessions(request: Request) -> JSONResponse:
    """Lists the active sessions of the account, the last used first."""
    owner = caller(request)
    sessions = await own_sessions.active_sessions(services(request).database, owner)
    shown = SessionList(results=[own_sessions.shown(session, owner) for session in sessions])
    return JSONResponse(shown.model_dump(mode="json"))


@documented(tag="sessions", access=ACCOUNT, answer=Message, errors=(404,))
async def end_session(request: Request) -> JSONResponse:
    """Ends a session of the account and its tokens. It may be the current session."""
    session_id = request.path_params["id"]
    database = services(request).database
    await own_sessions.end_session(database, caller(request), session_id, request)
    return JSONResponse({"message": "The session has ended."})


@documented(tag="sessions", access=ACCOUNT, answer=Message)
async def end_other_sessions(request: Request) -> JSONResponse:
    """Ends all sessions of the account except the current one."""
    database = services(request).database
    count = await own_sessions.end_other_sessions(database, caller(request), request)
    ended = "1 other session has" if count == 1 else f"{count or 'No'} other sessions have"
    return JSONResponse({"message": f"{ended} ended."})


routes = [
    Route("/api/sessions/", list_sessions, methods=["GET"]),
    Route("/api/sessions/", end_other_sessions, methods=["DELETE"]),
    Route("/api/sessions/{id}/", end_session, methods=["DELETE"]),
]
