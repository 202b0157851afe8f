"""The one error shape."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field


class ErrorAnswer(BaseModel):
    """The one error shape."""

    success: Literal[False] = False
    error: str = Field(description="One sentence a person understands.")
    code: str = Field(description="What a program tells the cases apart by, snake_case.")
    details: dict[str, Any] | None = Field(
        default=None, description="Where there is more to say, e.g. the fields that failed."
    )
