"""Web pages that stay signed in, and where one is signed in: what is answered."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class SessionShown(BaseModel):
    """A sign-in that has not ended."""

    id: str = Field(description="To end it by; nobody signs in with it.")
    client: str | None = Field(
        max_length=200, description="What it was started with, as that calls itself."
    )
    current: bool = Field(description="Whether this was asked in it.")
    created_at: datetime
    last_used_at: datetime = Field(
        description="When it was started or its tokens were last exchanged."
    )
    expires_at: datetime = Field(description="Unless its tokens are exchanged before.")


class SessionList(BaseModel):
    """All sign-ins of an account that have not ended, the one used last first."""

    results: list[SessionShown]


class WebSession(BaseModel):
    """An access token for `Authorization: Bearer`; the refresh token is in the cookie."""

    access: str
    expires_in: int = Field(description="Seconds that the access token lives.")
