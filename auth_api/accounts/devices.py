"""Devices that have signed in to an account before.

A stranger who guesses passwords cannot lock them out (`guesses`). A device proves itself with a
secret: a page with a cookie that the service made, an app with its `X-Device-ID` if that is long
and random. Only hashes are stored.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Insert, func, or_, select
from sqlalchemy.orm import Session as Transaction
from sqlmodel import col
from starlette.requests import Request

from auth_api.authorisation.tokens import hash_secret
from auth_api.database.database import Database
from auth_api.database.tables.accounts import KnownDevice

LIFETIME = timedelta(days=365)
"""A device that has not signed in for so long is forgotten."""

_MAX_PER_USER = 20
# A UUID has 32 digits. Others could guess a shorter text, or one such as 0000-...
_MIN_LENGTH, _MAX_LENGTH = 32, 256
_MIN_DISTINCT = 8


def app_device(request: Request) -> str | None:
    """The `X-Device-ID` of an app, None if others could guess it."""
    device = request.headers.get("x-device-id", "").strip()
    usable = _MIN_LENGTH <= len(device) <= _MAX_LENGTH and len(set(device)) >= _MIN_DISTINCT
    return device if usable else None


def new_device() -> str:
    """A secret for a page, 256 random bits."""
    return secrets.token_urlsafe(32)


def device_hash(user_id: int, device: str) -> str:
    """The stored form of a device of a user. Two users of one device have different hashes."""
    return hash_secret(f"{user_id} {device}")


def is_known(transaction: Transaction, hashed: str) -> bool:
    return transaction.get(KnownDevice, hashed) is not None


def remembering(database: Database) -> Insert:
    """The statement that `remember` executes; building it takes longer than executing it."""
    insertion = database.insert(KnownDevice)
    newer = {"last_used_at": insertion.excluded.last_used_at}
    return insertion.on_conflict_do_update(index_elements=["hash"], set_=newer)


def remember(
    transaction: Transaction, statement: Insert, users: Mapping[str, int], moment: datetime
) -> None:
    """Stores devices by their hash, or that they were used again."""
    rows = [
        # In one order, so that concurrent transactions do not block each other.
        {"hash": hashed, "user_id": user_id, "last_used_at": moment}
        for hashed, user_id in sorted(users.items())
    ]
    if rows:
        transaction.execute(statement, rows)


def forgettable(moment: datetime) -> ColumnElement[bool]:
    """The condition for devices that the clean-up removes: unused ones, and too many of a user."""
    newest_first = func.row_number().over(
        partition_by=col(KnownDevice.user_id), order_by=col(KnownDevice.last_used_at).desc()
    )
    ranked = select(col(KnownDevice.hash), newest_first.label("place")).subquery()
    surplus = select(ranked.c.hash).where(ranked.c.place > _MAX_PER_USER)
    return or_(
        col(KnownDevice.last_used_at) < moment - LIFETIME, col(KnownDevice.hash).in_(surplus)
    )
