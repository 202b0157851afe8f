"""Administration: users, audit log, jobs, settings, overview."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from auth_api.configuration.values import TimeZone
from auth_api.database.tables.audit import Action
from auth_api.database.tables.jobs import Kind, State
from auth_api.schemas.accounts import Email, Line, Me, Name, Password
from auth_api.schemas.bases import CursorQuery, Page, Success
from auth_api.schemas.jobs import JobEntry

Role = Literal["user", "analyst", "data-scientist", "ml-engineer", "admin"]

_RowId = Annotated[int, Field(ge=1, le=2**53)]


def _in_range(value: datetime) -> datetime:
    if not 2000 <= value.year <= 2200:  # far from the limits of `datetime`, in any time zone
        raise ValueError("must be in the years 2000 to 2200")
    return value


_Moment = Annotated[AwareDatetime, AfterValidator(_in_range)]


class AuditFilter(BaseModel):
    """Selects entries of the audit log."""

    user_id: _RowId | None = None
    action: Action | None = None
    since: _Moment | None = Field(default=None, description="From this time on, with time zone.")
    until: _Moment | None = Field(default=None, description="Before this time, with time zone.")


class AuditQuery(CursorQuery, AuditFilter):
    """Selects a page of the audit log."""

    limit: int = Field(default=50, ge=1, le=200)


class AuditRow(BaseModel):
    """An entry of the audit log: who did what, when, and from where."""

    id: int
    at: datetime
    action: str
    user_id: int | None
    username: str | None = Field(
        default=None, description="The user's name today. Null once the account is deleted."
    )
    subject_id: int | None = Field(
        default=None, description="The user whom it concerns, if it was done to another account."
    )
    subject: str | None = Field(default=None, description="The name of that user, as `username`.")
    address: str | None
    request_id: str | None
    client_request_id: str | None
    details: dict[str, Any]


class AuditPage(Page[AuditRow]):
    """A page of the audit log, newest first."""


class UserQuery(CursorQuery):
    """Selects users."""

    limit: int = Field(default=50, ge=1, le=200)
    role: Role | None = None
    active: bool | None = None
    search: Annotated[Line, Field(max_length=254)] | None = Field(
        default=None, description="Part of the username or the e-mail address."
    )


class NewUser(BaseModel):
    """An account to create for another person."""

    username: Name = Field(description="3-30 letters, digits and . _ - of one script.")
    email: Email
    password: Password = Field(description="8-128 characters, not a common one.")
    role: Role = "user"
    timezone: TimeZone = "UTC"


class ChangedUser(BaseModel):
    """Changes to a user. Absent or null fields stay as they are."""

    username: Name | None = None
    email: Email | None = None
    password: Password | None = Field(default=None, description="A new one ends all sessions.")
    role: Role | None = None
    active: bool | None = Field(
        default=None,
        description="False ends all sessions and prevents sign-in; true allows it again.",
    )


class UserShown(Me):
    """A user."""

    active: bool


class UserPage(Page[UserShown]):
    """A page of users, newest first."""


class AllJobsQuery(CursorQuery):
    """Selects jobs."""

    state: State | None = None
    kind: Kind | None = None
    user_id: _RowId | None = None


class OwnedJob(JobEntry):
    """A job with its owner."""

    user_id: int


class AllJobsPage(Page[OwnedJob]):
    """A page of the jobs of all users, newest first."""


class Setting(BaseModel):
    """A setting and its effective value."""

    name: str = Field(description="Name of the environment variable.")
    value: Any = Field(description="Secrets are shown as `********`.")
    default: Any
    set: bool = Field(description="Whether it was set explicitly.")


class Configuration(Success):
    """All settings."""

    settings: list[Setting]


class UserCounts(BaseModel):
    """Numbers of users."""

    total: int
    active: int
    new: int = Field(description="Users created in the last 30 days.")
    by_role: dict[str, int]


class Volume(BaseModel):
    """Numbers of requests to models, including images of jobs."""

    answers: int
    refused: int
    failed: int
    fell_back: int


class Volumes(BaseModel):
    """Numbers of requests today (UTC) and in total."""

    today: Volume
    total: Volume


class FeedbackCounts(BaseModel):
    """Numbers of feedback."""

    today: int
    last_30_days: int


class StorageSizes(BaseModel):
    """Sizes in bytes."""

    database: int
    media_disk_total: int = Field(
        description="Size of the file system that holds the pictures, or uploads under way if the "
        "pictures are on S3."
    )
    media_disk_free: int


class Software(BaseModel):
    """Versions of the software."""

    python: str
    database: str
    starlette: str
    sqlalchemy: str
    pydantic: str


class StatsAnswer(Success):
    """An overview of the service."""

    users: UserCounts
    volume: Volumes
    jobs: dict[str, int] = Field(description="Numbers of stored jobs by state.")
    feedback: FeedbackCounts
    storage: StorageSizes
    software: Software
    since: datetime = Field(description="Start time of this process.")
    uptime_seconds: float
