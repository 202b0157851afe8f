"""Who calls, and whether they may: every route is declared with one of the `Access`es below,
and `authorise` is the only place where they are enforced.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import update
from sqlmodel import col
from starlette.requests import Request

from auth_api.authorisation.access import Access, Caller, rank, role_missing
from auth_api.authorisation.tokens import Tokens, hashed
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.micro_batching import MicroBatcher
from auth_api.database.statements import Lookup
from auth_api.database.tables.accounts import ApiKey
from auth_api.errors import Forbidden, Unauthorised, Unavailable
from auth_api.http.rate_limits import RateLimits, limited_address
from auth_api.http.same_origin import require_same_origin
from auth_api.settings import Settings

# How exactly the last use of an API key is known, in seconds.
_USE_NOTED_EVERY = 60.0
# Seconds: a look-up costs as much for one caller as for ten.
_GATHER = 0.003

_BY_SESSION = Lookup(
    """SELECT sessions.id, sessions.user_id, users.role
    FROM sessions JOIN users ON users.id = sessions.user_id
    WHERE sessions.id {among} AND sessions.revoked_at IS NULL AND sessions.expires_at > {moment}
        AND users.active"""
)
_BY_KEY = Lookup(
    """SELECT api_keys.hash, api_keys.id, api_keys.user_id, CAST(api_keys.scopes AS TEXT),
        users.role
    FROM api_keys JOIN users ON users.id = api_keys.user_id
    WHERE api_keys.hash {among}
        AND (api_keys.expires_at IS NULL OR api_keys.expires_at > {moment}) AND users.active"""
)


class Authoriser:
    """Looks callers up, many at a time when many call."""

    def __init__(
        self, settings: Settings, database: Database, tokens: Tokens, limits: RateLimits
    ) -> None:
        self._settings = settings
        self._database = database
        self._tokens = tokens
        self._limits = limits
        self._noted: dict[int, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._by_session = MicroBatcher(self._find_by_session, linger=_GATHER)
        self._by_key = MicroBatcher(self._find_by_key, linger=_GATHER)

    async def authorise(self, request: Request, access: Access) -> Caller | None:
        """The caller, None for an anonymous one who may pass.

        Raises Unauthorised, Forbidden, TooMany or Unavailable.
        """
        if access.same_origin:
            # Before it is counted: no page may use up what its visitors have left.
            require_same_origin(request)
        try:
            caller = await self._identify(request) if access.who != "anyone" else None
        except Unauthorised:
            await self._limits.count("other", limited_address(request))
            raise
        if access.rate:
            counted, who = _counted(request, access.rate, caller)
            request.scope["answer_headers"] = await self._limits.count(counted, who)
        if caller:
            _require(access, caller)
        elif access.who == "users" or (access.who == "models" and self._settings.ml_auth_required):
            raise Unauthorised("Please sign in.")
        return caller

    async def _identify(self, request: Request) -> Caller | None:
        authorization = request.headers.get("authorization")
        if authorization is not None:
            scheme, _, token = authorization.strip().partition(" ")
            if scheme.lower() not in {"bearer", "token"}:
                raise Unauthorised("Send the access token as 'Authorization: Bearer <token>'.")
            claims = self._tokens.read("access", token.strip())
            caller = await self._by_session(claims.sid)
            if str(caller.user_id) != claims.sub:
                raise Unauthorised("The token is not valid.", "token_invalid")
            return caller
        key = request.headers.get("x-api-key")
        return await self._by_key(hashed(key)) if key is not None else None

    async def _find_by_session(self, sessions: Sequence[str]) -> Sequence[Caller | Exception]:
        rows = await self._database.look_up(_BY_SESSION, list(set(sessions)), now())
        found = {
            session: Caller(user_id, role, session_id=session) for session, user_id, role in rows
        }
        return [
            found.get(session)
            or Unauthorised("The session has ended: please sign in again.", "session_ended")
            for session in sessions
        ]

    async def _find_by_key(self, hashes: Sequence[str]) -> Sequence[Caller | Exception]:
        rows = await self._database.look_up(_BY_KEY, list(set(hashes)), now())
        self._note_use([number for _, number, *_ in rows])
        found = {
            key_hash: Caller(user_id, role, api_key_id=number, scopes=tuple(json.loads(scopes)))
            for key_hash, number, user_id, scopes, role in rows
        }
        return [
            found.get(key_hash)
            or Unauthorised("The API key is not valid, or no longer.", "api_key_invalid")
            for key_hash in hashes
        ]

    def _note_use(self, keys: Sequence[int]) -> None:
        """Notes that keys were used, to the minute, while their requests go on."""
        moment = time.monotonic()
        due = [key for key in keys if moment - self._noted.get(key, -math.inf) > _USE_NOTED_EVERY]
        if due:
            self._noted |= dict.fromkeys(due, moment)
            task = asyncio.create_task(self._store_use(due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _store_use(self, keys: Sequence[int]) -> None:
        used = update(ApiKey).where(col(ApiKey.id).in_(sorted(keys))).values(last_used_at=now())
        with suppress(Unavailable):
            await self._database.write(lambda transaction: transaction.execute(used))

    async def finish(self) -> None:
        """Waits until what is to be noted is."""
        if self._tasks:
            await asyncio.wait(self._tasks)


def _counted(request: Request, rate: str, caller: Caller | None) -> tuple[str, str]:
    """Which limit counts a request, and under whose name."""
    if caller is None:
        name = "predict_address" if rate == "predict" else rate
        return name, limited_address(request)
    if caller.api_key_id is not None:
        return rate, f"key {caller.api_key_id}"
    return rate, f"user {caller.user_id}"


def _require(access: Access, caller: Caller) -> None:
    if caller.api_key_id is not None:
        if access.scope is None:
            raise Forbidden("An API key will not do here: please sign in.", "session_required")
        if access.scope not in caller.scopes:
            raise Forbidden(f"This API key is not for '{access.scope}'.", "scope_missing")
    if rank(caller.role) < rank(access.role):
        raise role_missing(access.role)
