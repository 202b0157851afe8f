"""Submits trainings: a request or a command becomes a job in the queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from starlette.requests import Request

from auth_api.authorisation.access import Caller
from auth_api.database.tables.jobs import Job
from auth_api.errors import NotFound
from auth_api.jobs.uploads import Received
from auth_api.jobs.user_jobs import UserJobs
from auth_api.practice.alphabets import ALPHABETS
from auth_api.schemas.training import TrainJson
from auth_api.training.planning import Planner, corrected_model


def require_trainable(model: str, served: Sequence[str]) -> None:
    """Raises `NotFound` unless `model` is one of those `served` and can be trained."""
    if model not in served or corrected_model(model) not in ALPHABETS:
        raise NotFound(f"There is no model {model}.", "model_not_found")


async def queued(
    jobs: UserJobs,
    planner: Planner,
    owner: Caller | int,
    kind: Literal["train", "tune"],
    model: str,
    training: TrainJson,
    received: Received | None = None,
    request: Request | None = None,
) -> Job:
    """Plans a training and queues its job, for an owner as in `UserJobs.add`. `received` has the
    labelled pictures.

    Raises `BadRequest`, `Conflict` and what `UserJobs.add` raises, after deleting the pictures.
    """
    try:
        plan = await planner.plan(model, training, labelled=received is not None)
    except BaseException:
        if received:
            received.file.discard()
        raise
    return await jobs.add(owner, kind, plan.parameters, received, request, plan.set_version)
