"""The body of every error."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field


class ErrorAnswer(BaseModel):
    """An error. All errors have this form."""

    success: Literal[False] = False
    error: str = Field(description="A sentence for people.")
    code: str = Field(description="A name for programs, in snake_case.")
    details: dict[str, Any] | None = Field(
        default=None, description="More about the error, e.g. the invalid fields."
    )
