"""Guards: credentials that end during a slow request cannot write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session as Transaction

from auth_api.authorisation.access import Caller
from auth_api.authorisation.guards import require_active, require_role
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.accounts import ApiKey, Session, User
from auth_api.errors import Forbidden, Unauthorised
from auth_api.settings import Settings


def _user(active: bool = True) -> User:
    names = ("username", "username_key", "email", "email_key", "password_hash")
    return User(id=1, role="analyst", active=active, **dict.fromkeys(names, "a"))


def _key(**changes: Any) -> ApiKey:
    return ApiKey(id=1, user_id=1, name="", prefix="", hash="", scopes=[], **changes)


def _session(**changes: Any) -> Session:
    return Session(id="s", user_id=1, expires_at=now() + timedelta(hours=1), **changes)


BY_KEY, BY_SESSION = Caller(1, "user", api_key_id=1), Caller(1, "user", session_id="s")


@pytest.mark.parametrize(
    ("caller", "rows", "active"),
    [
        (BY_KEY, lambda: [_user(), _key()], True),
        (BY_KEY, lambda: [_user(), _key(expires_at=now() + timedelta(hours=1))], True),
        (BY_KEY, lambda: [_user(), _key(expires_at=now() - timedelta(seconds=1))], False),
        (BY_KEY, lambda: [_user(active=False), _key()], False),
        (BY_KEY, lambda: [_user()], False),
        (BY_SESSION, lambda: [_user(), _session()], True),
        (BY_SESSION, lambda: [_user(), _session(revoked_at=now())], False),
        (BY_SESSION, lambda: [_user(active=False), _session()], False),
        (BY_SESSION, list, False),
    ],
)
def test_a_session_key_or_user_that_ended_during_a_request_writes_nothing(
    tmp_path: Path, caller: Caller, rows: Callable[[], list[Any]], active: bool
) -> None:
    def work(transaction: Transaction) -> str:
        for row in rows():
            transaction.add(row)
            transaction.flush()
        require_role(transaction, caller, "analyst")
        with pytest.raises(Forbidden):
            require_role(transaction, caller, "data-scientist")
        return require_active(transaction, caller)

    async def role() -> str:
        database = Database(Settings(database_url=f"sqlite:///{tmp_path / 'ranjana.db'}"))
        try:
            await database.migrate()
            return await database.write(work)
        finally:
            await database.aclose()

    if active:
        assert asyncio.run(role()) == "analyst"  # from the database, not the caller's
    else:
        with pytest.raises(Unauthorised) as refusal:
            asyncio.run(role())
        assert refusal.value.code == "session_ended"
