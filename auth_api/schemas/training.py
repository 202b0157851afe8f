"""Training and tuning of models."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator
from spectree.model_adapter.pydantic_adapter import BaseFile

from auth_api.schemas.bases import Success
from auth_api.schemas.spelling import misspelt
from auth_api.schemas.versions import VERSION

LearningRate = Annotated[float, Field(ge=1e-6, le=0.1, allow_inf_nan=False)]
BatchSize = Annotated[int, Field(ge=8, le=512)]
Augmentation = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]


def _in_order(values: list[float]) -> list[float]:
    if values[0] > values[1]:
        raise ValueError("the first must not be above the second")
    return values


def _from_text(value: object) -> object:
    """Parses JSON from a form field."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError("must be a JSON object") from error


_Range = Field(min_length=2, max_length=2)


class Search(BaseModel):
    """The search space of a tuning."""

    learning_rate: Annotated[list[LearningRate], _Range, AfterValidator(_in_order)] = Field(
        default=[1e-5, 1e-2], description="Lowest and highest value."
    )
    batch_size: list[BatchSize] = Field(
        default=[32, 64, 128], min_length=1, max_length=10, description="Values to try."
    )
    augmentation: Annotated[list[Augmentation], _Range, AfterValidator(_in_order)] = Field(
        default=[0.5, 1.5], description="Lowest and highest value."
    )

    @model_validator(mode="before")
    @classmethod
    def _require_spelling(cls, content: object) -> object:
        if isinstance(content, dict) and (mistake := misspelt(content.keys(), cls)):
            raise ValueError(f"there is no '{mistake[0]}'; is it meant to be '{mistake[1]}'")
        return content


class TrainJson(BaseModel):
    """Parameters of a training."""

    epochs: int = Field(default=5, ge=1, le=100, description="The model is evaluated after each.")
    images_per_epoch: int = Field(
        default=2000, ge=64, le=200_000, description="Images drawn per epoch."
    )
    batch_size: BatchSize = Field(default=64, description="Images per step.")
    learning_rate: LearningRate = Field(default=5e-4, description="Its peak value.")
    augmentation: Augmentation = Field(default=1.0, description="Its strength; version 1.0 has 1.")
    start: str = Field(
        default="default",
        pattern=f"^(default|scratch|{VERSION})$",
        description="Initial weights: those of the default version, none (`scratch`), or those of "
        "a version such as 1.0.",
    )
    network: Literal["small"] | None = Field(
        default=None,
        description="`small` trains faster and is less accurate than the network of similarity; "
        "ranjana has it anyway. Only from scratch, and not for digits.",
    )
    synthesis: bool = Field(
        default=True, description="Whether to use synthetic images; digits have none."
    )
    corrections: bool = Field(
        default=False,
        description="Whether to train on corrections that count and whose users consent.",
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    version: str | None = Field(
        default=None,
        pattern=f"^{VERSION}$",
        description="Version of the new model, the next free one if absent.",
    )

    def largest_batch(self) -> int:
        """The largest number of images in a step."""
        return self.batch_size


class TuneJson(TrainJson):
    """Parameters of a tuning."""

    trials: int = Field(default=10, ge=1, le=100, description="Number of trainings.")
    search: Annotated[Search, BeforeValidator(_from_text)] = Field(
        default=Search(), description="In a form, as JSON."
    )

    def largest_batch(self) -> int:
        """The largest number of images in a step."""
        return max(self.search.batch_size)


class _Labelled(BaseModel):
    labelled: BaseFile | None = Field(
        default=None,
        description="A zip of additional labelled pictures: one folder per class (`12`, "
        "`class_12`, `ड` or `dda`), or pictures called `class_12.png`.",
    )


class TrainForm(TrainJson, _Labelled):
    """Parameters of a training, with pictures."""


class TuneForm(TuneJson, _Labelled):
    """Parameters of a tuning, with pictures."""


class TrainingAccepted(Success):
    """The training is queued."""

    job_id: int
    state: Literal["queued"] = "queued"
    version: str = Field(description="Version of the new model.")
    url: str = Field(description="Path of the job.")


class Epoch(BaseModel):
    """Evaluation of the model after an epoch."""

    epoch: int = Field(description="Starts at 1.")
    epochs: int | None
    loss: float | None = Field(description="On the training data, null if not a number.")
    validation_loss: float | None = Field(description="On the validation data.")
    accuracy: float | None = Field(description="On the validation data, 0-1.")
    seconds: float | None


class Trial(BaseModel):
    """A training of the search and its result."""

    trial: int = Field(description="Starts at 0.")
    trials: int | None
    state: str | None = Field(description="`complete`, or `pruned`: stopped early.")
    parameters: dict[str, float | None] | None
    accuracy: float | None


class TrainingOutcome(BaseModel):
    """The result of a training so far."""

    version: str
    epochs: list[Epoch]
    trials: list[Trial]
    archive: str | None = Field(default=None, description="The new archive in the model store.")
    sha256: str | None = Field(default=None, description="Checksum of that archive.")
    before: dict[str, Any] | None = Field(default=None, description="Figures before the training.")
    after: dict[str, Any] | None = Field(default=None, description="Figures after the training.")
    parameters: dict[str, Any] | None = Field(default=None, description="Its parameters.")
    registered: bool = Field(default=False, description="Whether requests can name the version.")
    not_registered: str | None = Field(default=None, description="Why it is not registered.")
