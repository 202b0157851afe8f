"""What a training that somebody asks for needs, and which version it will be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api.corrections.review import Corrections
from auth_api.database.database import Database
from auth_api.database.tables.jobs import UNFINISHED, Job
from auth_api.database.tables.models import ModelRelease, ModelVersion
from auth_api.errors import BadRequest, Conflict
from auth_api.http.validation import invalid
from auth_api.models.model_store import ModelStore
from auth_api.models.releases import Releases
from auth_api.schemas.training import TrainJson
from auth_api.schemas.versions import next_version
from auth_api.settings import RECOGNITION, SIMILARITY

TRAININGS = ("train", "tune")
"""The kinds of jobs that train."""

# Any number will do that nobody else uses in the same database.
_VERSIONS_LOCK = 72645263
# The version that is built from the source, whether it is there yet or not.
_FIRST = "1.0"


def corrected_model(model: str) -> str:
    """Whose corrections a model is trained on: what is compared was recognised too."""
    return RECOGNITION if model == SIMILARITY else model


@dataclass(frozen=True)
class Plan:
    """A training to be."""

    parameters: dict[str, Any]
    """Of its job."""
    settle: Callable[[Session, dict[str, Any]], None]
    """Sets the version in them, in the transaction that queues the job. Raises Conflict."""


class Planner:
    """Plans trainings of all models."""

    def __init__(
        self,
        database: Database,
        store: ModelStore,
        corrections: Corrections,
        releases: Releases,
    ) -> None:
        self._database = database
        self._store = store
        self._corrections = corrections
        self._releases = releases

    async def plan(self, model: str, asked: TrainJson, *, labelled: bool) -> Plan:
        """Plans a training, `labelled` if pictures came with it. Raises BadRequest, Conflict where
        versions are not made here, or Unavailable.
        """
        self._releases.require_ours()
        parameters = {**asked.model_dump(), "model": model, "labelled": labelled}
        parameters["synthesis"] = asked.synthesis and model != "digits"
        if not (parameters["synthesis"] or labelled or asked.corrections):
            raise BadRequest(
                "There is nothing to train on: send labelled pictures, or have it trained on "
                "corrections" + (" or synthesis." if model != "digits" else "."),
                "no_training_data",
            )
        if asked.network and (asked.start != "scratch" or model == "digits"):
            raise invalid("network", "can only be chosen to start from scratch, and not of digits")
        if asked.images_per_epoch < asked.largest_batch():
            raise invalid("images_per_epoch", "must be enough for the largest batch")
        if asked.corrections:
            await self._require_corrections(model)
        parameters["start"] = await self._start(model, asked.start)
        there = await asyncio.to_thread(self._store.versions, model)

        def settle(transaction: Session, parameters: dict[str, Any]) -> None:
            self._database.one_by_one(transaction, _VERSIONS_LOCK)
            taken = there | {_FIRST} | _spoken_for(transaction, model)
            version = parameters["version"] or next_version(taken)
            if version is None:
                raise Conflict(f"No number is left for a version of {model}.", "version_taken")
            if version in taken:
                raise Conflict(
                    f"There is, or will be, a version {version} of {model} already.",
                    "version_taken",
                )
            parameters["version"] = version

        return Plan(parameters, settle)

    async def _require_corrections(self, model: str) -> None:
        if not await self._corrections.any(corrected_model(model)):
            raise BadRequest(f"No correction of {model} counts as yet.", "no_corrections")

    async def _start(self, model: str, asked: str) -> str | None:
        """The version whose weights to start from, None for none."""
        if asked == "scratch":
            return None
        version = await self._default_version(model) if asked == "default" else asked
        weights = await asyncio.to_thread(self._store.weights, model, version) if version else None
        if weights:
            return version
        raise invalid("start", f"there are no weights of version {version or asked} of {model}")

    async def _default_version(self, model: str) -> str | None:
        """The one that is released, else the one that TorchServe starts with."""
        query = select(col(ModelRelease.default_version)).where(col(ModelRelease.model) == model)
        released = await self._database.read(lambda session: session.scalar(query))
        return released or await asyncio.to_thread(self._store.first_version, model)


def _spoken_for(transaction: Session, model: str) -> set[str]:
    """The versions that are or were registered, and those that are being trained."""
    known = select(col(ModelVersion.version)).where(col(ModelVersion.model) == model)
    coming = select(col(Job.parameters)).where(
        col(Job.state).in_(UNFINISHED), col(Job.kind).in_(TRAININGS)
    )
    jobs = [parameters for parameters in transaction.scalars(coming) if parameters]
    own = {parameters["version"] for parameters in jobs if parameters["model"] == model}
    return set(transaction.scalars(known)) | own
