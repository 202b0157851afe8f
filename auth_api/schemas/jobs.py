"""Jobs: what is asked, what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from spectree.model_adapter.pydantic_adapter import BaseFile

from auth_api.database.tables.jobs import Kind, State
from auth_api.schemas.errors import ErrorAnswer
from auth_api.schemas.recognition import Candidate, EnhancementLevel, VersionNumber
from auth_api.schemas.training import TrainingOutcome
from auth_api.settings import RECOGNITION


class JobQuery(BaseModel):
    """Which model is to read the images, and how."""

    model_config = ConfigDict(protected_namespaces=())

    model: str = Field(default=RECOGNITION, description="Name of the model.", max_length=64)
    version: VersionNumber = None
    enhancement_level: EnhancementLevel = None

    def options(self) -> dict[str, str]:
        """The request headers that tell the handler so."""
        level = self.enhancement_level
        return {} if level is None else {"X-Enhancement-Level": str(level)}


class JobForm(BaseModel):
    """Many images, or one zip of them."""

    images: list[BaseFile] | None = Field(
        default=None, description="Up to 1,000 files of this name."
    )
    zip: BaseFile | None = Field(default=None, description="Or one zip of up to 1,000 files.")


class JobPageQuery(BaseModel):
    """Which part of the list."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(
        default=None, max_length=64, description="`next` of the page before."
    )


class OneJobQuery(BaseModel):
    """How much of it."""

    results: bool = Field(default=True, description="Whether to answer the results as well.")


class Counts(BaseModel):
    """Of the images of a job."""

    total: int
    succeeded: int
    failed: int
    pending: int


class JobAccepted(BaseModel):
    """The job is queued."""

    success: Literal[True] = True
    job_id: int
    state: Literal["queued"] = "queued"
    counts: Counts
    url: str = Field(description="Where to ask for its state and results.")


class JobState(BaseModel):
    """How far a job is."""

    id: int
    kind: Kind
    state: State
    progress: float = Field(ge=0, le=1)
    counts: Counts
    error: str | None = Field(description="Of a job that failed as a whole, why.")
    outcome: TrainingOutcome | None = Field(
        description="Of a training, what has come of it so far."
    )


class JobEntry(JobState):
    """A job in the list."""

    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    model: str | None
    cancelling: bool = Field(description="Whether it is about to be cancelled.")


class ImageRead(BaseModel):
    """What an image of a job was read as."""

    file: str
    success: Literal[True] = True
    predicted_class: int
    digit: int | None = Field(default=None, description="Only of digits.")
    character: str
    name: str
    confidence: float = Field(description="Percent.")
    top: list[Candidate]


class ImageFailed(ErrorAnswer):
    """Why an image of a job could not be read."""

    file: str


class JobAnswer(JobEntry):
    """A job with its results so far."""

    results: list[ImageRead | ImageFailed] | None = Field(
        description="In the order of the files; those that there are so far, null if not asked for."
    )


class JobPage(BaseModel):
    """A page of one's jobs, newest first."""

    results: list[JobEntry]
    next: str | None = Field(description="The `cursor` of the next page, null on the last.")
