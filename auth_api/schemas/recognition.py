"""Recognition and comparison: what is asked, what is answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from spectree.model_adapter.pydantic_adapter import BaseFile

from auth_api.schemas.errors import ErrorAnswer
from auth_api.schemas.versions import VERSION
from auth_api.settings import RECOGNITION

MOST_IMAGES = 32
"""In one request."""

VersionNumber = Annotated[
    str | None,
    Field(
        pattern=f"^{VERSION}$",
        description="A version such as 1.0; the default version if absent.",
    ),
]

EnhancementLevel = Annotated[
    int | None,
    Field(
        ge=0,
        le=2,
        description="What to do about a poor picture: 0 nothing, 1 or 2 for noise and faint "
        "writing; as much as it takes if absent.",
    ),
]


class PredictQuery(BaseModel):
    """Which model, which version."""

    # Pydantic keeps `model_` for itself otherwise; the fields are named after the contract.
    model_config = ConfigDict(protected_namespaces=())

    model: str = Field(default=RECOGNITION, description="Name of the model.", max_length=64)
    version: VersionNumber = None
    heatmap: bool = Field(default=False, description="Whether to show where the model looked.")
    enhancement_level: EnhancementLevel = None

    def options(self) -> dict[str, str]:
        """The request headers that tell the handler so."""
        return _options(self.heatmap, self.enhancement_level)


def _options(heatmap: bool, enhancement_level: int | None) -> dict[str, str]:
    options = {"X-Heatmap": "true"} if heatmap else {}
    if enhancement_level is not None:
        options["X-Enhancement-Level"] = str(enhancement_level)
    return options


class ImageForm(BaseModel):
    """An image as a file of a multipart form."""

    image: BaseFile = Field(description="PNG, JPEG, WebP, BMP or GIF; may be called `file` too.")


class ImageJson(BaseModel):
    """An image inside JSON."""

    image: str = Field(description="The bytes of the image in base64, or a `data:` URI of them.")


class BatchForm(BaseModel):
    """Images as files of a multipart form."""

    images: list[BaseFile] = Field(description="Up to 32 files of this name, as for one image.")


class BatchJson(BaseModel):
    """Images inside JSON."""

    images: list[str] = Field(
        min_length=1, max_length=MOST_IMAGES, description="Each as for one image."
    )


class Candidate(BaseModel):
    """One of the likeliest classes."""

    model_config = ConfigDict(populate_by_name=True)

    class_: int = Field(alias="class")
    character: str
    name: str
    confidence: float = Field(description="Percent.")


class ModelVersion(BaseModel):
    """Which model answered."""

    name: str
    version: str


class PredictAnswer(BaseModel):
    """What an image was read as."""

    success: Literal[True] = True
    predicted_class: int = Field(description="0-35 for ranjana, 0-9 for digits.")
    digit: int | None = Field(default=None, description="Only of digits: the digit.")
    character: str = Field(description="The character in Devanagari, or the digit.")
    name: str = Field(description="Its Latin name.")
    confidence: float = Field(description="Percent, 0-100.")
    top: list[Candidate] = Field(description="The five likeliest classes, best first.")
    probabilities: list[float] = Field(description="One a class, summing to 1.")
    processed_image: str = Field(
        description="What the model saw: a PNG of 64x64, of digits 28x28, white ink on black, as a "
        "`data:` URI."
    )
    preprocessed: bool = Field(
        description="False when no character could be isolated and the whole image was used."
    )
    heatmap: str | None = Field(
        default=None,
        description="Only where asked for: where the model looked (Grad-CAM), 256x256 PNG.",
    )
    model: ModelVersion
    prediction_id: int | None = Field(description="Id in the history, null if not kept.")


class BatchAnswer(BaseModel):
    """What images were read as."""

    success: Literal[True] = True
    results: list[PredictAnswer | ErrorAnswer] = Field(description="In the order of the images.")


class ComparisonQuery(BaseModel):
    """How to compare, and what more to answer."""

    strictness: Literal["lenient", "normal", "strict"] = Field(
        default="normal", description="What counts as a fault; the distance stays the same."
    )
    embedding: bool = Field(default=False, description="Whether to answer the embedding.")
    heatmap: bool = Field(default=False, description="Whether to show where the model looked.")
    enhancement_level: EnhancementLevel = None

    def options(self) -> dict[str, str]:
        """The request headers that tell the handler so."""
        options: dict[str, str] = {"X-Strictness": self.strictness}
        options |= {"X-Embedding": "true"} if self.embedding else {}
        return options | _options(self.heatmap, self.enhancement_level)


def _plain_number(value: object) -> object:
    """Takes 12 and "12", and not what Python takes for a number besides: true, "1_0", "12.0"."""
    text = isinstance(value, str) and not (value.isascii() and value.strip().isdigit())
    if text or isinstance(value, bool):
        raise ValueError("must be the number of a class, such as 12")
    return value


class ComparisonFields(BaseModel):
    """What to compare with."""

    target_class: Annotated[int, BeforeValidator(_plain_number)] = Field(
        ge=0, le=999_999_999, description="The character meant, 0-35."
    )


class ComparisonForm(ImageForm, ComparisonFields):
    """An image as a file of a multipart form, and what to compare it with."""


class ComparisonJson(ImageJson, ComparisonFields):
    """An image inside JSON, and what to compare it with."""


class ComparedRegion(BaseModel):
    """One of the nine thirds of thirds of the reference picture."""

    row: int = Field(description="0 at the top to 2.")
    column: int = Field(description="0 on the left to 2.")
    missing: float = Field(description="Share of the reference's ink there that is missing, 0-1.")
    extra: float = Field(description="Share of the learner's ink that is extra, 0-1.")
    score: float = Field(description="0-100, 100 without a fault.")


class NearCharacter(BaseModel):
    """A character whose reference is near."""

    class_: int = Field(alias="class")
    character: str
    name: str
    distance: float


class ComparisonAnswer(BaseModel):
    """How near an image is to the reference of a character, and where to improve."""

    success: Literal[True] = True
    similarity_score: float = Field(
        description="100 at distance 0, 50 at the threshold, 0 at distance 2."
    )
    distance: float = Field(description="Between embeddings of length 1, 0-2.")
    is_same_character: bool = Field(description="Whether the distance is below the threshold.")
    threshold: float
    compared_with_class: int
    character: str = Field(description="The character compared with, in Devanagari.")
    name: str = Field(description="Its Latin name.")
    form: str = Field(description="The way of writing it that the ink was compared with.")
    reference_image: str = Field(description="256x256 grey PNG, black on white, `data:` URI.")
    user_image: str = Field(description="The learner's ink likewise.")
    blended_overlay: str = Field(
        description="The reference with the learner's ink, laid over it at half opacity, in red."
    )
    regions: list[ComparedRegion] = Field(description="3x3, row by row.")
    feedback: list[str] = Field(description="Two to four sentences, the worst fault first.")
    nearest: list[NearCharacter] = Field(description="The five nearest references.")
    preprocessed: bool = Field(
        description="False when no character could be isolated and the whole image was used."
    )
    embedding: list[float] | None = Field(
        default=None, description="Only where asked for: 128 numbers, of length 1 together."
    )
    heatmap: str | None = Field(
        default=None,
        description="Only where asked for: what speaks for the character (Grad-CAM), PNG.",
    )
    model: ModelVersion
    comparison_id: int | None = Field(description="Id in the history, null if not kept.")
