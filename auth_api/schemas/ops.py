"""What the operations routes answer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class HealthAnswer(BaseModel):
    """The service itself is alive."""

    success: Literal[True] = True
    status: Literal["alive"] = "alive"


class ReadyAnswer(BaseModel):
    """Everything that a prediction needs is there."""

    success: Literal[True] = True
    status: Literal["ready"] = "ready"
    database: Literal["ready"] = "ready"
    models: dict[str, str] = Field(description="`ready` for each model.")
