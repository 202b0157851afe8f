"""Users, their sessions, refresh tokens, devices and API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, false, text
from sqlmodel import Field, SQLModel

from auth_api.database.columns import AUTOINCREMENT, owner_id, row_id, timestamp

Scope = Literal["predict", "history"]
"""The rights of an API key. Only a sign-in gives the right to manage the account."""


class User(SQLModel, table=True):
    """An account."""

    __tablename__ = "users"
    __table_args__ = (AUTOINCREMENT,)

    id: int | None = row_id()
    username: str
    username_key: str = Field(unique=True)
    """The same for look-alike names, see `auth_api.accounts.usernames`."""
    email: str
    email_key: str = Field(unique=True)
    password_hash: str
    role: str = "user"
    active: bool = True
    timezone: str = "UTC"
    training_consent: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default=false())
    )
    """Whether pictures that the user corrects may become training data."""
    unlocks: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default=text("0"))
    )
    """How often an operator unlocked the account. Counts of wrong passwords are kept under this
    number, in this process, in others and in Redis. A new number starts them anew everywhere."""
    created_at: datetime = timestamp()


class Session(SQLModel, table=True):
    """One sign-in, with all refresh tokens that descend from it."""

    __tablename__ = "sessions"

    __table_args__ = (
        Index("ix_sessions_expires", "expires_at"),
        Index("ix_sessions_revoked", "revoked_at"),
    )

    id: str = Field(primary_key=True)
    user_id: int = owner_id(index=True)
    created_at: datetime = timestamp()
    expires_at: datetime = timestamp()
    revoked_at: datetime | None = timestamp(nullable=True)
    client: str | None = None
    """Name of the client that signed in, as it gives it. None before migration 0005."""
    last_used_at: datetime | None = timestamp(nullable=True)
    """Time of the sign-in or of the last token exchange. None before migration 0005."""
    web: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default=false())
    )
    """Whether the web page holds the refresh token in a cookie."""


class RefreshToken(SQLModel, table=True):
    """A refresh token, stored as its hash. `used_at`: when it was exchanged for the next one."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index("ix_refresh_tokens_used", "used_at"),)

    hash: str = Field(primary_key=True)
    session_id: str = Field(
        sa_column=Column(ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    used_at: datetime | None = timestamp(nullable=True)


class KnownDevice(SQLModel, table=True):
    """A device that has signed in, stored as its hash: see `auth_api.accounts.devices`."""

    __tablename__ = "known_devices"

    hash: str = Field(primary_key=True)
    user_id: int = owner_id(index=True)
    last_used_at: datetime = timestamp()
    """Time of its last sign-in."""


class ApiKey(SQLModel, table=True):
    """An API key, stored as its hash."""

    __tablename__ = "api_keys"
    __table_args__ = (AUTOINCREMENT,)

    id: int | None = row_id()
    user_id: int = owner_id(index=True)
    name: str
    prefix: str
    hash: str = Field(unique=True)
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    created_at: datetime = timestamp()
    expires_at: datetime | None = timestamp(nullable=True)
    last_used_at: datetime | None = timestamp(nullable=True)
