"""Predictions, comparisons, and feedback on predictions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, Text
from sqlmodel import Field, SQLModel

from auth_api.database.columns import AUTOINCREMENT, RowId, owner_id, row_id, timestamp


class Prediction(SQLModel, table=True):
    """A recognition in the history of a user."""

    __tablename__ = "predictions"
    __table_args__ = (
        Index("ix_predictions_page", "user_id", "id"),
        Index("ix_predictions_class", "user_id", "predicted_class", "id"),
        Index("ix_predictions_created", "created_at"),
        AUTOINCREMENT,
    )

    id: int | None = row_id()
    user_id: int = owner_id()
    created_at: datetime = timestamp()
    model: str
    version: str
    predicted_class: int
    confidence: float
    top: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    preprocessed: bool
    media: str = Field(unique=True)
    strokes: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    """The strokes as compact JSON; None if an image was judged."""
    pen: str | None = None
    """That of the strokes."""


class Comparison(SQLModel, table=True):
    """A comparison in the history of a user."""

    __tablename__ = "comparisons"
    __table_args__ = (
        Index("ix_comparisons_page", "user_id", "id"),
        Index("ix_comparisons_class", "user_id", "target_class", "id"),
        Index("ix_comparisons_created", "created_at"),
        AUTOINCREMENT,
    )

    id: int | None = row_id()
    user_id: int = owner_id()
    created_at: datetime = timestamp()
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
    score: int
    faults: list[dict[str, Any]] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True), nullable=True)
    )
    """None in entries that are older than this column, as `nearest` and `others`."""
    nearest: list[dict[str, Any]] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True), nullable=True)
    )
    others: int | None = None
    help: str = "none"
    """How much the attempt was helped: `traced`, `hinted` or `none`."""
    written_at: datetime | None = timestamp(nullable=True)
    """When it was written, if its client said so."""
    strokes: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    """As in `Prediction`."""
    pen: str | None = None
    """As in `Prediction`."""


class Feedback(SQLModel, table=True):
    """A user's correction or rating of a prediction."""

    __tablename__ = "feedback"
    __table_args__ = (
        Index("ix_feedback_sha256", "sha256"),
        Index("ix_feedback_created", "created_at"),
        AUTOINCREMENT,
    )

    id: int | None = row_id()
    prediction_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("predictions.id", ondelete="CASCADE"), nullable=False, unique=True
        )
    )
    user_id: int = owner_id(index=True)
    actual_class: int
    rating: int | None = None
    comments: str | None = None
    sha256: str | None = None
    """SHA-256 of the picture as sent. Groups the corrections of one picture by several users."""
    verdict: str | None = None
    """`accepted` or `rejected` as training data by an administrator, or None."""
    judged_at: datetime | None = timestamp(nullable=True)
    judged_by: int | None = Field(default=None, sa_column=Column(RowId, nullable=True))
    created_at: datetime = timestamp()
    updated_at: datetime = timestamp()
