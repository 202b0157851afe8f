"""History, progress and feedback."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, Strict, StringConstraints

from auth_api.configuration.values import TimeZone
from auth_api.schemas.bases import ClassName, ClassNumber, CursorQuery, Page, Success
from auth_api.schemas.characters import CharactersQuery
from auth_api.schemas.comparison import ComparedRegion, Fault, Help, NearCharacter
from auth_api.schemas.recognition import Candidate, ModelVersion
from auth_api.schemas.writing import Pen, Strokes

_Text = StringConstraints(
    strip_whitespace=True, max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
)


class PageQuery(CursorQuery):
    """Selects a page of the history."""

    class_: int | None = Field(
        default=None, alias="class", ge=0, le=999, description="Only this class, 0-61."
    )


class ExportQuery(BaseModel):
    """Selects the format of the export."""

    format: Literal["json", "csv"] = "json"


class ProgressQuery(CharactersQuery):
    """Selects the characters, and the time zone in which days are counted."""

    timezone: TimeZone | None = Field(default=None, description="By default that of the account.")


class GivenFeedback(BaseModel):
    """Feedback of a user on a prediction."""

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
    digit: int | None = Field(default=None, description="The digit, only for the model digits.")
    character: str
    name: str
    confidence: float = Field(description="Percent.")
    top: list[Candidate]
    preprocessed: bool
    image: str = Field(description="Path of the picture as it was sent, or of the strokes.")
    pen: Pen | None = Field(description="That of the strokes, null if a picture was read.")
    feedback: GivenFeedback | None


class WithStrokes(BaseModel):
    """The strokes of an entry. Lists do not have them, because they may be large."""

    strokes: Strokes | None = Field(
        description="As they were sent, rounded to 4 decimals; null if a picture was read."
    )


class WholePredictionEntry(PredictionEntry, WithStrokes):
    """A recognition in the history, with its strokes."""


class PredictionPage(Page[PredictionEntry]):
    """A page of recognitions, newest first."""


class ComparisonPictures(BaseModel):
    """Paths of the pictures of a comparison."""

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
    score: int = Field(description="The mark, 0-100.")
    similarity_score: float
    distance: float
    is_same_character: bool
    threshold: float
    form: str
    strictness: str
    help: Help = Field(description="How much the attempt was helped.")
    written_at: datetime = Field(description="When it was written, as its client said.")
    regions: list[ComparedRegion]
    faults: list[Fault] | None = Field(description="Null in entries from before there were any.")
    nearest: list[NearCharacter] | None = Field(description="The five nearest references, or null.")
    others: int | None = Field(description="How many more characters the picture shows, or null.")
    feedback: list[str] = Field(description="The advice that the learner was given.")
    preprocessed: bool
    pen: Pen | None = Field(description="That of the strokes, null if a picture was compared.")
    images: ComparisonPictures


class BestComparison(BaseModel):
    """The comparison of a class that a learner did best."""

    class_: int = Field(alias="class")
    id: int
    score: int = Field(description="The mark, 0-100.")
    created_at: datetime
    images: ComparisonPictures


class BestComparisons(Success):
    """The best comparison of each class that was practised, in order of class."""

    results: list[BestComparison]


class WholeComparisonEntry(ComparisonEntry, WithStrokes):
    """A comparison in the history, with its strokes."""


class ComparisonPage(Page[ComparisonEntry]):
    """A page of comparisons, newest first."""


class History(BaseModel):
    """The whole history of the caller, oldest first."""

    predictions: list[WholePredictionEntry]
    similarities: list[WholeComparisonEntry]


class NewFeedback(BaseModel):
    """Feedback to submit: what a prediction should have been."""

    prediction_id: int = Field(ge=1, le=2**53, strict=True)
    actual_class: Annotated[ClassNumber, Strict()] = Field(
        description="0-61 for ranjana, 0-9 for digits."
    )
    rating: int | None = Field(default=None, ge=1, le=5, strict=True)
    comments: Annotated[str, _Text] | None = None


class FeedbackAnswer(Success, GivenFeedback):
    """The stored feedback."""

    id: int
    prediction_id: int


class CharacterPractice(ClassName):
    """Progress with one character, see `docs/progress.md`."""

    attempts: int = Field(description="All attempts, also traced and hinted ones.")
    from_memory: int = Field(description="Attempts from memory. All marks are theirs.")
    best: float | None = Field(description="Mark (`score` of a comparison), 0-100.")
    last: float | None
    last_at: datetime | None = Field(description="When the last of all attempts was written.")
    trend: float | None = Field(description="Recent gain in points, null without a trend yet.")
    trend_word: Literal["new", "improving", "steady", "declining"]
    mastery: float = Field(description="0-100.")
    mastered: bool = Field(
        description="A mastery of 80 or more, from attempts from memory on two days or more."
    )
    due: datetime | None = Field(description="When to practise again, null without a review.")


class PracticeNext(ClassName):
    """A character to practise next."""

    reason: Literal["due", "new", "weakest"]


class StreakAnswer(BaseModel):
    """Consecutive days with practice."""

    current: int
    longest: int
    today: bool = Field(description="Whether today counts already.")
    timezone: str


class Totals(BaseModel):
    """Totals over the characters that were asked for."""

    attempts: int
    characters_tried: int
    characters_mastered: int = Field(description="Characters that are `mastered`.")
    mastery: float = Field(description="Mean over these characters, 0-100.")
    due: int = Field(description="Characters that are due now.")


class ProgressAnswer(Success):
    """The progress of a learner."""

    characters: list[CharacterPractice] = Field(
        description="All that were asked for, in order of class."
    )
    streak: StreakAnswer
    totals: Totals
    next: list[PracticeNext] = Field(description="What to practise, the most urgent first.")
