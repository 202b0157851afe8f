"""Comparison with the reference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field

from auth_api.schemas.bases import LAST_CLASS, ClassName, ClassNumber, Success
from auth_api.schemas.recognition import ModelVersion
from auth_api.schemas.writing import HeatmapQuery, PenQuery, WritingForm, WritingJson

Help = Literal["traced", "hinted", "none"]
"""How much an attempt was helped: the reference lay under it, it was hinted at, or neither."""

Strictness = Literal["lenient", "normal", "strict"]

MAX_CLOCK_ERROR = timedelta(minutes=5)
"""The clock of a client may be ahead of ours by this much."""
MAX_DELAY = timedelta(days=90)
"""An attempt may arrive this long after it was written."""


def _plain_number(value: object) -> object:
    """Accepts 12 and "12", but not true, "1_0" and "12.0", which Python would accept too."""
    text = isinstance(value, str) and not (value.isascii() and value.strip().isdigit())
    if text or isinstance(value, bool):
        raise ValueError(f"must be the number of a class, 0-{LAST_CLASS}")
    return value


def _require_recent(value: datetime) -> datetime:
    age = datetime.now(UTC) - value
    if age < -MAX_CLOCK_ERROR:
        raise ValueError("is in the future")
    if age > MAX_DELAY:
        raise ValueError(f"is more than {MAX_DELAY.days} days ago")
    return value


class ComparisonQuery(PenQuery, HeatmapQuery):
    """Selects the character to compare with, and options."""

    target_class: Annotated[ClassNumber | None, BeforeValidator(_plain_number)] = Field(
        default=None,
        description="Class of the intended character, 0-61. Required, in the query or the body.",
    )
    strictness: Strictness = Field(
        default="normal", description="Changes what counts as a fault, but not the distance."
    )
    help: Help = Field(
        default="none",
        description="How much the attempt was helped: the reference lay under it (`traced`), a "
        "stroke was shown (`hinted`), or it was written from memory (`none`). Progress goes by it.",
    )
    attempt_id: UUID | None = Field(
        default=None,
        description="An id that the client makes for the attempt. A signed-in caller can send an "
        "attempt again with it, such as after a lost answer: it counts once, and has one "
        "`comparison_id`. Ignored of anonymous callers, as `written_at`.",
    )
    written_at: Annotated[AwareDatetime, AfterValidator(_require_recent)] | None = Field(
        default=None,
        description="When it was written, ISO 8601 with a time zone, up to 90 days ago; now if "
        "absent. Progress goes by it.",
    )
    embedding: bool = Field(default=False, description="Whether to add the embedding.")

    def options(self) -> dict[str, str]:
        """The request headers for the handler."""
        embedding = {"X-Embedding": "true"} if self.embedding else {}
        return {
            "X-Target-Class": str(self.target_class),
            "X-Strictness": self.strictness,
            **embedding,
            **super().options(),
        }


class ComparisonForm(ComparisonQuery, WritingForm):
    """An image as a file or strokes, the character to compare with, and options."""


class ComparisonJson(ComparisonQuery, WritingJson):
    """An image or strokes, the character to compare with, and options."""


class ComparedRegion(BaseModel):
    """A cell of the 3x3 grid over the reference picture."""

    row: int = Field(description="0 (top) to 2.")
    column: int = Field(description="0 (left) to 2.")
    missing: float = Field(description="Missing share of the reference's ink here, 0-1.")
    extra: float = Field(description="Extra share of the learner's ink here, 0-1.")
    score: float = Field(description="0-100; 100 without faults.")


Side = Literal[
    "upper", "lower", "left", "right", "upper left", "upper right", "lower left", "lower right"
]
Direction = Literal["left", "right", "up", "down", "up left", "up right", "down left", "down right"]


class Fault(BaseModel):
    """Something that differs from the reference."""

    fault: Literal[
        "missing",
        "extra",
        "short",
        "long",
        "broken",
        "shifted",
        "bent",
        "thick",
        "thin",
        "proportion",
        "reversed",
        "order",
        "joined",
    ] = Field(description="`reversed`, `order` and `joined` only of strokes.")
    part: str | None = Field(description="The part of the character, such as `right stem`.")
    stroke: int | None = Field(description="Index in the strokes of the reference.")
    end: Side | Literal["both", "middle"] | None = Field(description="Where on the part.")
    direction: Direction | Literal["wide", "narrow", "large", "small"] | None = Field(
        description="Where it is shifted or bent to; of `proportion` what it is."
    )
    row: int | None = Field(description="Of the region, 0 (top) to 2.")
    column: int | None = Field(description="Of the region, 0 (left) to 2.")
    share: float = Field(
        ge=0, le=1, description="How much of the length of the whole character it affects."
    )


class MatchedStroke(BaseModel):
    """A drawn stroke, or a part of it, that is a stroke of the reference."""

    drawn: int = Field(description="Index in the strokes as sent.")
    stroke: int = Field(description="Index in the strokes of the reference.")
    reversed: bool = Field(description="Whether it was drawn from its end to its start.")


class JudgedStrokes(BaseModel):
    """Which stroke is which."""

    expected: int = Field(description="Number of strokes of the reference.")
    drawn: int = Field(description="Number of strokes as sent.")
    matched: list[MatchedStroke]
    missing: list[int] = Field(description="Strokes of the reference that were not drawn.")
    extra: list[int] = Field(description="Strokes as sent that the reference does not have.")
    in_order: bool = Field(description="Whether they were drawn in the order of the reference.")


class NearCharacter(ClassName):
    """A character whose reference is near the image."""

    distance: float


class ComparisonAnswer(Success):
    """How close an image is to the reference of a character, and where to improve."""

    score: int = Field(
        ge=0,
        le=100,
        description="The mark: what is there of the reference, in its shape and proportions. At "
        "most 70 while a whole stroke is missing, 90 or more for a faithful copy with any pen. See "
        "`docs/feedback.md`.",
    )
    similarity_score: float = Field(
        description="What the network says: 100 at distance 0, 50 at the threshold, 0 at distance "
        "1.2 and beyond."
    )
    distance: float = Field(description="Euclidean distance of the embeddings, 0-2.")
    is_same_character: bool = Field(description="Whether the distance is below the threshold.")
    threshold: float
    compared_with_class: int
    character: str = Field(description="The character compared with, in Devanagari.")
    name: str = Field(description="The name in Latin letters.")
    form: str = Field(description="The letterform that the ink was compared with.")
    reference_image: str = Field(description="256x256 grey PNG, black on white, as a `data:` URI.")
    user_image: str = Field(description="The learner's ink in the same format.")
    blended_overlay: str = Field(
        description="The reference, overlaid with the learner's ink in red at half opacity: a PNG "
        "with a palette."
    )
    regions: list[ComparedRegion] = Field(description="3x3, row by row.")
    faults: list[Fault] = Field(description="What `feedback` says as data, the worst first.")
    strokes: JudgedStrokes | None = Field(description="Only if strokes were sent.")
    feedback: list[str] = Field(
        description="One to four sentences, the worst fault first. The last says so if the picture "
        "shows other characters, because only the largest near the middle is judged."
    )
    others: int = Field(ge=0, description="How many more characters the picture shows.")
    nearest: list[NearCharacter] = Field(description="The five nearest references.")
    preprocessed: bool = Field(
        description="False when no character could be isolated and the whole image was used."
    )
    embedding: list[float] | None = Field(
        default=None, description="Only if requested: 128 numbers, a vector of length 1."
    )
    heatmap: str | None = Field(
        default=None, description="Only if requested: what supports the character (Grad-CAM), PNG."
    )
    model: ModelVersion
    comparison_id: int | None = Field(description="Id in the history, null if anonymous.")
