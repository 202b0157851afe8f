"""Accounts, sign-in and API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    EmailStr,
    Field,
    StringConstraints,
    model_validator,
)

from auth_api.configuration.values import TimeZone
from auth_api.database.tables.accounts import Scope
from auth_api.schemas.bases import Success

# These only limit the length. The rules are in `auth_api.accounts.usernames` and
# `auth_api.accounts.passwords`. Blanks around a name come from keyboards that complete words. A
# password is never changed, because blanks may belong to it.
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^\x00-\x1f\x7f]*$"),
]
Email = Annotated[
    EmailStr, BeforeValidator(lambda value: value.strip() if isinstance(value, str) else value)
]
Password = Annotated[str, Field(max_length=1024)]

Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$")
]
"""One line of text without control characters."""

_Consent = Annotated[
    bool, Field(strict=True, description="Whether pictures with feedback may train models.")
]


class SignUp(BaseModel):
    """A new account."""

    username: Name = Field(description="3-30 letters, digits and . _ - of one script.")
    email: Email
    password: Password = Field(description="8-128 characters, not a common one.")
    password2: Password | None = Field(default=None, description="The password again.")
    timezone: TimeZone = Field(default="UTC", description="For streaks, e.g. Asia/Kathmandu.")
    training_consent: _Consent = False


def _require_username_or_email(schema: dict[str, Any]) -> None:
    schema["required"] = ["password"]


class SignIn(BaseModel):
    """Credentials: a username or an e-mail address, and the password."""

    model_config = ConfigDict(json_schema_extra=_require_username_or_email)

    username: Name = Field(description="The username or the e-mail address.")
    email: str | None = Field(default=None, description="Read if there is no `username`.")
    password: Password

    @model_validator(mode="before")
    @classmethod
    def _email_as_username(cls, content: Any) -> Any:
        if isinstance(content, dict) and content.get("email") and not content.get("username"):
            return {**content, "username": content["email"]}
        return content


class Refresh(BaseModel):
    """A refresh token."""

    refresh: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4096)]


class TokenPair(BaseModel):
    """A refresh token, valid once, and an access token for `Authorization: Bearer`."""

    refresh: str
    access: str


class Message(BaseModel):
    """Confirmation of a successful request."""

    message: str


class Me(BaseModel):
    """An account."""

    id: int
    username: str
    email: str
    role: str
    timezone: str
    training_consent: bool
    created_at: datetime


class Profile(BaseModel):
    """Changes to an account that need no password. At least one field is required."""

    timezone: TimeZone | None = None
    training_consent: _Consent | None = None

    @model_validator(mode="after")
    def _require_something(self) -> Profile:
        if self.timezone is None and self.training_consent is None:
            raise ValueError("give timezone or training_consent")
        return self


class ChangePassword(BaseModel):
    """The old and the new password."""

    old_password: Password
    new_password: Password = Field(description="8-128 characters, not a common one.")


class ChangeUsername(BaseModel):
    """The new username."""

    new_username: Name = Field(description="3-30 letters, digits and . _ - of one script.")


class NewApiKey(BaseModel):
    """An API key to make."""

    name: Annotated[Line, Field(max_length=64)] = Field(description="To recognise the key.")
    scopes: list[Scope] = Field(
        default=["predict"], min_length=1, max_length=2, description="What the key may be used for."
    )
    expires_in_days: int | None = Field(
        default=None, ge=1, le=3650, description="Valid until revoked if absent."
    )


class ApiKeyShown(BaseModel):
    """An API key without its secret."""

    id: int
    name: str
    prefix: str = Field(description="The first characters of the key.")
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="Accurate to the minute.")


class ApiKeyMade(Success, ApiKeyShown):
    """A new API key. Only this answer contains `key`."""

    key: str


class ApiKeys(BaseModel):
    """All API keys of an account, newest first."""

    results: list[ApiKeyShown]
