"""What the database holds, as of the newest migration.

    users ─┬─ sessions ── refresh_tokens      one session a sign-in; its tokens, hashed
           ├─ api_keys                        hashed
           ├─ predictions ── feedback         the history of recognitions
           ├─ comparisons                     the history of comparisons
           ├─ attempts ─ ─ character_progress what a learner practised, and what follows from it
           └─ practice_slots                  when: quarters of an hour
    audit_log                                 append-only, outlives its users

All that belongs to a user goes with the user (`ON DELETE CASCADE`). Pictures are files, named
by the column `media` (`auth_api.storage`). Times are UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, false, text
from sqlmodel import Field, SQLModel

from auth_api.columns import NUMBERED, Number, moment, of_user, row_id


class User(SQLModel, table=True):
    """Someone with an account."""

    __tablename__ = "users"
    __table_args__ = (NUMBERED,)

    id: int | None = row_id()
    username: str
    username_key: str = Field(unique=True)
    """What two look-alike names have in common, see `auth_api.names`."""
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


class Prediction(SQLModel, table=True):
    """A recognition in someone's history."""

    __tablename__ = "predictions"
    __table_args__ = (
        Index("ix_predictions_page", "user_id", "id"),
        Index("ix_predictions_class", "user_id", "predicted_class", "id"),
        Index("ix_predictions_created", "created_at"),
        NUMBERED,
    )

    id: int | None = row_id()
    user_id: int = of_user()
    created_at: datetime = moment()
    model: str
    version: str
    predicted_class: int
    confidence: float
    top: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    preprocessed: bool
    media: str = Field(unique=True)


class Comparison(SQLModel, table=True):
    """A comparison in someone's history."""

    __tablename__ = "comparisons"
    __table_args__ = (
        Index("ix_comparisons_page", "user_id", "id"),
        Index("ix_comparisons_class", "user_id", "target_class", "id"),
        Index("ix_comparisons_created", "created_at"),
        NUMBERED,
    )

    id: int | None = row_id()
    user_id: int = of_user()
    created_at: datetime = moment()
    model: str
    version: str
    target_class: int
    similarity_score: float
    distance: float
    is_same_character: bool
    threshold: float
    form: str
    strictness: str
    regions: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    feedback: list[str] = Field(sa_column=Column(JSON, nullable=False))
    preprocessed: bool
    media: str = Field(unique=True)


class Feedback(SQLModel, table=True):
    """What a user says of a prediction."""

    __tablename__ = "feedback"
    __table_args__ = (
        Index("ix_feedback_sha256", "sha256"),
        Index("ix_feedback_created", "created_at"),
        NUMBERED,
    )

    id: int | None = row_id()
    prediction_id: int = Field(
        sa_column=Column(
            Number, ForeignKey("predictions.id", ondelete="CASCADE"), nullable=False, unique=True
        )
    )
    user_id: int = of_user(index=True)
    actual_class: int
    rating: int | None = None
    comments: str | None = None
    sha256: str | None = None
    """Of the picture as it was sent: by this, two who correct the same one are known to agree."""
    verdict: str | None = None
    """`accepted` or `rejected` as training data, where an administrator has said so."""
    judged_at: datetime | None = moment(nullable=True)
    judged_by: int | None = Field(default=None, sa_column=Column(Number, nullable=True))
    created_at: datetime = moment()
    updated_at: datetime = moment()


class Attempt(SQLModel, table=True):
    """One practised character: what progress is computed from.

    Stays when retention removes the comparison with its pictures, goes when its user deletes it.
    """

    __tablename__ = "attempts"
    __table_args__ = (Index("ix_attempts_character", "user_id", "character", "comparison_id"),)

    comparison_id: int = Field(sa_column=Column(Number, primary_key=True, autoincrement=False))
    user_id: int = of_user()
    character: int
    at: datetime = moment()
    score: float


class CharacterProgress(SQLModel, table=True):
    """What follows from all attempts at one character, see `auth_api.progress`."""

    __tablename__ = "character_progress"

    user_id: int = Field(
        sa_column=Column(Number, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    )
    character: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    attempts: int = 0
    best: float = 0
    quality: float = 0
    recent: list[float] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    card: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    last_at: datetime | None = moment(nullable=True)


class PracticeSlot(SQLModel, table=True):
    """A quarter of an hour in which a user was active, counted from 1970.

    All time zones are whole quarters of an hour from UTC, so that a slot lies within one day
    wherever its user lives.
    """

    __tablename__ = "practice_slots"

    user_id: int = Field(
        sa_column=Column(Number, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    )
    slot: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))


class AuditEntry(SQLModel, table=True):
    """Who did what, when, from where. Triggers of the database refuse changes and deletions."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_user", "user_id", "id"),
        Index("ix_audit_log_action", "action", "id"),
        NUMBERED,
    )

    id: int | None = row_id()
    at: datetime = moment()
    action: str
    user_id: int | None = Field(default=None, sa_column=Column(Number, nullable=True))
    """Who, by number: the row says nothing of a person whose account is gone."""
    address: str | None = None
    request_id: str | None = None
    details: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False, server_default=text("'{}'"))
    )
