"""Identifies the caller of a request and checks that they may call the route.

Every route declares an `Access`. `Authoriser.authorise` is the only place that enforces it.
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
from auth_api.authorisation.tokens import Tokens, hash_secret
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.micro_batching import MicroBatcher
from auth_api.database.statements import Lookup
from auth_api.database.tables.accounts import ApiKey
from auth_api.errors import Forbidden, Unauthorised, Unavailable
from auth_api.http.rate_limits import Count, RateLimits, limited_address
from auth_api.http.same_origin import require_same_origin
from auth_api.settings import Settings

# The last use of an API key is stored at most this often.
_USE_INTERVAL_SECONDS = 60.0
# A short wait fills the batches. A look-up costs as much for ten callers as for one.
_LINGER_SECONDS = 0.003

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
    """Looks callers up in batches, and checks their access and rate limits."""

    def __init__(
        self, settings: Settings, database: Database, tokens: Tokens, limits: RateLimits
    ) -> None:
        self._settings = settings
        self._database = database
        self._tokens = tokens
        self._limits = limits
        self._last_use: dict[int, float] = {}  # by API key, in seconds of the monotonic clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._by_session = MicroBatcher(self._find_by_session, linger=_LINGER_SECONDS)
        self._by_key = MicroBatcher(self._find_by_key, linger=_LINGER_SECONDS)

    async def authorise(self, request: Request, access: Access) -> Caller | None:
        """The caller of a request; None for an anonymous caller whom the route allows.

        Raises `Unauthorised`, `Forbidden`, `TooMany`, `Unavailable`.
        """
        if access.same_origin:
            # Before counting, so that a page of another site cannot use up its visitors' limits.
            require_same_origin(request)
        try:
            caller = await self._identify(request) if access.who != "anyone" else None
        except Unauthorised:
            await self._limits.count(Count("other", limited_address(request)))
            raise
        if access.rate == "pictures":
            await self._limits.count(_count_of(request, "other", caller))
            left = await self._limits.check(_count_of(request, "predict", caller))
            request.scope["answer_headers"] = left
        elif access.rate:
            count = _count_of(request, access.rate, caller)
            request.scope["answer_headers"] = await self._limits.count(count)
        if caller:
            _require_access(access, caller)
        elif access.who == "users" or (access.who == "models" and self._settings.ml_auth_required):
            raise Unauthorised("Please sign in.")
        return caller

    async def require_still(self, request: Request, access: Access) -> None:
        """Requires that the caller of an earlier request may still call its route.

        An access token that has expired since does not matter, only the end of its session.
        Raises `Unauthorised`, `Forbidden`, `Unavailable`.
        """
        caller: Caller = request.state.caller
        if caller.session_id is not None:
            _require_access(access, await self._by_session(caller.session_id))
        else:
            _require_access(access, await self._by_key(_key_hash(request.headers["x-api-key"])))

    async def count_pictures(
        self, request: Request, number: int, *, at_most_all: bool = False
    ) -> None:
        """Counts the pictures of a request whose access has the rate `pictures`, all or none.

        `at_most_all` as in `Count`. Raises `TooMany`.
        """
        count = _count_of(request, "predict", request.state.caller)
        request.scope.pop("answer_headers", None)  # those of the error count
        counted = count._replace(number=number, at_most_all=at_most_all)
        request.scope["answer_headers"] = await self._limits.count(counted)

    async def _identify(self, request: Request) -> Caller | None:
        authorization = request.headers.get("authorization")
        if authorization is not None:
            scheme, _, token = authorization.strip().partition(" ")
            if scheme.lower() not in {"bearer", "token"}:
                raise Unauthorised("Send the access token as 'Authorization: Bearer <token>'.")
            claims = self._tokens.verify("access", token.strip())
            caller = await self._by_session(claims.sid)
            if str(caller.user_id) != claims.sub:
                raise Unauthorised("The token is not valid.", "token_invalid")
            return caller
        key = request.headers.get("x-api-key")
        return await self._by_key(_key_hash(key)) if key is not None else None

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
        self._record_use([number for _, number, *_ in rows])
        found = {
            key_hash: Caller(user_id, role, api_key_id=number, scopes=tuple(json.loads(scopes)))
            for key_hash, number, user_id, scopes, role in rows
        }
        return [
            found.get(key_hash)
            or Unauthorised("The API key is not valid, or no longer valid.", "api_key_invalid")
            for key_hash in hashes
        ]

    def _record_use(self, keys: Sequence[int]) -> None:
        """Stores the time of use of API keys in the background, at most once a minute each."""
        moment = time.monotonic()
        before = moment - _USE_INTERVAL_SECONDS
        due = [key for key in keys if self._last_use.get(key, -math.inf) < before]
        if due:
            self._last_use |= dict.fromkeys(due, moment)
            task = asyncio.create_task(self._write_use(due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _write_use(self, keys: Sequence[int]) -> None:
        used = update(ApiKey).where(col(ApiKey.id).in_(sorted(keys))).values(last_used_at=now())
        with suppress(Unavailable):
            await self._database.write(lambda transaction: transaction.execute(used))

    async def finish(self) -> None:
        """Waits until the last uses of API keys are stored."""
        if self._tasks:
            await asyncio.wait(self._tasks)


def _key_hash(header: str) -> str:
    return hash_secret(header.strip())


def _count_of(request: Request, rate: str, caller: Caller | None) -> Count:
    """The limit and the caller that a request counts for."""
    if caller is None:
        return Count("predict_address" if rate == "predict" else rate, limited_address(request))
    # Whatever the credential: ten keys of a user must not have ten allowances.
    return Count(rate, (f"user {caller.user_id}",))


def _require_access(access: Access, caller: Caller) -> None:
    if caller.api_key_id is not None:
        if access.scope is None:
            raise Forbidden("An API key is not accepted here: please sign in.", "session_required")
        if access.scope not in caller.scopes:
            raise Forbidden(f"This API key is not for '{access.scope}'.", "scope_missing")
    if rank(caller.role) < rank(access.role):
        raise role_missing(access.role)
