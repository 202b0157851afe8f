"""Pydantic models of what is asked and answered."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from spectree.model_adapter.pydantic_adapter import BaseFile


class ErrorAnswer(BaseModel):
    """The one error shape."""

    success: Literal[False] = False
    error: str = Field(description="One sentence a person understands.")
    code: str = Field(description="What a program tells the cases apart by, snake_case.")
    details: dict[str, Any] | None = Field(
        default=None, description="Where there is more to say, e.g. the fields that failed."
    )


class PredictQuery(BaseModel):
    """Which model, which version."""

    # Pydantic keeps `model_` for itself otherwise; the fields are named after the contract.
    model_config = ConfigDict(protected_namespaces=())

    model: str = Field(default="ranjana", description="Name of the model.", max_length=64)
    version: str | None = Field(
        default=None,
        pattern=r"^\d{1,5}(\.\d{1,5}){0,3}$",
        description="A version such as 1.0; the default version if absent.",
    )


class ImageForm(BaseModel):
    """An image as a file of a multipart form."""

    image: BaseFile = Field(description="PNG, JPEG, WebP, BMP or GIF; may be called `file` too.")


class ImageJson(BaseModel):
    """An image inside JSON."""

    image: str = Field(description="The bytes of the image in base64, or a `data:` URI of them.")


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
    predicted_class: int = Field(description="0-35 for ranjana.")
    character: str = Field(description="The character in Devanagari.")
    name: str = Field(description="Its Latin name.")
    confidence: float = Field(description="Percent, 0-100.")
    top: list[Candidate] = Field(description="The five likeliest classes, best first.")
    probabilities: list[float] = Field(description="One a class, summing to 1.")
    processed_image: str = Field(
        description="What the model saw: 64x64 PNG, white ink on black, as a `data:` URI."
    )
    preprocessed: bool = Field(
        description="False when no character could be isolated and the whole image was used."
    )
    model: ModelVersion
    prediction_id: int | None = Field(description="Id in the history, null if not kept.")


class HealthAnswer(BaseModel):
    """The service itself is alive."""

    success: Literal[True] = True
    status: Literal["alive"] = "alive"


class ReadyAnswer(BaseModel):
    """Everything that a prediction needs is there."""

    success: Literal[True] = True
    status: Literal["ready"] = "ready"
    models: dict[str, str] = Field(description="`ready` for each model.")
