"""Health and readiness."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class HealthAnswer(BaseModel):
    """The service is alive."""

    success: Literal[True] = True
    status: Literal["alive"] = "alive"


class ReadyAnswer(BaseModel):
    """The service can make predictions."""

    success: Literal[True] = True
    status: Literal["ready"] = "ready"
    database: Literal["ready"] = "ready"
    models: dict[str, str] = Field(description="`ready` for each model.")
