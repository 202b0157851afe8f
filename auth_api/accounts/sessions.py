"""Sessions: starts them, exchanges their refresh tokens, signs out.

A sign-in starts a session. Each of its refresh tokens can be exchanged once for the next (RFC
9700, section 4.14.2). If a token comes twice, either a thief or the victim of a thief sent it.
These cannot be told apart, so the session ends with all its tokens.

A client that lost the answer sends its token twice too. For `REFRESH_GRACE_SECONDS` it gets the
same answer again. The answer is not stored: it follows from the signing secret, the token and the
time of its first use. It does not follow from the database and the secret alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session as Transaction
from sqlmodel import col
from starlette.requests import Request

from auth_api.accounts import devices
from auth_api.audit import recording
from auth_api.authorisation.tokens import Claims, Tokens, hash_secret, new_token_id
from auth_api.database.columns import now
from auth_api.database.database import Database, core_of
from auth_api.database.micro_batching import MicroBatcher
from auth_api.database.tables.accounts import RefreshToken, Session, User
from auth_api.errors import Unauthorised
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings

# Built once, because building statements is the largest cost of a sign-in after hashing.
_USERS = core_of(User).c
_PASSWORD_HASHES = (
    select(_USERS.id, _USERS.password_hash)
    .where(_USERS.id.in_(bindparam("users", expanding=True)), _USERS.active)
    .with_for_update(read=True)
)
_INSERT_SESSION = insert(core_of(Session))
_INSERT_TOKEN = insert(core_of(RefreshToken))

_MAX_CLIENT_LENGTH = 200

# How long a sign-in waits for others in the same transaction, while passwords are verified.
_LINGER_SECONDS = 0.04


class Pair(NamedTuple):
    """The tokens that a client receives."""

    refresh: str
    access: str


@dataclass(frozen=True)
class _SignIn:
    session_id: str
    user_id: int
    password_hash: str
    client: str | None
    device: str | None
    web: bool
    audit_entry: dict[str, Any]


class Sessions:
    def __init__(
        self,
        settings: Settings,
        database: Database,
        tokens: Tokens,
        metrics: Metrics,
        expect_more: Callable[[], bool],
    ) -> None:
        """`expect_more` says whether more sign-ins are about to start a session."""
        self._database = database
        self._refreshes = metrics.refreshes
        self._tokens = tokens
        self._lifetime = timedelta(seconds=settings.refresh_token_seconds)
        self._grace = timedelta(seconds=settings.refresh_grace_seconds)
        self._remember_devices = devices.remembering(database)
        self._batcher = MicroBatcher(
            self._start_batch, linger=_LINGER_SECONDS, expect_more=expect_more
        )

    async def start(
        self,
        user_id: int,
        password_hash: str,
        request: Request,
        *,
        device: str | None,
        web: bool,
    ) -> Pair | None:
        """Starts a session; `web` for a web page's session. Remembers the `device`, if any.

        Returns None if the password changed or the account was deactivated since `password_hash`
        was verified. Raises `Unavailable`.
        """
        entry = recording.entry("signed_in", user_id, request)
        hashed = devices.device_hash(user_id, device) if device else None
        client = _client_name(request)
        return await self._batcher(
            _SignIn(uuid4().hex, user_id, password_hash, client, hashed, web, entry)
        )

    async def finish(self) -> None:
        """Waits for all sessions that are being started."""
        await self._batcher.finish()

    async def _start_batch(self, sign_ins: Sequence[_SignIn]) -> Sequence[Pair | None]:
        def work(transaction: Transaction) -> list[Pair | None]:
            users = {"users": [sign_in.user_id for sign_in in sign_ins]}
            # Locks the users, so that no password changes until the transaction ends.
            hashes = dict(transaction.execute(_PASSWORD_HASHES, users).tuples().all())
            valid = [s for s in sign_ins if hashes.get(s.user_id) == s.password_hash]
            if not valid:
                return [None] * len(sign_ins)
            start = now()
            pairs = {s.session_id: self._first_pair(s, start) for s in valid}
            expiry = start + self._lifetime
            times = {"created_at": start, "last_used_at": start, "expires_at": expiry}
            sessions = [
                {"id": s.session_id, "user_id": s.user_id, "client": s.client, "web": s.web} | times
                for s in valid
            ]
            transaction.execute(_INSERT_SESSION, sessions)
            _store_tokens(transaction, pairs)
            used = {s.device: s.user_id for s in valid if s.device}
            devices.remember(transaction, self._remember_devices, used, start)
            recording.write(transaction, [sign_in.audit_entry for sign_in in valid])
            return [pairs.get(sign_in.session_id) for sign_in in sign_ins]

        return await self._database.write(work)

    async def refresh(self, token: str, request: Request, *, web: bool = False) -> Pair:
        """Exchanges a refresh token for the next pair of tokens.

        `web` must be that of the session; otherwise the token is rejected and the session goes on.
        All callers with the same token get the same pair, in all processes, until the grace period
        after the first of them is over. A later one ends the session for all of them.

        Raises `Unauthorised`, `Unavailable`.
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
        """The next pair, or None, and the outcome for the metrics. Ends the session on reuse."""
        claims = self._tokens.verify("refresh", token)

        def exchange(transaction: Transaction) -> tuple[Pair | None, str]:
            session = _active_session(transaction, claims)
            if session is None:
                return None, "ended"
            if session.web != web:
                raise Unauthorised(
                    "This token cannot be exchanged at this address.", "token_invalid"
                )
            moment = now()
            used_at = _first_use(transaction, hash_secret(token), moment)
            if used_at == moment:
                session.last_used_at, session.expires_at = moment, moment + self._lifetime
                pair = self._next_pair(session, token, moment)
                _store_tokens(transaction, {session.id: pair})
                return pair, "succeeded"
            # Clocks of two machines differ a little, so the first use may be in the future.
            if used_at and abs(moment - used_at) < self._grace:
                return self._next_pair(session, token, used_at), "repeated"
            session.revoked_at = moment
            recording.record(transaction, "token_reused", session.user_id, request)
            return None, "reused"

        return await self._database.write(exchange)

    async def end(self, token: str, request: Request) -> None:
        """Ends the session of a refresh token, if it is still active.

        Raises `Unauthorised` for an invalid token, `Unavailable`.
        """
        claims = self._tokens.verify("refresh", token)

        def revoke(transaction: Transaction) -> None:
            session = _active_session(transaction, claims)
            if session:
                session.revoked_at = now()
                recording.record(transaction, "signed_out", session.user_id, request)

        await self._database.write(revoke)

    def _first_pair(self, sign_in: _SignIn, moment: datetime) -> Pair:
        issue, owner = self._tokens.issue, (sign_in.user_id, sign_in.session_id)
        return Pair(
            issue("refresh", *owner, new_token_id(), moment),
            issue("access", *owner, new_token_id(), moment, web=sign_in.web),
        )

    def _next_pair(self, session: Session, token: str, moment: datetime) -> Pair:
        """The pair that follows `token`, which was first used at `moment`: always the same one."""
        issue, owner = self._tokens.issue, (session.user_id, session.id)
        successor_id = self._tokens.successor_id
        return Pair(
            issue("refresh", *owner, successor_id("refresh", token), moment),
            issue("access", *owner, successor_id("access", token), moment, web=session.web),
        )


def _first_use(transaction: Transaction, token_hash: str, moment: datetime) -> datetime | None:
    """When a token was first used, which is `moment` if it was not; None for an unknown token."""
    marked = transaction.scalar(
        update(RefreshToken)
        .where(col(RefreshToken.hash) == token_hash, col(RefreshToken.used_at).is_(None))
        .values(used_at=moment)
        .returning(col(RefreshToken.hash))
    )
    if marked:
        return moment
    token = transaction.get(RefreshToken, token_hash)
    return token.used_at if token else None


def _store_tokens(transaction: Transaction, pairs: Mapping[str, Pair]) -> None:
    """Stores the hashes of refresh tokens, by session id."""
    rows = [{"hash": hash_secret(p.refresh), "session_id": session} for session, p in pairs.items()]
    transaction.execute(_INSERT_TOKEN, rows)


def _client_name(request: Request) -> str | None:
    """The printable part of the `User-Agent`, shortened; None if nothing is left."""
    name = "".join(filter(str.isprintable, request.headers.get("user-agent", "")))
    return name.strip()[:_MAX_CLIENT_LENGTH] or None


def _active_session(transaction: Transaction, claims: Claims) -> Session | None:
    """The session of a token, locked; None if it has ended or its user is deactivated."""
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
