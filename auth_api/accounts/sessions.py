"""Sign-ins and the tokens that descend from them.

A sign-in starts a session. Its refresh tokens form a family: each can be exchanged once for the
next (RFC 9700, section 4.14.2). One that comes a second time was stolen or is in the hands of a
thief's victim, which cannot be told apart, so that the whole session ends, its access tokens
included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import ColumnElement, bindparam, func, insert, select, update
from sqlalchemy.orm import Session as Transaction
from sqlmodel import col
from starlette.requests import Request

from auth_api.audit import recording
from auth_api.authorisation.tokens import Claims, Tokens, hashed
from auth_api.database.columns import now
from auth_api.database.database import Database, core_of
from auth_api.database.micro_batching import MicroBatcher
from auth_api.database.tables.accounts import RefreshToken, Session, User
from auth_api.errors import Unauthorised
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings

# Made once: what signing in costs besides hashing is mostly making statements.
_USERS = core_of(User).c
_UNCHANGED = (
    select(_USERS.id, _USERS.password_hash)
    .where(_USERS.id.in_(bindparam("users", expanding=True)), _USERS.active)
    .with_for_update(read=True)
)
_NEW_SESSION = insert(core_of(Session))
_NEW_TOKEN = insert(core_of(RefreshToken))

# Characters of what a client calls itself that are kept.
_CLIENT_LENGTH = 200

# For how long a web page may use a refresh token again. One that is loaded anew while it
# refreshes loses the answer, and the new cookie with it.
_WEB_GRACE = timedelta(seconds=10)

# Seconds that a sign-in waits for others to be written with, while passwords are verified.
_GATHER = 0.04


class Pair(NamedTuple):
    """What a client gets."""

    refresh: str
    access: str


@dataclass(frozen=True)
class _SignIn:
    user_id: int
    password_hash: str
    client: str | None
    web: bool
    entry: dict[str, Any]


class Sessions:
    """Starts, continues and ends sessions."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        tokens: Tokens,
        metrics: Metrics,
        expect_more: Callable[[], bool],
    ) -> None:
        """`expect_more` says whether others are about to sign in."""
        self._database = database
        self._refreshes = metrics.refreshes
        self._tokens = tokens
        self._lifetime = timedelta(seconds=settings.refresh_token_seconds)
        self._grace = timedelta(seconds=settings.refresh_grace_seconds)
        self._starting = MicroBatcher(self._start, linger=_GATHER, expect_more=expect_more)

    async def start(
        self, user_id: int, password_hash: str, request: Request, *, web: bool
    ) -> Pair | None:
        """Starts a session, of a web page or another one; None if the password was changed or
        the account closed since `password_hash` was verified.

        Raises Unavailable.
        """
        entry = recording.entry("signed_in", user_id, request)
        sign_in = _SignIn(user_id, password_hash, _client(request), web, entry)
        return await self._starting(sign_in)

    async def finish(self) -> None:
        """Waits until all that have begun are started."""
        await self._starting.finish()

    async def _start(self, sign_ins: Sequence[_SignIn]) -> Sequence[Pair | None]:
        def work(transaction: Transaction) -> list[Pair | None]:
            users = {"users": [sign_in.user_id for sign_in in sign_ins]}
            # Passwords stay as they are until the transaction ends.
            hashes = dict(transaction.execute(_UNCHANGED, users).tuples().all())
            families = [
                uuid4().hex if hashes.get(sign_in.user_id) == sign_in.password_hash else None
                for sign_in in sign_ins
            ]
            right = [(f, s) for f, s in zip(families, sign_ins, strict=True) if f]
            if not right:
                return [None] * len(sign_ins)
            moment = now()
            times = {
                "created_at": moment,
                "last_used_at": moment,
                "expires_at": moment + self._lifetime,
            }
            sessions = [
                {"id": f, "user_id": s.user_id, "client": s.client, "web": s.web, **times}
                for f, s in right
            ]
            transaction.execute(_NEW_SESSION, sessions)
            pairs = {f: self._pair(s.user_id, f, s.web) for f, s in right}
            _remember(transaction, pairs)
            recording.write(transaction, [sign_in.entry for _, sign_in in right])
            return [pairs[family] if family else None for family in families]

        return await self._database.write(work)

    async def refresh(self, token: str, request: Request, *, web: bool = False) -> Pair:
        """Exchanges a refresh token, of a web page's session or of another one's: neither is
        taken for the other, nor ended by being tried. Raises Unauthorised or Unavailable.

        Of any number of callers with the same token, also at the same time, the first one wins;
        the next one ends the session for all of them, once the grace is over if there is one.
        """
        try:
            pair, outcome = await self._exchange(token, request, web=web)
        except Unauthorised:
            self._refreshes.labels("invalid").inc()
            raise
        self._refreshes.labels(outcome).inc()
        if pair is None:
            raise Unauthorised("The session has ended: please sign in again.", "session_ended")
        return pair

    async def _exchange(
        self, token: str, request: Request, *, web: bool
    ) -> tuple[Pair | None, str]:
        """The next pair if there is one, and what became of the token, for the metrics."""
        claims = self._tokens.read("refresh", token)

        def exchange(transaction: Transaction) -> tuple[Pair | None, str]:
            session = _alive(transaction, claims)
            if session is None:
                return None, "ended"
            if session.web != web:
                raise Unauthorised("The token is not exchanged at this address.", "token_invalid")
            grace = _WEB_GRACE if web else self._grace
            if _exchangeable(transaction, hashed(token), grace):
                session.last_used_at = now()
                session.expires_at = session.last_used_at + self._lifetime
                pair = self._pair(session.user_id, session.id, web)
                _remember(transaction, {session.id: pair})
                return pair, "succeeded"
            session.revoked_at = now()
            recording.record(transaction, "token_reused", session.user_id, request)
            return None, "reused"

        return await self._database.write(exchange)

    async def end(self, token: str, request: Request) -> None:
        """Ends the session that a refresh token belongs to, if it has not ended yet.

        Raises Unauthorised for what never was such a token.
        """
        claims = self._tokens.read("refresh", token)

        def revoke(transaction: Transaction) -> None:
            session = _alive(transaction, claims)
            if session:
                session.revoked_at = now()
                recording.record(transaction, "signed_out", session.user_id, request)

        await self._database.write(revoke)

    def _pair(self, user_id: int, session_id: str, web: bool) -> Pair:
        return Pair(
            self._tokens.make("refresh", user_id, session_id),
            self._tokens.make("access", user_id, session_id, web=web),
        )


def _exchangeable(transaction: Transaction, token_hash: str, grace: timedelta) -> bool:
    """Marks a token as used; whether it had not been, or only since `grace`."""
    moment = now()
    fresh = transaction.scalar(
        update(RefreshToken)
        .where(col(RefreshToken.hash) == token_hash, col(RefreshToken.used_at).is_(None))
        .values(used_at=moment)
        .returning(col(RefreshToken.hash))
    )
    if fresh:
        return True
    token = transaction.get(RefreshToken, token_hash)
    return bool(token and token.used_at and moment - token.used_at < grace)


def _remember(transaction: Transaction, pairs: Mapping[str, Pair]) -> None:
    """Keeps the hashes of refresh tokens, by the session that each belongs to."""
    rows = [{"hash": hashed(p.refresh), "session_id": session} for session, p in pairs.items()]
    transaction.execute(_NEW_TOKEN, rows)


def living(transaction: Transaction, user_id: int) -> Sequence[Session]:
    """The sessions of a user that have not ended, the one that was used last first."""
    used = func.coalesce(col(Session.last_used_at), col(Session.created_at))
    query = select(Session).where(*_of(user_id)).order_by(used.desc(), col(Session.id))
    return transaction.scalars(query).all()


def end_one(transaction: Transaction, user_id: int, session_id: str) -> bool:
    """Ends a session of a user; whether they had one of that id."""
    ending = update(Session).where(col(Session.id) == session_id, *_of(user_id))
    ended = transaction.scalar(ending.values(revoked_at=now()).returning(col(Session.id)))
    return ended is not None


def end_others(transaction: Transaction, user_id: int, kept: str | None) -> int:
    """Ends all sessions of a user but one; answers how many that were."""
    ending = update(Session).where(col(Session.id) != (kept or ""), *_of(user_id))
    ended = transaction.scalars(ending.values(revoked_at=now()).returning(col(Session.id)))
    return len(ended.all())


def _of(user_id: int) -> tuple[ColumnElement[bool], ...]:
    """The conditions of a user's living sessions."""
    return (
        col(Session.user_id) == user_id,
        col(Session.revoked_at).is_(None),
        col(Session.expires_at) > now(),
    )


def _client(request: Request) -> str | None:
    """What a client calls itself, as far as it can be shown; None for one that does not."""
    name = "".join(filter(str.isprintable, request.headers.get("user-agent", "")))
    return name.strip()[:_CLIENT_LENGTH] or None


def _alive(transaction: Transaction, claims: Claims) -> Session | None:
    """The session of a token, locked until the transaction ends, unless it or its user is no
    more.
    """
    found = transaction.scalars(
        select(Session)
        .join(User, col(Session.user_id) == col(User.id))
        .where(
            col(Session.id) == claims.sid,
            col(Session.revoked_at).is_(None),
            col(Session.expires_at) > now(),
            col(User.active),
        )
        .with_for_update(of=Session)
    )
    session = found.first()
    return session if session and str(session.user_id) == claims.sub else None
