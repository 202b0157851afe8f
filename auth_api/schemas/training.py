"""Trainings: what is asked, and what comes of them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from spectree.model_adapter.pydantic_adapter import BaseFile

from auth_api.schemas.versions import VERSION

LearningRate = Annotated[float, Field(ge=1e-6, le=0.1, allow_inf_nan=False)]
BatchSize = Annotated[int, Field(ge=8, le=512)]
Augmentation = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]


def _in_order(values: list[float]) -> list[float]:
    if values[0] > values[1]:
        raise ValueError("the first must not be above the second")
    return values


def _from_text(value: object) -> object:
    """JSON in a field of a form."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError("must be a JSON object") from error


_Range = Field(min_length=2, max_length=2)


class Search(BaseModel):
    """What is tried out."""

    model_config = ConfigDict(extra="forbid")

    learning_rate: Annotated[list[LearningRate], _Range, AfterValidator(_in_order)] = Field(
        default=[1e-5, 1e-2], description="Lowest and highest."
    )
    batch_size: list[BatchSize] = Field(
        default=[32, 64, 128], min_length=1, max_length=10, description="Each that is tried."
    )
    augmentation: Annotated[list[Augmentation], _Range, AfterValidator(_in_order)] = Field(
        default=[0.5, 1.5], description="Least and most."
    )


class TrainJson(BaseModel):
    """What to train a model on, and for how long."""

    model_config = ConfigDict(extra="forbid")

    epochs: int = Field(default=5, ge=1, le=100, description="How often it is measured.")
    images_per_epoch: int = Field(
        default=2000, ge=64, le=200_000, description="Images that are drawn, each seen once."
    )
    batch_size: BatchSize = Field(default=64, description="Images a step.")
    learning_rate: LearningRate = Field(default=5e-4, description="At its peak.")
    augmentation: Augmentation = Field(
        default=1.0, description="How much images are bent and spoilt; 1 as the first version was."
    )
    start: str = Field(
        default="default",
        pattern=f"^(default|scratch|{VERSION})$",
        description="Whose weights to start from: the version that is the default now, none, or "
        "a version such as 1.0.",
    )
    network: Literal["small"] | None = Field(
        default=None,
        description="Only to start from scratch, and not of digits: a network that learns quickly "
        "and reads worse.",
    )
    synthesis: bool = Field(
        default=True, description="Whether to train on described letterforms; digits have none."
    )
    corrections: bool = Field(
        default=False,
        description="Whether to train on the corrections of users that count and that their "
        "users consent to.",
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    version: str | None = Field(
        default=None,
        pattern=f"^{VERSION}$",
        description="Of the new model; one that there is not. The next free one if absent.",
    )

    def largest_batch(self) -> int:
        """Images of the largest step that is taken."""
        return self.batch_size


class TuneJson(TrainJson):
    """The same, in search of the parameters that are best."""

    trials: int = Field(default=10, ge=1, le=100, description="Trainings that are tried.")
    search: Annotated[Search, BeforeValidator(_from_text)] = Field(
        default=Search(), description="In a form: as JSON."
    )

    def largest_batch(self) -> int:
        """Images of the largest step that is taken."""
        return max(self.search.batch_size)


class _Labelled(BaseModel):
    labelled: BaseFile | None = Field(
        default=None,
        description="A zip of labelled pictures to train on besides, one folder a class (`12`, "
        "`class_12`, `ड` or `dda`), or pictures called `class_12.png`.",
    )


class TrainForm(TrainJson, _Labelled):
    """What to train a model on, with pictures."""


class TuneForm(TuneJson, _Labelled):
    """The same, in search of the parameters that are best."""


class TrainingAccepted(BaseModel):
    """The training is queued."""

    success: Literal[True] = True
    job_id: int
    state: Literal["queued"] = "queued"
    version: str = Field(description="That the new model will have.")
    url: str = Field(description="Where to ask for its state.")


class Epoch(BaseModel):
    """How good the model was after some of the training."""

    epoch: int = Field(description="1 is the first.")
    epochs: int | None
    loss: float | None = Field(description="On what it was trained on, null if not a number.")
    validation_loss: float | None = Field(description="On what it was not trained on.")
    accuracy: float | None = Field(description="On what it was not trained on, 0-1.")
    seconds: float | None


class Trial(BaseModel):
    """What one set of parameters led to."""

    trial: int = Field(description="0 is the first.")
    trials: int | None
    state: str | None = Field(description="`complete`, or `pruned`: given up early.")
    parameters: dict[str, float | None] | None
    accuracy: float | None


class TrainingOutcome(BaseModel):
    """What has come of a training so far."""

    version: str
    epochs: list[Epoch]
    trials: list[Trial]
    archive: str | None = Field(default=None, description="The new archive in the model store.")
    sha256: str | None = Field(default=None, description="Of that archive.")
    before: dict[str, Any] | None = Field(
        default=None, description="Figures of the weights that it started from."
    )
    after: dict[str, Any] | None = Field(default=None, description="Those of the new ones.")
    parameters: dict[str, Any] | None = Field(default=None, description="What it was made with.")
    registered: bool = Field(
        default=False, description="Whether the new version can be asked for by its number."
    )
    not_registered: str | None = Field(default=None, description="Why not.")
