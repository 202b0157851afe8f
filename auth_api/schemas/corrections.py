"""Corrections of predictions by users."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from auth_api.schemas.bases import CursorQuery, Page

State = Literal["pending", "agreed", "accepted", "rejected", "conflicting"]
"""`pending`: too few users of standing agree. `agreed`: enough agree. `accepted`, `rejected`: an
administrator decided. `conflicting`: other users name another class."""


class CorrectionQuery(CursorQuery):
    """Selects corrections."""

    state: State | None = Field(default=None, description="Only corrections in this state.")


class JudgementQuery(BaseModel):
    """Guards a verdict against a change by the user."""

    actual_class: int | None = Field(
        default=None,
        ge=0,
        le=999,
        description="The class as it was shown. If the user has changed it, the answer is 409.",
    )


class CorrectionExportQuery(BaseModel):
    """Selects what to export besides the corrections that count."""

    include: Literal["confirmed"] | None = Field(
        default=None, description="`confirmed` adds pictures whose prediction users confirm."
    )


class CorrectionEntry(BaseModel):
    """Feedback that names another class than the prediction."""

    id: int
    created_at: datetime
    updated_at: datetime
    predicted_class: int
    actual_class: int = Field(description="The class that the user names.")
    character: str = Field(description="The character of the actual class.")
    name: str
    agreeing: int = Field(description="Consenting users who name this class.")
    state: State = Field(description="`agreed` and `accepted` ones are data, with consent.")
    judged_at: datetime | None = Field(description="Time of the last verdict.")
    consent: bool = Field(description="Whether the user consents to the use as data.")
    image: str | None = Field(description="Path of the picture, null without consent.")


class CorrectionPage(Page[CorrectionEntry]):
    """A page of corrections, newest first."""
