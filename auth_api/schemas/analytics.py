"""Analytics. Days and hours are in UTC."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from auth_api.schemas.accounts import Line
from auth_api.schemas.bases import Success

_MAX_DAYS = 366
MAX_DAYS_BY_HOUR = 31

_Score = Annotated[
    float | None,
    Field(description="Mean confidence or similarity score, 0-100; null without answers."),
]
_Share = Annotated[
    float | None, Field(ge=0, le=1, description="Null if there is nothing to divide by.")
]


class MyQuery(BaseModel):
    """Selects a period."""

    days: int = Field(default=30, ge=1, le=_MAX_DAYS, description="Days, including today.")


class SystemQuery(MyQuery):
    """Selects a period, a resolution and a model."""

    bucket: Literal["day", "hour"] = Field(
        default="day", description=f"`hour` allows up to {MAX_DAYS_BY_HOUR} days."
    )
    model: Annotated[Line, Field(max_length=64)] | None = Field(
        default=None, description="All models by default."
    )


class Corrections(BaseModel):
    """Feedback of this period. `right` agrees with the prediction, `wrong` does not."""

    given: int
    right: int
    wrong: int
    wrong_share: _Share


class EstimatedCorrections(Corrections):
    """Feedback with the 95 % confidence interval of the share (Wilson)."""

    wrong_share_low: _Share
    wrong_share_high: _Share


class ClassUse(BaseModel):
    """Usage of a class that was predicted or compared with, over all versions of a model."""

    model: str
    class_: int = Field(alias="class")
    character: str
    name: str
    answers: int
    mean_score: _Score
    corrections: Corrections


class MyDay(BaseModel):
    """Usage on a day."""

    day: date
    answers: int
    recognitions: int
    comparisons: int


class MyVersion(BaseModel):
    """Usage of a version."""

    model: str
    version: str
    answers: int
    mean_score: _Score


class MyTotals(BaseModel):
    """Totals of the period."""

    answers: int
    recognitions: int
    comparisons: int
    corrections: Corrections


class MyAnswer(Success):
    """Usage by the caller, including images of jobs."""

    since: date
    totals: MyTotals
    days: list[MyDay] = Field(description="Every day, oldest first.")
    versions: list[MyVersion]
    classes: list[ClassUse]


class Requests(BaseModel):
    """Numbers of requests by result."""

    requests: int = Field(description="Answered, refused or failed. A fallback counts once.")
    answers: int
    refused: int = Field(description="Images that could not be read.")
    failed: int = Field(description="Not answered by the intended version.")
    fell_back: int = Field(description="Failed requests that the default version answered.")


class Latency(BaseModel):
    """Response time of the model server in milliseconds; null without answers."""

    mean: float | None
    p50: float | None = Field(description="Interpolated from a histogram, like p95, p99.")
    p95: float | None
    p99: float | None


class SystemTotals(Requests):
    """Totals of the period."""

    recognitions: int
    comparisons: int
    latency_ms: Latency
    corrections: Corrections
    active_users: int = Field(description="Users with an answer of any model in the period.")


class Step(Requests):
    """Usage in a day or an hour."""

    start: datetime
    mean_confidence: float | None = Field(description="Recognitions only, percent.")
    mean_similarity: float | None = Field(description="Comparisons only, 0-100.")
    mean_latency_ms: float | None


class VersionUse(Requests):
    """Usage of a version. `requests` counts all requests sent to this version."""

    model: str
    version: str
    error_rate: _Share = Field(description="Share of its requests that failed.")
    mean_score: _Score
    score_deviation: float | None = Field(description="Standard deviation of the scores.")
    same_share: _Share = Field(description="Share of comparisons with `is_same_character`.")
    latency_ms: Latency
    corrections: EstimatedCorrections


class SystemAnswer(Success):
    """Usage by all callers, including images of jobs."""

    since: datetime
    bucket: Literal["day", "hour"]
    totals: SystemTotals
    over_time: list[Step] = Field(description="Every day or hour, oldest first.")
    versions: list[VersionUse]
    classes: list[ClassUse]
