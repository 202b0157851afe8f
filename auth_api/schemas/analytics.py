"""Analytics: what is asked, what is answered. Days and hours are those of UTC."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from auth_api.schemas.accounts import Line

_MOST_DAYS = 366
MOST_DAYS_OF_HOURS = 31

_Score = Annotated[
    float | None, Field(description="Mean confidence or similarity score, 0-100, null of none.")
]
_Share = Annotated[float | None, Field(ge=0, le=1, description="Null of none.")]


class MyQuery(BaseModel):
    """Over which time."""

    days: int = Field(default=30, ge=1, le=_MOST_DAYS, description="Today is the last of them.")


class SystemQuery(MyQuery):
    """Over which time, in what steps, of which model."""

    bucket: Literal["day", "hour"] = Field(
        default="day", description=f"By the hour for up to {MOST_DAYS_OF_HOURS} days."
    )
    model: Annotated[Line, Field(max_length=64)] | None = Field(
        default=None, description="All models if absent."
    )


class Corrections(BaseModel):
    """Feedback that was given in this time, by whether it agreed with the prediction."""

    given: int
    right: int
    wrong: int
    wrong_share: _Share


class EstimatedCorrections(Corrections):
    """The same, with the 95 % interval of the share (Wilson)."""

    wrong_share_low: _Share
    wrong_share_high: _Share


class ClassUse(BaseModel):
    """A class that was predicted or compared with, by any version of a model."""

    model: str
    class_: int = Field(alias="class")
    character: str
    name: str
    answers: int
    mean_score: _Score
    corrections: Corrections


class MyDay(BaseModel):
    """A day."""

    day: date
    answers: int
    recognitions: int
    comparisons: int


class MyVersion(BaseModel):
    """A version of a model."""

    model: str
    version: str
    answers: int
    mean_score: _Score


class MyTotals(BaseModel):
    """Of all days."""

    answers: int
    recognitions: int
    comparisons: int
    corrections: Corrections


class MyAnswer(BaseModel):
    """What one asked; images of jobs count like others."""

    success: Literal[True] = True
    since: date
    totals: MyTotals
    days: list[MyDay] = Field(description="All days, the oldest first.")
    versions: list[MyVersion]
    classes: list[ClassUse]


class Requests(BaseModel):
    """What became of requests."""

    requests: int = Field(description="Answered, refused or failed; once, if fallen back.")
    answers: int
    refused: int = Field(description="Images that could not be read.")
    failed: int = Field(description="Not answered by the version that was to.")
    fell_back: int = Field(description="Of these, answered by the default version instead.")


class Latency(BaseModel):
    """From asking the model server to its answer, in milliseconds; null without answers."""

    mean: float | None
    p50: float | None = Field(description="Interpolated between bounds, as the next two.")
    p95: float | None
    p99: float | None


class SystemTotals(Requests):
    """Of the whole time."""

    recognitions: int
    comparisons: int
    latency_ms: Latency
    corrections: Corrections
    active_users: int = Field(description="Who got an answer of any model on these days.")


class Step(Requests):
    """A day or an hour."""

    start: datetime
    mean_confidence: float | None = Field(description="Of recognitions, percent.")
    mean_similarity: float | None = Field(description="Of comparisons, 0-100.")
    mean_latency_ms: float | None


class VersionUse(Requests):
    """A version of a model; its `requests` are those that came to it."""

    model: str
    version: str
    error_rate: _Share = Field(description="Failed of all that came to it.")
    mean_score: _Score
    score_deviation: float | None = Field(description="Standard deviation of the same.")
    same_share: _Share = Field(description="Comparisons called the same character.")
    latency_ms: Latency
    corrections: EstimatedCorrections


class SystemAnswer(BaseModel):
    """What everybody asked; images of jobs count like others."""

    success: Literal[True] = True
    since: datetime
    bucket: Literal["day", "hour"]
    totals: SystemTotals
    over_time: list[Step] = Field(description="All days or hours, the oldest first.")
    versions: list[VersionUse]
    classes: list[ClassUse]
