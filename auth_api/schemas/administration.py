"""For administrators: what is asked, what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, EmailStr, Field

from auth_api.configuration.values import TimeZone
from auth_api.database.tables.audit import Action
from auth_api.database.tables.jobs import Kind, State
from auth_api.schemas.accounts import Line, Name, Password
from auth_api.schemas.jobs import JobEntry

Role = Literal["user", "analyst", "data-scientist", "ml-engineer", "admin"]

_Row = Annotated[int, Field(ge=1, le=2**53)]
_Cursor = Annotated[str | None, Field(max_length=64, description="`next` of the page before.")]
_Next = Annotated[str | None, Field(description="Cursor of the next page, null on the last.")]


def _conceivable(value: datetime) -> datetime:
    if not 2000 <= value.year <= 2200:  # so that one can add to it, whatever its time zone
        raise ValueError("must be of the years 2000 to 2200")
    return value


_Moment = Annotated[AwareDatetime, AfterValidator(_conceivable)]


class AuditFilter(BaseModel):
    """Which part of the audit log."""

    user_id: _Row | None = None
    action: Action | None = None
    since: _Moment | None = Field(
        default=None, description="From this moment on, with its time zone."
    )
    until: _Moment | None = Field(default=None, description="Before this moment.")


class AuditQuery(AuditFilter):
    """The same, a page of it."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: _Cursor = None


class AuditRow(BaseModel):
    """Who did what, when, from where."""

    id: int
    at: datetime
    action: str
    user_id: int | None
    address: str | None
    request_id: str | None
    details: dict[str, Any]


class AuditPage(BaseModel):
    """The audit log, newest first."""

    results: list[AuditRow]
    next: _Next


class UserQuery(BaseModel):
    """Which users."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: _Cursor = None
    role: Role | None = None
    active: bool | None = None
    search: Annotated[Line, Field(max_length=254)] | None = Field(
        default=None, description="Part of the username or the e-mail address."
    )


class NewUser(BaseModel):
    """An account for somebody else."""

    username: Name = Field(description="3-30 letters, digits and . _ - of one script.")
    email: EmailStr
    password: Password = Field(description="8-128 characters, not a common one.")
    role: Role = "user"
    timezone: TimeZone = "UTC"


class ChangedUser(BaseModel):
    """What is to be changed; what is absent or null stays as it is."""

    username: Name | None = None
    email: EmailStr | None = None
    password: Password | None = Field(
        default=None, description="A new one ends the sessions of the user."
    )
    role: Role | None = None
    active: bool | None = Field(
        default=None, description="False ends the sessions and keeps out; true lets in again."
    )


class UserShown(BaseModel):
    """A user."""

    id: int
    username: str
    email: str
    role: str
    active: bool
    timezone: str
    training_consent: bool
    created_at: datetime


class UserPage(BaseModel):
    """Users, newest first."""

    results: list[UserShown]
    next: _Next


class AllJobsQuery(BaseModel):
    """Which jobs."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: _Cursor = None
    state: State | None = None
    kind: Kind | None = None
    user_id: _Row | None = None


class OwnedJob(JobEntry):
    """A job, and whose it is."""

    user_id: int


class AllJobsPage(BaseModel):
    """Jobs of all users, newest first."""

    results: list[OwnedJob]
    next: _Next


class Setting(BaseModel):
    """A setting as it is in force."""

    name: str = Field(description="That of the environment variable.")
    value: Any = Field(description="Secrets are `********`.")
    default: Any
    set: bool = Field(description="Whether somebody has set it.")


class Configuration(BaseModel):
    """All settings."""

    success: Literal[True] = True
    settings: list[Setting]


class UserCounts(BaseModel):
    """Users there are."""

    total: int
    active: int
    new: int = Field(description="Of the last 30 days.")
    by_role: dict[str, int]


class Volume(BaseModel):
    """What was asked of the models; images of jobs count like others."""

    answers: int
    refused: int
    failed: int
    fell_back: int


class Volumes(BaseModel):
    """The same today (UTC) and since counting began."""

    today: Volume
    total: Volume


class FeedbackCounts(BaseModel):
    """Feedback that users gave."""

    today: int
    last_30_days: int


class StorageSizes(BaseModel):
    """Bytes."""

    database: int
    media_disk_total: int = Field(description="Of the file system with the pictures.")
    media_disk_free: int


class Software(BaseModel):
    """Versions."""

    python: str
    database: str
    starlette: str
    sqlalchemy: str
    pydantic: str


class StatsAnswer(BaseModel):
    """The service at a glance."""

    success: Literal[True] = True
    users: UserCounts
    volume: Volumes
    jobs: dict[str, int] = Field(description="By state; of those that are kept.")
    feedback: FeedbackCounts
    storage: StorageSizes
    software: Software
    since: datetime = Field(description="When this process was started.")
    uptime_seconds: float
