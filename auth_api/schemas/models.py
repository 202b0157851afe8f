"""Models: what is asked, what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from auth_api.schemas.versions import VERSION

Version = Annotated[str, Field(pattern=f"^{VERSION}$", max_length=32)]


class VersionQuery(BaseModel):
    """Which version; the default if none is named."""

    version: Version | None = None


class NewVersion(BaseModel):
    """An archive to register."""

    archive: str = Field(
        max_length=132, description="Name of a file in the model store, such as ranjana-1.1.mar."
    )
    sha256: str | None = Field(
        default=None,
        pattern="^[0-9A-Fa-f]{64}$",
        description="Its checksum; what `<archive>.sha256` in the model store says if absent.",
    )


class OneVersion(BaseModel):
    """A version."""

    version: Version


class Workers(BaseModel):
    """How many workers."""

    workers: int = Field(ge=1, le=1000, description="Up to the setting MAX_WORKERS.")


class Traffic(RootModel[dict[Version, float]]):
    """Percent of the users by version, 100 in all: `{"1.0": 90, "1.1": 10}`."""

    @field_validator("root")
    @classmethod
    def _whole(cls, shares: dict[str, float]) -> dict[str, float]:
        if len(shares) > 10:
            raise ValueError("names more than 10 versions")
        if any(not 0 <= share <= 100 for share in shares.values()):
            raise ValueError("has a share that is not between 0 and 100")
        if abs(sum(shares.values()) - 100) > 1e-6:
            raise ValueError("does not sum to 100")
        return shares


class VersionShown(BaseModel):
    """A version of a model."""

    version: str
    default: bool
    traffic: float = Field(description="Percent of the users that get it.")
    state: str = Field(
        description="`ready`; `starting` while workers do; `failing` without any; `missing` where "
        "TorchServe does not serve it; `checking` while it is tried out."
    )
    archive: str = Field(description="Its file in the model store.")
    sha256: str
    workers: int = Field(description="How many there are to be.")
    workers_ready: int
    batch_size: int | None
    max_batch_delay: int | None = Field(description="Milliseconds that a batch waits to be full.")
    response_timeout: int | None = Field(description="Seconds that a worker may take.")
    waiting: int | None = Field(description="Requests in its queue.")
    changed_at: datetime = Field(description="When it was registered, or scaled.")
    figures: dict[str, Any] | None = Field(
        description="The main figures of its evaluation, and what they were measured on."
    )


class ModelShown(BaseModel):
    """A model."""

    name: str
    state: str = Field(description="`ready`, or a sentence that says why not.")
    default: str | None = Field(description="Version that answers unless another is named.")
    previous: str | None = Field(description="The default before that.")
    traffic: dict[str, float] = Field(description="Percent of the users by version.")
    versions: list[VersionShown] = Field(description="Newest first.")
    card: str | None = Field(description="The model card of the default version, Markdown.")


class ModelAnswer(ModelShown):
    """One model."""

    success: Literal[True] = True


class ModelsAnswer(BaseModel):
    """All models."""

    success: Literal[True] = True
    models: list[ModelShown]


class ModelsStatus(BaseModel):
    """Whether predictions can be made."""

    success: Literal[True] = True
    status: Literal["ready", "not_ready"]
    models: dict[str, str] = Field(description="`ready` for each model, or why not.")


class VersionAnswer(VersionShown):
    """One version."""

    success: Literal[True] = True


class ReleaseAnswer(BaseModel):
    """Who gets which version."""

    success: Literal[True] = True
    model: str
    default: str
    previous: str | None
    traffic: dict[str, float]
    since: datetime = Field(description="When this was changed last.")


class _Figures(BaseModel):
    """Of which version, and measured on what."""

    success: Literal[True] = True
    model: str
    version: str
    data: str | None = Field(description="What was measured on, in a sentence.")
    pictures: int | None = Field(description="How many.")


class MetricsAnswer(_Figures):
    """What the evaluation of a version found, but for the matrix and the curves."""

    model_config = ConfigDict(extra="allow")

    per_class: list[dict[str, Any]] | None = None


class ConfusionAnswer(_Figures):
    """Pictures by what was written (rows) and what was read (columns)."""

    labels: list[str] = Field(description="Names of the classes.")
    matrix: list[list[int]]


class Curve(BaseModel):
    """A receiver operating characteristic."""

    model_config = ConfigDict(extra="allow")

    auc: float | None = Field(description="Area under it.")
    points: list[tuple[float, float]] = Field(
        description="False positive rate and true positive rate."
    )


class Curves(BaseModel):
    """How well classes are told from all others; for similarity, same from different."""

    macro: Curve | None = Field(default=None, description="Mean over the classes.")
    classes: list[Curve] | None = Field(default=None, description="One a class against the rest.")
    verification: Curve | None = Field(default=None, description="Same against different.")


class RocAnswer(_Figures, Curves):
    """How well classes are told from all others; for similarity, same from different."""


class Estimate(BaseModel):
    """A mean with its 95 % interval; null of fewer than two."""

    mean: float | None
    low: float | None
    high: float | None


class LatencyEstimate(Estimate):
    """Milliseconds from sending an image to its answer."""

    p50: float | None
    p95: float | None


class ShareEstimate(BaseModel):
    """A share, 0-1, with its 95 % interval (Wilson); null of none."""

    value: float | None
    low: float | None
    high: float | None


class ArmCorrections(BaseModel):
    """What users said of its predictions."""

    given: int
    wrong: int
    wrong_share: ShareEstimate


class ArmShown(BaseModel):
    """What came of a version."""

    version: str
    traffic: float = Field(description="Percent of the users that get it.")
    requests: int
    answers: int
    refused: int = Field(description="Images that could not be read.")
    failed: int = Field(description="Requests that it did not answer.")
    fell_back: int = Field(description="Of these, those that the default answered.")
    error_rate: ShareEstimate
    latency_ms: LatencyEstimate
    score: Estimate = Field(description="Confidence or similarity score, 0-100.")
    corrections: ArmCorrections


class Difference(BaseModel):
    """By how much a version is above the default, with the 95 % interval."""

    value: float | None
    low: float | None
    high: float | None
    verdict: Literal["better", "worse", "higher", "lower", "no difference seen", "not enough data"]


class ArmComparison(BaseModel):
    """A version and the default."""

    version: str
    against: str
    latency_ms: Difference
    error_rate: Difference
    score: Difference = Field(description="A surer model is not a better one.")
    wrong_share: Difference | None = Field(description="Of corrections; null for similarity.")


class TrafficReport(BaseModel):
    """How the versions among which users are divided compare."""

    success: Literal[True] = True
    model: str
    since: datetime = Field(
        description="The hour, after a month the day, in which the traffic was last changed."
    )
    default: str
    traffic: dict[str, float]
    arms: list[ArmShown] = Field(description="The default first.")
    comparisons: list[ArmComparison] = Field(description="Of each other version.")
