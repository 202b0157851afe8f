"""Users, their sessions with refresh tokens, and their API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, false
from sqlmodel import Field, SQLModel

from auth_api.database.columns import NUMBERED, moment, of_user, row_id

Scope = Literal["predict", "history"]
"""What an API key can be for. Accounts are managed by signing in."""


class User(SQLModel, table=True):
    """Someone with an account."""

    __tablename__ = "users"
    __table_args__ = (NUMBERED,)

    id: int | None = row_id()
    username: str
    username_key: str = Field(unique=True)
    """What two look-alike names have in common, see `auth_api.accounts.usernames`."""
    email: str
    email_key: str = Field(unique=True)
    password_hash: str
    role: str = "user"
    active: bool = True
    timezone: str = "UTC"
    training_consent: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default=false())
    )
    """Whether pictures that they correct may become training data."""
    created_at: datetime = moment()


class Session(SQLModel, table=True):
    """One sign-in: the family of all refresh tokens that descend from it."""

    __tablename__ = "sessions"

    __table_args__ = (
        Index("ix_sessions_expires", "expires_at"),
        Index("ix_sessions_revoked", "revoked_at"),
    )

    id: str = Field(primary_key=True)
    user_id: int = of_user(index=True)
    created_at: datetime = moment()
    expires_at: datetime = moment()
    revoked_at: datetime | None = moment(nullable=True)
    client: str | None = None
    """What it was started with, as that calls itself; None for those of before 0005."""
    last_used_at: datetime | None = moment(nullable=True)
    """When it was started or its tokens were last exchanged; None for those of before 0005."""
    web: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default=false())
    )
    """Whether its refresh tokens are in the cookie of a web page."""


class RefreshToken(SQLModel, table=True):
    """One refresh token, by its hash; `used_at` once it was exchanged for another."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index("ix_refresh_tokens_used", "used_at"),)

    hash: str = Field(primary_key=True)
    session_id: str = Field(
        sa_column=Column(ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    used_at: datetime | None = moment(nullable=True)


class ApiKey(SQLModel, table=True):
    """A key for programs, by its hash."""

    __tablename__ = "api_keys"
    __table_args__ = (NUMBERED,)

    id: int | None = row_id()
    user_id: int = of_user(index=True)
    name: str
    prefix: str
    hash: str = Field(unique=True)
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    created_at: datetime = moment()
    expires_at: datetime | None = moment(nullable=True)
    last_used_at: datetime | None = moment(nullable=True)
