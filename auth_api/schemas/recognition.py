"""Recognition and comparison."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field
from spectree.model_adapter.pydantic_adapter import BaseFile

from auth_api.schemas.bases import LAST_CLASS, CharacterSet, ClassName, ClassNumber, Success
from auth_api.schemas.errors import ErrorAnswer
from auth_api.schemas.versions import VERSION
from auth_api.settings import RECOGNITION

MAX_IMAGES = 32
"""Maximum in one request."""

STROKES = "strokes"
"""The field of a request that has the strokes of a drawing."""
MAX_STROKES = 64
MAX_POINTS = 2000
"""Of a stroke."""
POINT_SIZES = {2, 3}
"""Numbers of a point: x and y, and maybe the pressure."""
NEAREST, FARTHEST = -1, 2
"""Limits of x and y, in shares of the pad's side: a pen may leave the pad."""


Pen = Literal["nib", "round"]
"""The pen of strokes: the edge of a reed pen, or a pencil."""
PEN_WIDTHS = (0.01, 0.3)
"""Limits of the width of a pen, in shares of the pad's side."""
PEN_ANGLES = (0, 180)
"""Limits of the angle of a nib, in degrees."""

Help = Literal["traced", "hinted", "none"]
"""How much an attempt was helped: the reference lay under it, it was hinted at, or neither."""

Strictness = Literal["lenient", "normal", "strict"]

MAX_CLOCK_ERROR = timedelta(minutes=5)
"""The clock of a client may be ahead of ours by this much."""
MAX_DELAY = timedelta(days=90)
"""An attempt may arrive this long after it was written."""


class ImageQuery(BaseModel):
    """Options for the handlers of all models."""

    enhancement_level: int | None = Field(
        default=None,
        ge=0,
        le=2,
        description="Enhancement of poor pictures: 0 is none, 1 and 2 help with noise and faint "
        "writing. Chosen automatically if absent.",
    )
    source: Literal["photograph", "drawing"] = Field(
        default="photograph",
        description="What the image is: a photograph, in which the character is looked for, or a "
        "drawing, of which all ink is meant.",
    )

    def options(self) -> dict[str, str]:
        """The request headers for the handler."""
        level = self.enhancement_level
        enhancement = {} if level is None else {"X-Enhancement-Level": str(level)}
        return enhancement | ({"X-Source": "drawing"} if self.source == "drawing" else {})


class PenQuery(ImageQuery):
    """Options for strokes."""

    pen: Pen = Field(default="round", description="The pen that the strokes are drawn with.")
    pen_width: float | None = Field(
        default=None,
        ge=PEN_WIDTHS[0],
        le=PEN_WIDTHS[1],
        description="Its width in shares of the pad's side. If absent, 0.12 for a nib and 0.036 "
        "for a round pen.",
    )
    pen_angle: float | None = Field(
        default=None,
        ge=PEN_ANGLES[0],
        le=PEN_ANGLES[1],
        description="The angle of the edge of a nib, in degrees clockwise from the horizontal. 34 "
        "if absent. A round pen has none.",
    )

    def options_for(self, *, strokes: bool) -> dict[str, str]:
        """The request headers for the handler, which gets strokes or an image."""
        if not strokes:
            return self.options()
        pen = {"X-Pen": self.pen, "X-Pen-Width": self.pen_width, "X-Pen-Angle": self.pen_angle}
        drawn = {name: str(value) for name, value in pen.items() if value is not None}
        return self.options() | {"X-Source": "strokes"} | drawn


class HeatmapQuery(ImageQuery):
    """Options for one picture."""

    heatmap: bool = Field(default=False, description="Whether to show where the model looked.")

    def options(self) -> dict[str, str]:
        """The request headers for the handler."""
        return super().options() | ({"X-Heatmap": "true"} if self.heatmap else {})


class ModelQuery(BaseModel):
    """Selects the model and its version."""

    model: str = Field(default=RECOGNITION, description="Name of the model.", max_length=64)
    version: str | None = Field(
        default=None,
        pattern=f"^{VERSION}$",
        description="A version such as 1.0. The default version if absent.",
    )


class RecognitionQuery(ImageQuery, ModelQuery):
    """Selects the model, its version, and which characters it may answer."""

    characters: CharacterSet = Field(
        default="consonants",
        description="Which characters of the script ranjana may answer: its 36 consonants, or all "
        "62, with vowels and digits. The model digits ignores it.",
    )

    def options(self) -> dict[str, str]:
        """The request headers for the handler."""
        return super().options() | ({"X-Characters": "all"} if self.characters == "all" else {})


class BatchQuery(HeatmapQuery, RecognitionQuery):
    """Selects the model, its version and options for pictures."""

    several: bool = Field(
        default=False,
        description="Whether to add `characters`: all characters of the picture, up to 100.",
    )

    def options(self) -> dict[str, str]:
        """The request headers for the handler."""
        return super().options() | ({"X-Several": "true"} if self.several else {})


class PredictQuery(PenQuery, BatchQuery):
    """Selects the model, its version and options."""


_STROKES = (
    f"What was drawn on a pad, in place of the image or beside it: up to {MAX_STROKES} strokes of "
    f"up to {MAX_POINTS} points in the order of drawing. A point is `[x, y]` or "
    f"`[x, y, pressure]`: x to the right and y down in shares of the pad's side, {NEAREST} to "
    f"{FARTHEST}, pressure 0 to 1. The pad is the frame of the reference picture. If an image "
    "comes too, the strokes are judged."
)
_Numbers = Annotated[list[float], Field(min_length=min(POINT_SIZES), max_length=max(POINT_SIZES))]
_Points = Annotated[list[_Numbers], Field(min_length=1, max_length=MAX_POINTS)]
Strokes = Annotated[list[_Points], Field(min_length=1, max_length=MAX_STROKES)]
"""Strokes in JSON. `auth_api.http.strokes` checks them, because pydantic takes long."""


class WritingForm(BaseModel):
    """An image as a file of a multipart form, or strokes."""

    image: BaseFile | None = Field(
        default=None,
        description="JPEG (up to 64 megapixels), PNG, WebP, HEIC, AVIF, BMP or GIF (up to 40). "
        "The name `file` works too. Required without strokes.",
    )
    strokes: str | None = Field(default=None, description=f"As JSON text. {_STROKES}")


class WritingJson(BaseModel):
    """An image inside JSON, or strokes."""

    image: str | None = Field(
        default=None,
        description="The image in base64, or as a `data:` URI. Required without strokes.",
    )
    strokes: Strokes | None = Field(default=None, description=_STROKES)


class ImagesForm(BaseModel):
    """Images as files of a multipart form."""

    images: list[BaseFile] = Field(description="Up to 32 files with this name.")


class ImagesJson(BaseModel):
    """Images inside JSON."""

    images: list[str] = Field(
        min_length=1, max_length=MAX_IMAGES, description="Each in base64 or as a `data:` URI."
    )


class PredictForm(PredictQuery, WritingForm):
    """An image as a file or strokes, and the options, which the query may have instead."""


class PredictJson(PredictQuery, WritingJson):
    """An image or strokes, and the options, which the query may have instead."""


class BatchForm(BatchQuery, ImagesForm):
    """Images as files, and the options, which the query may have instead."""


class BatchJson(BatchQuery, ImagesJson):
    """Images inside JSON, and the options, which the query may have instead."""


class Candidate(ClassName):
    """One of the likeliest classes."""

    confidence: float = Field(description="Percent.")


class ModelVersion(BaseModel):
    """The model that answered."""

    name: str
    version: str


class ReadCharacter(BaseModel):
    """One recognised character."""

    predicted_class: int = Field(
        description="0-35 for ranjana, 0-61 with `characters=all`, 0-9 for digits."
    )
    digit: int | None = Field(default=None, description="The digit, only for the model digits.")
    character: str = Field(description="The character in Devanagari, or the digit.")
    name: str = Field(description="The name in Latin letters.")
    confidence: float = Field(
        description="Percent, 0-100: the probability among all characters that the model knows, "
        "whichever of them may be answered."
    )
    top: list[Candidate] = Field(description="The five likeliest classes, best first.")
    also: Candidate | None = Field(
        default=None,
        description="Only of ranjana: a vowel or a digit of the script that is likelier than every "
        "consonant, where only consonants may be answered. Null otherwise.",
    )
    processed_image: str = Field(
        description="The input of the model, white on black: PNG of 64x64 (digits: 28x28) as a "
        "`data:` URI."
    )


class PlacedCharacter(ReadCharacter):
    """One of the characters of a picture."""

    box: tuple[float, float, float, float] = Field(
        description="Left, top, width and height in shares of the upright picture, 0-1."
    )


class PredictAnswer(Success, ReadCharacter):
    """The recognised character: the largest near the middle of the picture."""

    probabilities: list[float] = Field(
        description="One for each class that may be answered, in order. The rest to 1 is the "
        "probability of anything else."
    )
    preprocessed: bool = Field(
        description="False when no character could be isolated and the whole image was used."
    )
    others: int = Field(ge=0, description="How many more characters the picture shows, up to 199.")
    characters: list[PlacedCharacter] | None = Field(
        default=None,
        description="Only with `several`: all characters in reading order (rows from the top, each "
        "from the left), the recognised one among them.",
    )
    picture: str | None = Field(
        default=None,
        description="Only for a HEIC, which few browsers show, and for strokes: the picture in "
        "grey, upright, or the pad. A JPEG of at most 512x512 pixels as a `data:` URI.",
    )
    heatmap: str | None = Field(
        default=None,
        description="Only if requested: where the model looked (Grad-CAM), 256x256 PNG.",
    )
    model: ModelVersion
    prediction_id: int | None = Field(description="Id in the history, null if anonymous.")


class BatchAnswer(Success):
    """The results of several images."""

    results: list[PredictAnswer | ErrorAnswer] = Field(description="In order of the images.")


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
