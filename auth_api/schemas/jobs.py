"""Jobs: batches of images, and the state of all jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field
from spectree.model_adapter.pydantic_adapter import BaseFile

from auth_api.database.tables.jobs import Kind, State
from auth_api.schemas.bases import CursorQuery, Page, Success
from auth_api.schemas.errors import ErrorAnswer
from auth_api.schemas.recognition import Candidate, RecognitionQuery
from auth_api.schemas.training import TrainingOutcome


class JobQuery(RecognitionQuery):
    """Selects the model and its options."""


class JobForm(JobQuery):
    """Many images, or one zip file of images; and the options, which the query may have instead."""

    images: list[BaseFile] | None = Field(default=None, description="Up to 1,000 files.")
    zip: BaseFile | None = Field(default=None, description="One zip of up to 1,000 files instead.")


class JobPageQuery(CursorQuery):
    """Selects a page of jobs."""


class OneJobQuery(BaseModel):
    """Selects what to show of a job."""

    results: bool = Field(default=True, description="Whether to include the results.")


class Counts(BaseModel):
    """Numbers of images of a job."""

    total: int
    succeeded: int
    failed: int
    pending: int


class JobAccepted(Success):
    """The job is queued."""

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
    also: Candidate | None = Field(
        default=None, description="As in the answer of `/api/predict/`; absent in older jobs."
    )
    others: int | None = Field(
        default=None,
        description="How many more characters the picture shows; absent in older jobs.",
    )


class ImageFailed(ErrorAnswer):
    """The result of an image that could not be read."""

    file: str


class JobAnswer(JobEntry):
    """A job with its results so far."""

    results: list[ImageRead | ImageFailed] | None = Field(
        description="The results so far, in order of the files; null if not requested."
    )


class JobPage(Page[JobEntry]):
    """A page of the caller's jobs, newest first."""
