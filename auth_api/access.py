"""Who calls, and whether they may: every route is declared with one of the `Access`es below,
and `admit` is the only place where they are enforced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from sqlalchemy import Row, select, update
from sqlmodel import col
from starlette.requests import Request

from auth_api.batching import Batched
from auth_api.database import Database
from auth_api.errors import Forbidden, Unauthorised
from auth_api.rate_limits import RateLimits, limited_address
from auth_api.settings import Settings
from auth_api.tables import ApiKey, Session, User, now
from auth_api.tokens import Tokens, hashed

ROLES = ("user", "analyst", "data-scientist", "ml-engineer", "admin")
"""Each may do all that those before it may."""

Scope = Literal["predict", "history"]
SCOPES: tuple[Scope, ...] = ("predict", "history")
"""What an API key can be for. Accounts are managed by signing in."""

# How exactly the last use of an API key is known.
_USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Caller:
    """A signed-in user, by a session or by an API key."""

    user_id: int
    username: str
    role: str
    session_id: str | None = None
    api_key_id: int | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Access:
    """What a route asks of its callers."""

    who: Literal["anyone", "models", "users"] = "users"
    """`models`: anyone, unless `ML_AUTH_REQUIRED`."""
    scope: Scope | None = None
    """What an API key must be for; without one, no key will do."""
    role: str = "user"
    rate: Literal["signin", "predict", "other"] | None = "other"


OPERATIONS = Access(who="anyone", rate=None)
PUBLIC = Access(who="anyone")
SIGN_IN = Access(who="anyone", rate="signin")
MODELS = Access(who="models", scope="predict", rate="predict")
HISTORY = Access(scope="history")
ACCOUNT = Access()


def at_least(role: str) -> Access:
    """For those who have `role` or one above it."""
    return replace(ACCOUNT, role=role)


class Gate:
    """Looks callers up, many at a time when many call."""

    def __init__(
        self, settings: Settings, database: Database, tokens: Tokens, limits: RateLimits
    ) -> None:
        self._settings = settings
        self._database = database
        self._tokens = tokens
        self._limits = limits
        self._by_session = Batched(self._find_by_session)
        self._by_key = Batched(self._find_by_key)

    async def admit(self, request: Request, access: Access) -> Caller | None:
        """The caller, None for an anonymous one who may pass.

        Raises Unauthorised, Forbidden, TooMany or Unavailable.
        """
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
            return await self._by_session(claims.sid)
        key = request.headers.get("x-api-key")
        return await self._by_key(hashed(key)) if key is not None else None

    async def _find_by_session(self, sessions: Sequence[str]) -> Sequence[Caller | Exception]:
        query = (
            select(col(Session.id), col(User.id), col(User.username), col(User.role))
            .join(User, col(Session.user_id) == col(User.id))
            .where(
                col(Session.id).in_(sessions),
                col(Session.revoked_at).is_(None),
                col(Session.expires_at) > now(),
                col(User.active),
            )
        )
        async with self._database.reading() as session:
            found = {row[0]: row for row in await session.execute(query)}
        return [
            Caller(row[1], row[2], row[3], session_id=identifier)
            if (row := found.get(identifier))
            else Unauthorised("The session has ended: please sign in again.", "session_ended")
            for identifier in sessions
        ]

    async def _find_by_key(self, hashes: Sequence[str]) -> Sequence[Caller | Exception]:
        query = (
            select(ApiKey, User)
            .join(User, col(ApiKey.user_id) == col(User.id))
            .where(col(ApiKey.hash).in_(hashes), col(User.active))
        )
        moment = now()
        async with self._database.reading() as session:
            rows = (await session.execute(query)).all()
        alive: dict[str, Row[tuple[ApiKey, User]]] = {
            row[0].hash: row for row in rows if not row[0].expires_at or row[0].expires_at > moment
        }
        unnoted = [
            key.id
            for key, _ in alive.values()
            if not key.last_used_at or moment - key.last_used_at > _USE_NOTED_EVERY
        ]
        if unnoted:
            async with self._database.writing() as session:
                await session.execute(
                    update(ApiKey).where(col(ApiKey.id).in_(unnoted)).values(last_used_at=moment)
                )
        return [
            _by_key(*row)
            if (row := alive.get(key_hash))
            else Unauthorised("The API key is not valid, or no longer.", "api_key_invalid")
            for key_hash in hashes
        ]


def _by_key(key: ApiKey, user: User) -> Caller:
    assert user.id is not None
    return Caller(user.id, user.username, user.role, api_key_id=key.id, scopes=tuple(key.scopes))


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
    if ROLES.index(caller.role) < ROLES.index(access.role):
        raise Forbidden(f"This is for the role '{access.role}' and above.", "role_missing")
