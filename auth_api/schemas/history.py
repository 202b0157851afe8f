"""History, progress and feedback: what is asked, what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from auth_api.configuration.values import TimeZone
from auth_api.schemas.recognition import Candidate, ComparedRegion, ModelVersion


class PageQuery(BaseModel):
    """Which part of the history."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(
        default=None, max_length=64, description="`next` of the page before."
    )
    class_: int | None = Field(
        default=None, alias="class", ge=0, le=999, description="Only this character."
    )


class ExportQuery(BaseModel):
    """In which form."""

    format: Literal["json", "csv"] = "json"


class ProgressQuery(BaseModel):
    """For whom the days are counted."""

    timezone: TimeZone | None = Field(
        default=None, description="Instead of that of the account, e.g. Asia/Kathmandu."
    )


class GivenFeedback(BaseModel):
    """What a user said of a prediction."""

    actual_class: int
    rating: int | None
    comments: str | None
    created_at: datetime
    updated_at: datetime


class PredictionEntry(BaseModel):
    """A recognition in the history."""

    id: int
    created_at: datetime
    model: ModelVersion
    predicted_class: int
    character: str
    name: str
    confidence: float = Field(description="Percent.")
    top: list[Candidate]
    preprocessed: bool
    image: str = Field(description="Path of the picture as it was sent.")
    feedback: GivenFeedback | None


class PredictionPage(BaseModel):
    """Recognitions, newest first."""

    results: list[PredictionEntry]
    next: str | None = Field(description="Cursor of the next page, null on the last.")


class ComparisonPictures(BaseModel):
    """Paths of the pictures."""

    user: str
    reference: str
    overlay: str


class ComparisonEntry(BaseModel):
    """A comparison in the history."""

    id: int
    created_at: datetime
    model: ModelVersion
    compared_with_class: int
    character: str
    name: str
    similarity_score: float
    distance: float
    is_same_character: bool
    threshold: float
    form: str
    strictness: str
    regions: list[ComparedRegion]
    feedback: list[str] = Field(description="What the learner was told.")
    preprocessed: bool
    images: ComparisonPictures


class ComparisonPage(BaseModel):
    """Comparisons, newest first."""

    results: list[ComparisonEntry]
    next: str | None = Field(description="Cursor of the next page, null on the last.")


class History(BaseModel):
    """All of one's history, oldest first."""

    predictions: list[PredictionEntry]
    similarities: list[ComparisonEntry]


class NewFeedback(BaseModel):
    """What a prediction should have been."""

    prediction_id: int = Field(ge=1, le=2**53, strict=True)
    actual_class: int = Field(ge=0, le=999, strict=True, description="0-35 for ranjana.")
    rating: int | None = Field(default=None, ge=1, le=5, strict=True)
    comments: (
        Annotated[
            str,
            StringConstraints(
                strip_whitespace=True,
                max_length=2000,
                pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$",
            ),
        ]
        | None
    ) = None


class FeedbackAnswer(GivenFeedback):
    """The feedback as it is kept."""

    success: Literal[True] = True
    id: int
    prediction_id: int


class CharacterPractice(BaseModel):
    """How one character is coming along, see `docs/progress.md`."""

    class_: int = Field(alias="class")
    character: str
    name: str
    attempts: int
    best: float | None = Field(description="Similarity score, 0-100.")
    last: float | None
    last_at: datetime | None
    trend: float | None = Field(description="Points gained of late.")
    trend_word: Literal["new", "improving", "steady", "declining"]
    mastery: float = Field(description="0-100.")
    due: datetime | None = Field(description="When to practise again, null if never tried.")


class PracticeNext(BaseModel):
    """A character to practise."""

    class_: int = Field(alias="class")
    character: str
    name: str
    reason: Literal["due", "new", "weakest"]


class StreakAnswer(BaseModel):
    """Days in a row."""

    current: int
    longest: int
    today: bool = Field(description="Whether today is among them already.")
    timezone: str


class Totals(BaseModel):
    """Over everything."""

    attempts: int
    characters_tried: int
    characters_mastered: int = Field(description="With a mastery of 80 or more.")
    mastery: float = Field(description="Mean over all characters, 0-100.")
    due: int = Field(description="Characters that are due now.")


class ProgressAnswer(BaseModel):
    """How a learner is coming along."""

    success: Literal[True] = True
    characters: list[CharacterPractice] = Field(description="All 36, in order.")
    streak: StreakAnswer
    totals: Totals
    next: list[PracticeNext] = Field(description="What to practise, the most urgent first.")
