"""Models, their versions, traffic and evaluation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from auth_api.schemas.bases import Success
from auth_api.schemas.versions import VERSION

Version = Annotated[str, Field(pattern=f"^{VERSION}$", max_length=32)]


class VersionQuery(BaseModel):
    """Selects a version, the default version if absent."""

    version: Version | None = None


class NewVersion(BaseModel):
    """An archive to register."""

    archive: str = Field(
        max_length=132, description="Name of a file in the model store, such as ranjana-1.1.mar."
    )
    sha256: str | None = Field(
        default=None,
        pattern="^[0-9A-Fa-f]{64}$",
        description="Checksum of the archive; by default read from `<archive>.sha256`.",
    )


class OneVersion(BaseModel):
    """The number of a version."""

    version: Version


class Workers(BaseModel):
    """The number of workers."""

    workers: int = Field(ge=1, le=1000, description="At most the setting MAX_WORKERS.")


class Traffic(RootModel[dict[Version, float]]):
    """Percent of the users by version, 100 in total: `{"1.0": 90, "1.1": 10}`."""

    @field_validator("root")
    @classmethod
    def _require_100_percent(cls, shares: dict[str, float]) -> dict[str, float]:
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
    traffic: float = Field(description="Percent of the users.")
    state: str = Field(
        description="`ready`; `starting`: workers start; `failing`: no worker runs; `missing`: "
        "TorchServe does not serve it; `checking`: it is being tested."
    )
    archive: str = Field(description="File in the model store.")
    sha256: str
    workers: int = Field(description="Intended number of workers.")
    workers_ready: int
    batch_size: int | None
    max_batch_delay: int | None = Field(description="Milliseconds that a batch waits.")
    response_timeout: int | None = Field(description="Maximum seconds for a batch.")
    waiting: int | None = Field(description="Requests in the queue.")
    changed_at: datetime = Field(description="When it was registered or scaled.")
    figures: dict[str, Any] | None = Field(
        description="The main figures of the evaluation, and the data they were measured on. "
        "`fixed` has those on a fixed set of pictures: versions with the same `fixed.set` can be "
        "compared. Archives that are older have none."
    )


class ModelShown(BaseModel):
    """A model."""

    name: str
    state: str = Field(description="`ready`, or a sentence with the reason.")
    default: str | None = Field(description="The version that answers if none is requested.")
    previous: str | None = Field(description="The previous default version.")
    traffic: dict[str, float] = Field(description="Percent of the users by version.")
    versions: list[VersionShown] = Field(description="Newest first.")
    card: str | None = Field(description="The model card of the default version, in Markdown.")


class ModelAnswer(Success, ModelShown):
    """One model."""


class ModelsAnswer(Success):
    """All models."""

    models: list[ModelShown]


class ModelsStatus(Success):
    """Whether predictions can be made."""

    status: Literal["ready", "not_ready"]
    models: dict[str, str] = Field(description="`ready` or the reason, by model.")


class VersionAnswer(Success, VersionShown):
    """One version."""


class ReleaseAnswer(Success):
    """The default version and the traffic split of a model."""

    model: str
    default: str
    previous: str | None
    traffic: dict[str, float]
    since: datetime = Field(description="When this last changed.")


class _Figures(Success):
    """The version that was evaluated, and on which data."""

    model: str
    version: str
    data: str | None = Field(description="A sentence about the data.")
    pictures: int | None = Field(description="Number of pictures.")


class MetricsAnswer(_Figures):
    """Evaluation of a version, without confusion matrix and curves."""

    model_config = ConfigDict(extra="allow")

    per_class: list[dict[str, Any]] | None = None


class ConfusionAnswer(_Figures):
    """Numbers of pictures by written class (rows) and predicted class (columns)."""

    labels: list[str] = Field(description="Names of the classes.")
    matrix: list[list[int]]


class ConfusedPair(BaseModel):
    """Two classes that are taken for each other."""

    classes: tuple[int, int]
    share: float = Field(
        ge=0, le=1, description="Of the pictures of both, those read as the other one."
    )


class ConfusedPairs(_Figures):
    """The pairs of classes that are taken for each other most often, at most 12."""

    pairs: list[ConfusedPair]


class Curve(BaseModel):
    """A receiver operating characteristic."""

    model_config = ConfigDict(extra="allow")

    auc: float | None = Field(description="Area under the curve.")
    points: list[tuple[float, float]] = Field(description="False and true positive rate.")


class Curves(BaseModel):
    """ROC curves: of each class against the rest; for similarity, of same against different."""

    macro: Curve | None = Field(default=None, description="Mean over the classes.")
    classes: list[Curve] | None = Field(default=None, description="Each against the rest.")
    verification: Curve | None = Field(default=None, description="Same against different.")


class RocAnswer(_Figures, Curves):
    """ROC curves: of each class against the rest; for similarity, of same against different."""


class Estimate(BaseModel):
    """A mean with its 95 % confidence interval; null for fewer than two values."""

    mean: float | None
    low: float | None
    high: float | None


class LatencyEstimate(Estimate):
    """Response time in milliseconds."""

    p50: float | None
    p95: float | None


class ShareEstimate(BaseModel):
    """A share, 0-1, with its 95 % confidence interval (Wilson); null without data."""

    value: float | None
    low: float | None
    high: float | None


class ArmCorrections(BaseModel):
    """Feedback on the predictions of a version."""

    given: int
    wrong: int
    wrong_share: ShareEstimate


class ArmShown(BaseModel):
    """Measurements of a version."""

    version: str
    traffic: float = Field(description="Percent of the users.")
    requests: int
    answers: int
    refused: int = Field(description="Images that could not be read.")
    failed: int = Field(description="Requests without an answer.")
    fell_back: int = Field(description="Failed requests that the default version answered.")
    error_rate: ShareEstimate
    latency_ms: LatencyEstimate
    score: Estimate = Field(description="Confidence or similarity score, 0-100.")
    corrections: ArmCorrections


class Difference(BaseModel):
    """The value of a version minus that of the default, with the 95 % confidence interval."""

    value: float | None
    low: float | None
    high: float | None
    verdict: Literal["better", "worse", "higher", "lower", "no difference seen", "not enough data"]


class ArmComparison(BaseModel):
    """Comparison of a version with the default version."""

    version: str
    against: str
    latency_ms: Difference
    error_rate: Difference
    score: Difference = Field(description="Higher confidence does not mean a better model.")
    wrong_share: Difference | None = Field(description="Null for similarity.")


class TrafficReport(Success):
    """Comparison of the versions of a traffic split."""

    model: str
    since: datetime = Field(
        description="When the traffic last changed, rounded to the hour, after a month to the day."
    )
    default: str
    traffic: dict[str, float]
    arms: list[ArmShown] = Field(description="The versions, the default first.")
    comparisons: list[ArmComparison] = Field(description="Each other version against the default.")
