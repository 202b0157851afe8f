"""Recognition and comparison."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field
from spectree.model_adapter.pydantic_adapter import BaseFile

from auth_api.schemas.bases import LAST_CLASS, CharacterSet, ClassName, ClassNumber, Success
from auth_api.schemas.errors import ErrorAnswer
from auth_api.schemas.versions import VERSION
from auth_api.settings import RECOGNITION

MAX_IMAGES = 32
"""Maximum in one request."""


class EnhancementQuery(BaseModel):
    """Options for the handlers of all models."""

    enhancement_level: int | None = Field(
        default=None,
        ge=0,
        le=2,
        description="Enhancement of poor pictures: 0 is none, 1 and 2 help with noise and faint "
        "writing. Chosen automatically if absent.",
    )

    def options(self) -> dict[str, str]:
        """The request headers for the handler."""
        level = self.enhancement_level
        return {} if level is None else {"X-Enhancement-Level": str(level)}


class HeatmapQuery(EnhancementQuery):
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


class RecognitionQuery(EnhancementQuery, ModelQuery):
    """Selects the model, its version, and which characters it may answer."""

    characters: CharacterSet = Field(
        default="consonants",
        description="Which characters of the script ranjana may answer: its 36 consonants, or all "
        "62, with vowels and digits. The model digits ignores it.",
    )

    def options(self) -> dict[str, str]:
        """The request headers for the handler."""
        return super().options() | ({"X-Characters": "all"} if self.characters == "all" else {})


class PredictQuery(HeatmapQuery, RecognitionQuery):
    """Selects the model, its version and options."""

    several: bool = Field(
        default=False,
        description="Whether to add `characters`: all characters of the picture, up to 100.",
    )

    def options(self) -> dict[str, str]:
        """The request headers for the handler."""
        return super().options() | ({"X-Several": "true"} if self.several else {})


class ImageForm(BaseModel):
    """An image as a file of a multipart form."""

    image: BaseFile = Field(
        description="JPEG (up to 64 megapixels), PNG, WebP, HEIC, AVIF, BMP or GIF (up to 40). "
        "The name `file` works too."
    )


class ImageJson(BaseModel):
    """An image inside JSON."""

    image: str = Field(description="The image in base64, or as a `data:` URI.")


class ImagesForm(BaseModel):
    """Images as files of a multipart form."""

    images: list[BaseFile] = Field(description="Up to 32 files with this name.")


class ImagesJson(BaseModel):
    """Images inside JSON."""

    images: list[str] = Field(
        min_length=1, max_length=MAX_IMAGES, description="Each in base64 or as a `data:` URI."
    )


class PredictForm(PredictQuery, ImageForm):
    """An image as a file, and the options, which the query may have instead."""


class PredictJson(PredictQuery, ImageJson):
    """An image inside JSON, and the options, which the query may have instead."""


class BatchForm(PredictQuery, ImagesForm):
    """Images as files, and the options, which the query may have instead."""


class BatchJson(PredictQuery, ImagesJson):
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
        description="Only for a HEIC, which few browsers show: the picture in grey, upright, a "
        "JPEG of at most 512x512 pixels as a `data:` URI.",
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


class ComparisonQuery(HeatmapQuery):
    """Selects the character to compare with, and options."""

    target_class: Annotated[ClassNumber | None, BeforeValidator(_plain_number)] = Field(
        default=None,
        description="Class of the intended character, 0-61. Required, in the query or the body.",
    )
    strictness: Literal["lenient", "normal", "strict"] = Field(
        default="normal", description="Changes what counts as a fault, but not the distance."
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


class ComparisonForm(ComparisonQuery, ImageForm):
    """An image as a file, the character to compare it with, and options."""


class ComparisonJson(ComparisonQuery, ImageJson):
    """An image inside JSON, the character to compare it with, and options."""


class ComparedRegion(BaseModel):
    """A cell of the 3x3 grid over the reference picture."""

    row: int = Field(description="0 (top) to 2.")
    column: int = Field(description="0 (left) to 2.")
    missing: float = Field(description="Missing share of the reference's ink here, 0-1.")
    extra: float = Field(description="Extra share of the learner's ink here, 0-1.")
    score: float = Field(description="0-100; 100 without faults.")


class NearCharacter(ClassName):
    """A character whose reference is near the image."""

    distance: float


class ComparisonAnswer(Success):
    """How close an image is to the reference of a character, and where to improve."""

    similarity_score: float = Field(
        description="100 at distance 0, 50 at the threshold, 0 at distance 2."
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
        description="The reference, overlaid with the learner's ink in red at half opacity."
    )
    regions: list[ComparedRegion] = Field(description="3x3, row by row.")
    feedback: list[str] = Field(
        description="Two to four sentences, the worst fault first. The last says so if the picture "
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
