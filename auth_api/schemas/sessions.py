"""Sign-ins of an account, and the session of the web page."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class SessionShown(BaseModel):
    """An active sign-in."""

    id: str = Field(description="Identifies the session; it is no credential.")
    client: str | None = Field(max_length=200, description="The User-Agent of the client.")
    current: bool = Field(description="Whether this request belongs to it.")
    created_at: datetime
    last_used_at: datetime = Field(description="Time of sign-in or of the last token refresh.")
    expires_at: datetime = Field(description="When it ends unless its tokens are refreshed before.")


class SessionList(BaseModel):
    """All active sign-ins of an account, the last used one first."""

    results: list[SessionShown]


class WebSession(BaseModel):
    """An access token for `Authorization: Bearer`. The cookie holds the refresh token."""

    access: str
    expires_in: int = Field(description="Seconds until the access token expires.")
