"""Trainings, which are jobs: asked for here, followed under `/api/jobs/`."""

from __future__ import annotations

from typing import Any, Literal

from starlette.requests import Request
from starlette.routing import Route

from auth_api.authorisation.access import at_least
from auth_api.errors import BadRequest, UnsupportedMedia
from auth_api.http.json_response import JSONResponse
from auth_api.http.validation import body_type, json_object, validated
from auth_api.jobs.upload_forms import Limits
from auth_api.jobs.uploads import Received
from auth_api.practice.alphabets import ALPHABETS
from auth_api.routes.openapi import documented
from auth_api.schemas.training import TrainForm, TrainingAccepted, TrainJson, TuneForm, TuneJson
from auth_api.services import caller, services
from auth_api.training.labelled_uploads import receive_labelled
from auth_api.training.planning import corrected_model
from auth_api.training.submission import queued, require_trainable

_TRAINING = at_least("data-scientist")


@documented(
    tag="models",
    access=_TRAINING,
    json=TrainJson,
    form=TrainForm,
    answer=TrainingAccepted,
    status=202,
    errors=(404, 409),
)
async def train(request: Request) -> JSONResponse:
    """Trains a model, later.

    The result is a new version in the model store, with its card and its evaluation, that is
    not released: nobody gets it who does not ask for it.
    """
    return await _queue(request, "train", TrainJson)


@documented(
    tag="models",
    access=_TRAINING,
    json=TuneJson,
    form=TuneForm,
    answer=TrainingAccepted,
    status=202,
    errors=(404, 409),
)
async def tune(request: Request) -> JSONResponse:
    """Looks for the parameters that a model is best trained with, later.

    The best of the models that are trained on the way is the result, as of a training.
    """
    return await _queue(request, "tune", TuneJson)


async def _queue(
    request: Request, kind: Literal["train", "tune"], schema: type[TrainJson]
) -> JSONResponse:
    having, owner = services(request), caller(request)
    model = request.path_params["name"]
    require_trainable(model, having.settings.models)
    await having.jobs.require_room(owner.user_id)
    content, received = await _sent(request, model)
    try:
        asked = validated(content, schema)
    except BadRequest:
        if received:
            received.file.discard()
        raise
    made = await queued(having.jobs, having.planner, owner, kind, model, asked, received, request)
    url = f"/api/jobs/{made.id}/"
    answer = {"success": True, "job_id": made.id, "state": "queued"}
    answer |= {"version": made.parameters["version"], "url": url}
    return JSONResponse(answer, 202, {"Location": url})


async def _sent(request: Request, model: str) -> tuple[dict[str, Any], Received | None]:
    """The fields, and the zip of a form that has one."""
    kind = body_type(request)
    if kind == "application/json":
        return await json_object(request), None
    if kind != "multipart/form-data":
        raise UnsupportedMedia("Send JSON, or a multipart form with pictures as 'labelled'.")
    having = services(request)
    limits = Limits(having.settings.max_body_bytes, having.settings.max_job_bytes)
    alphabet = ALPHABETS[corrected_model(model)]
    form = await receive_labelled(request, having.inputs, limits, alphabet)
    return {**form.texts}, form.received


routes = [
    Route("/api/models/{name}/train/", train, methods=["POST"]),
    Route("/api/models/{name}/tune/", tune, methods=["POST"]),
]
