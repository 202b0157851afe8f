"""Where one is signed in, and signing out elsewhere."""

from __future__ import annotations

import re

from sqlalchemy.orm import Session as Transaction
from starlette.requests import Request
from starlette.routing import Route

from auth_api.accounts.sessions import end_one, end_others, living
from auth_api.audit import recording
from auth_api.authorisation.access import ACCOUNT, Caller
from auth_api.authorisation.guards import require_active
from auth_api.database.tables.accounts import Session
from auth_api.errors import NotFound
from auth_api.http.json_response import JSONResponse
from auth_api.routes.openapi import documented
from auth_api.schemas.accounts import Message
from auth_api.schemas.sessions import SessionList, SessionShown
from auth_api.services import caller, services

_ID = re.compile(r"[0-9a-f]{32}")


@documented(tag="sessions", access=ACCOUNT, answer=SessionList)
async def list_sessions(request: Request) -> JSONResponse:
    """Lists where the account is signed in, the session that was used last first."""
    who = caller(request)
    sessions = await services(request).database.read(lambda session: living(session, who.user_id))
    shown = SessionList(results=[_shown(session, who) for session in sessions])
    return JSONResponse(shown.model_dump(mode="json"))


@documented(tag="sessions", access=ACCOUNT, answer=Message, errors=(404,))
async def end_session(request: Request) -> JSONResponse:
    """Ends a session of the account, its tokens included, be it the one that asks."""
    who, session_id = caller(request), request.path_params["id"]

    def end(transaction: Transaction) -> None:
        require_active(transaction, who)
        # What is no id is not asked for: a database need not take any text.
        known = _ID.fullmatch(session_id) and end_one(transaction, who.user_id, session_id)
        if not known:
            raise NotFound("There is no such session.")
        own = session_id == who.session_id
        recording.record(transaction, "session_ended", who.user_id, request, own=own)

    await services(request).database.write(end)
    return JSONResponse({"message": "The session has ended."})


@documented(tag="sessions", access=ACCOUNT, answer=Message)
async def end_other_sessions(request: Request) -> JSONResponse:
    """Ends all sessions of the account but the one that asks."""
    who = caller(request)

    def end(transaction: Transaction) -> int:
        require_active(transaction, who)
        count = end_others(transaction, who.user_id, who.session_id)
        recording.record(transaction, "other_sessions_ended", who.user_id, request, count=count)
        return count

    count = await services(request).database.write(end)
    ended = "1 other session has" if count == 1 else f"{count or 'No'} other sessions have"
    return JSONResponse({"message": f"{ended} ended."})


def _shown(session: Session, who: Caller) -> SessionShown:
    return SessionShown(
        id=session.id,
        client=session.client,
        current=session.id == who.session_id,
        created_at=session.created_at,
        last_used_at=session.last_used_at or session.created_at,
        expires_at=session.expires_at,
    )


routes = [
    Route("/api/sessions/", list_sessions, methods=["GET"]),
    Route("/api/sessions/", end_other_sessions, methods=["DELETE"]),
    Route("/api/sessions/{id}/", end_session, methods=["DELETE"]),
]
