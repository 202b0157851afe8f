"""Health and readiness."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from auth_api.schemas.bases import Success


class HealthAnswer(Success):
    """The service is alive."""

    status: Literal["healthy"] = "healthy"


class DatabaseReadyAnswer(Success):
    """The service can take requests."""

    status: Literal["ready"] = "ready"
    database: Literal["ready"] = "ready"


class ReadyAnswer(DatabaseReadyAnswer):
    """The service can make predictions."""

    models: dict[str, str] = Field(description="`ready` for each model.")
