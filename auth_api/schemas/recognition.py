"""Recognition."""

from __future__ import annotations

from pydantic import BaseModel, Field

from auth_api.schemas.bases import CharacterSet, ClassName, Success
from auth_api.schemas.errors import ErrorAnswer
from auth_api.schemas.versions import VERSION
from auth_api.schemas.writing import (
    HeatmapQuery,
    ImageQuery,
    ImagesForm,
    ImagesJson,
    PenQuery,
    WritingForm,
    WritingJson,
)
from auth_api.settings import RECOGNITION


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
