"""Jobs: batches of images, and the state of all jobs."""

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
    """Selects the model and its options."""

    model_config = ConfigDict(protected_namespaces=())

    model: str = Field(default=RECOGNITION, description="Name of the model.", max_length=64)
    version: VersionNumber = None
    enhancement_level: EnhancementLevel = None

    def options(self) -> dict[str, str]:
        """The request headers for the handler."""
        level = self.enhancement_level
        return {} if level is None else {"X-Enhancement-Level": str(level)}


class JobForm(BaseModel):
    """Many images, or one zip file of images."""

    images: list[BaseFile] | None = Field(default=None, description="Up to 1,000 files.")
    zip: BaseFile | None = Field(default=None, description="One zip of up to 1,000 files instead.")


class JobPageQuery(BaseModel):
    """Selects a page of jobs."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(
        default=None, max_length=64, description="`next` of the previous page."
    )


class OneJobQuery(BaseModel):
    """Selects what to show of a job."""

    results: bool = Field(default=True, description="Whether to include the results.")


class Counts(BaseModel):
    """Numbers of images of a job."""

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
    url: str = Field(description="Path of the state and the results.")


class JobState(BaseModel):
    """The state of a job."""

    id: int
    kind: Kind
    state: State
    progress: float = Field(ge=0, le=1)
    counts: Counts
    error: str | None = Field(description="Why the whole job failed.")
    outcome: TrainingOutcome | None = Field(description="The result of a training so far.")


class JobEntry(JobState):
    """A job."""

    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    model: str | None
    cancelling: bool = Field(description="Whether the job is being cancelled.")


class ImageRead(BaseModel):
    """The result of an image that was recognised."""

    file: str
    success: Literal[True] = True
    predicted_class: int
    digit: int | None = Field(default=None, description="The digit, only for the model digits.")
    character: str
    name: str
    confidence: float = Field(description="Percent.")
    top: list[Candidate]


class ImageFailed(ErrorAnswer):
    """The result of an image that could not be read."""

    file: str


class JobAnswer(JobEntry):
    """A job with its results so far."""

    results: list[ImageRead | ImageFailed] | None = Field(
        description="The results so far, in order of the files; null if not requested."
    )


class JobPage(BaseModel):
    """A page of the caller's jobs, newest first."""

    results: list[JobEntry]
    next: str | None = Field(description="Cursor of the next page, null on the last page.")
