"""Corrections: what is asked, what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

State = Literal["pending", "agreed", "accepted", "rejected", "conflicting"]
"""Of one feedback: too few say so, enough do, an administrator has said yes or no, others say
something else."""


class CorrectionQuery(BaseModel):
    """Which corrections."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(
        default=None, max_length=64, description="`next` of the page before."
    )
    state: State | None = Field(default=None, description="Only those in this state.")


class JudgementQuery(BaseModel):
    """What is judged."""

    actual_class: int | None = Field(
        default=None,
        ge=0,
        le=999,
        description="As it was shown: 409 if its user says something else by now.",
    )


class CorrectionExportQuery(BaseModel):
    """What besides the corrections that count."""

    include: Literal["confirmed"] | None = Field(
        default=None, description="`confirmed`: also pictures that two users say were read rightly."
    )


class CorrectionEntry(BaseModel):
    """A feedback that says that the model was wrong."""

    id: int
    created_at: datetime
    updated_at: datetime
    predicted_class: int
    actual_class: int = Field(description="What it is according to the user.")
    character: str = Field(description="Of the actual class.")
    name: str
    agreeing: int = Field(
        description="Users who say the same of the same picture and consent to its use."
    )
    state: State = Field(
        description="`agreed` and `accepted` ones are data if their user consents."
    )
    judged_at: datetime | None = Field(description="When an administrator last judged it.")
    consent: bool = Field(description="Whether its user consents to its use as data.")
    image: str | None = Field(description="Path of the picture, null without consent.")


class CorrectionPage(BaseModel):
    """Corrections, newest first."""

    results: list[CorrectionEntry]
    next: str | None = Field(description="Cursor of the next page, null on the last.")
