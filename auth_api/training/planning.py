"""Plans trainings: checks what was requested, chooses the version that will be made, queues it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request

from auth_api.authorisation.access import Caller
from auth_api.corrections.data_set import CorrectionDataSet
from auth_api.database.database import Database
from auth_api.database.tables.jobs import UNFINISHED, Job
from auth_api.database.tables.models import ModelRelease, ModelVersion
from auth_api.errors import BadRequest, Conflict, NotFound
from auth_api.http.validation import invalid
from auth_api.jobs.uploads import Received
from auth_api.jobs.user_jobs import UserJobs
from auth_api.models.model_store import ModelStore
from auth_api.models.releases import Releases
from auth_api.practice.alphabets import ALPHABETS
from auth_api.schemas.training import TrainJson
from auth_api.schemas.versions import next_version
from auth_api.settings import RECOGNITION, SIMILARITY

TRAININGS = ("train", "tune")
"""Kinds of jobs that train a model."""

# An arbitrary number; no other advisory lock of the database may have the same.
_VERSIONS_LOCK = 72645263
# The version that is built from the source. It is reserved even if it is not built yet.
_BUILT_IN_VERSION = "1.0"


def corrected_model(model: str) -> str:
    """The model whose corrections train `model`: similarity uses those of recognition."""
    return RECOGNITION if model == SIMILARITY else model


def require_trainable(model: str, served: Sequence[str]) -> None:
    """Raises `NotFound` unless `model` is one of those `served` and can be trained."""
    if model not in served or corrected_model(model) not in ALPHABETS:
        raise NotFound(f"There is no model {model}.", "model_not_found")


@dataclass(frozen=True)
class Planner:
    """Plans trainings of any model."""

    database: Database
    store: ModelStore
    corrections: CorrectionDataSet
    releases: Releases
    jobs: UserJobs

    async def queue(
        self,
        owner: Caller | int,
        kind: Literal["train", "tune"],
        model: str,
        training: TrainJson,
        received: Received | None = None,
        request: Request | None = None,
        reservation: int | None = None,
    ) -> Job:
        """Plans a training and queues its job, for an owner as in `UserJobs.add`. `received` has
        the labelled pictures, for which there is a `reservation`.

        Raises `BadRequest`, `Conflict` (also if another system manages the versions) and what
        `UserJobs.add` raises, after deleting the pictures.
        """
        try:
            parameters = await self._plan(model, training, labelled=received is not None)
            stored = await asyncio.to_thread(self.store.versions, model)
        except BaseException:
            if received:
                await self.jobs.inputs.discard([received.file.path.name])
            raise

        def set_version(transaction: Session, parameters: dict[str, Any]) -> None:
            # In the transaction that queues the job, so that no two trainings get the same version.
            self.database.one_by_one(transaction, _VERSIONS_LOCK)
            taken = stored | {_BUILT_IN_VERSION} | _reserved_versions(transaction, model)
            version = parameters["version"] or next_version(taken)
            if version is None:
                raise Conflict(f"No version number is left for {model}.", "version_taken")
            if version in taken:
                raise Conflict(f"Version {version} of {model} is taken already.", "version_taken")
            parameters["version"] = version

        return await self.jobs.add(
            owner, kind, parameters, received, request, set_version, reservation
        )

    async def _plan(self, model: str, training: TrainJson, *, labelled: bool) -> dict[str, Any]:
        """The parameters of the job, whose version may be None."""
        self.releases.require_ours()
        parameters = {**training.model_dump(), "model": model, "labelled": labelled}
        parameters["synthesis"] = training.synthesis and model != "digits"
        if not (parameters["synthesis"] or labelled or training.corrections):
            raise BadRequest(
                "There is nothing to train on: send labelled pictures, or train on corrections"
                + (" or synthesis." if model != "digits" else "."),
                "no_training_data",
            )
        if training.network and (training.start != "scratch" or model == "digits"):
            raise invalid("network", "can be chosen only if start is scratch, and not for digits")
        if training.images_per_epoch < training.largest_batch():
            raise invalid("images_per_epoch", "must be enough for the largest batch")
        corrected = corrected_model(model)
        if training.corrections and not await self.corrections.has_corrections(corrected):
            raise BadRequest(f"No correction of {model} counts yet.", "no_corrections")
        parameters["start"] = await self._start_version(model, training.start)
        return parameters

    async def _start_version(self, model: str, start: str) -> str | None:
        """The version whose weights the training starts from, None for random weights."""
        if start == "scratch":
            return None
        version = await self._default_version(model) if start == "default" else start
        weights = await asyncio.to_thread(self.store.weights, model, version) if version else None
        if weights:
            return version
        raise invalid("start", f"there are no weights of version {version or start} of {model}")

    async def _default_version(self, model: str) -> str | None:
        """The released default, else the version that TorchServe starts with."""
        query = select(col(ModelRelease.default_version)).where(col(ModelRelease.model) == model)
        released = await self.database.read(lambda session: session.scalar(query))
        return released or await asyncio.to_thread(self.store.first_version, model)


def _reserved_versions(transaction: Session, model: str) -> set[str]:
    """Versions that are or were registered, or that an unfinished job trains."""
    registered = select(col(ModelVersion.version)).where(col(ModelVersion.model) == model)
    unfinished = select(col(Job.parameters)).where(
        col(Job.state).in_(UNFINISHED), col(Job.kind).in_(TRAININGS)
    )
    jobs = [parameters for parameters in transaction.scalars(unfinished) if parameters]
    training = {parameters["version"] for parameters in jobs if parameters["model"] == model}
    return set(transaction.scalars(registered)) | training
