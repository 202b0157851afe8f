"""Health and readiness."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from auth_api.schemas.bases import Success


class HealthAnswer(Success):
    """The service is alive."""

    status: Literal["healthy"] = "healthy"


class ReadyAnswer(Success):
    """The service can make predictions."""

    status: Literal["ready"] = "ready"
    database: Literal["ready"] = "ready"
    models: dict[str, str] = Field(description="`ready` for each model.")
