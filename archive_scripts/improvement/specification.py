"""The specification of a training: `spec.json` in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

SPECIFICATION = "spec.json"

_Rate = Annotated[float, Field(gt=0, le=1)]
_Strength = Annotated[float, Field(ge=0, le=2)]
_BatchSize = Annotated[int, Field(ge=2, le=1024)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Search(_Strict):
    """The search space of a tuning."""

    learning_rate: tuple[_Rate, _Rate] = (1e-5, 1e-2)
    """Lowest and highest; logarithmic scale."""
    batch_size: tuple[_BatchSize, ...] = Field((32, 64, 128), min_length=1)
    """The choices."""
    augmentation: tuple[_Strength, _Strength] = (0.5, 1.5)
    """Lowest and highest."""

    @model_validator(mode="after")
    def _ordered(self) -> Search:
        for name in ("learning_rate", "augmentation"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"the search for {name} goes from {low} down to {high}")
        return self


class Parameters(_Strict):
    """The training parameters."""

    epochs: int = Field(5, ge=1, le=1000)
    images_per_epoch: int = Field(2000, ge=2, le=10_000_000)
    batch_size: _BatchSize = 64
    learning_rate: _Rate = 5e-4
    """Peak of the one-cycle schedule."""
    augmentation: _Strength = 1.0
    """Strength of distortion and augmentation: 1 is that of real writers and cameras."""
    seed: int = Field(0, ge=0, lt=2**31)


class Specification(Parameters):
    """All fields of spec.json; `labelled` and `corrections` are relative to its folder."""

    model: Literal["ranjana", "similarity", "digits"]
    version: str = Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,49}$")
    job: int | None = None
    """Number of the service's job, for the model card."""
    mode: Literal["train", "tune"] = "train"
    start: Path | None = None
    """Initial weights; None for random ones."""
    network: Literal["small"] | None = None
    """A smaller network than the model's own; only without `start`."""
    synthesis: bool = True
    """Whether to train on synthetic handwriting."""
    labelled: Path | None = None
    corrections: Path | None = None
    trials: int = Field(10, ge=1, le=1000)
    search: Search = Search()
    model_store: Path
    workers: int = Field(1, ge=1, le=1024)

    @property
    def parameters(self) -> Parameters:
        """The training parameters alone."""
        return Parameters(**self.model_dump(include=set(Parameters.model_fields)))

    @model_validator(mode="after")
    def _sensible(self) -> Specification:
        if self.model == "digits" and self.synthesis:
            raise ValueError("digits have no described letterforms: synthesis must be false")
        if not (self.synthesis or self.labelled or self.corrections):
            raise ValueError("there is nothing to learn from: ask for synthesis or name pictures")
        if self.network and (self.start or self.model == "digits"):
            raise ValueError("a network can be chosen for characters only, and without start")
        largest = max(self.search.batch_size) if self.mode == "tune" else self.batch_size
        if self.images_per_epoch < largest:
            raise ValueError(
                f"an epoch of {self.images_per_epoch} images has no batch of {largest}"
            )
        for name in ("labelled", "corrections"):
            folder = getattr(self, name)
            if folder is not None and (folder.is_absolute() or ".." in folder.parts):
                raise ValueError(f"{name} must be a folder beside {SPECIFICATION}")
        return self


def read_specification(folder: Path) -> Specification:
    """Reads `folder`/spec.json. Raises ValueError if it is invalid, OSError if it is missing."""
    content = (folder / SPECIFICATION).read_bytes()
    try:
        return Specification.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        reason = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{SPECIFICATION}: {where}: {reason}" if where else reason) from None
