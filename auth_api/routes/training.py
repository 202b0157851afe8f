"""Training and tuning. Both queue a job, which `/api/jobs/` shows."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Literal

from starlette.requests import Request
from starlette.routing import Route

from auth_api.authorisation.access import at_least
from auth_api.http.content_types import FORM_TYPE, JSON_TYPE, body_type, unsupported
from auth_api.http.json_response import JSONResponse
from auth_api.http.validation import json_object, validated
from auth_api.jobs.owners import ROLES
from auth_api.jobs.upload_forms import Limits
from auth_api.jobs.uploads import Received
from auth_api.practice.alphabets import ALPHABETS
from auth_api.routes.openapi import documented
from auth_api.schemas.training import TrainForm, TrainingAccepted, TrainJson, TuneForm, TuneJson
from auth_api.services import caller, services
from auth_api.training.labelled_uploads import receive_labelled
from auth_api.training.planning import corrected_model, require_trainable

_TRAINING = at_least(ROLES["train"])


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
    """Queues a job that trains a model.

    The result is a new version with model card and evaluation. It gets no traffic, but requests can
    name it.
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
    """Queues a job that searches the best training parameters.

    The best model of the search becomes a new version, as after a training.
    """
    return await _queue(request, "tune", TuneJson)


async def _queue(
    request: Request, kind: Literal["train", "tune"], schema: type[TrainJson]
) -> JSONResponse:
    app, owner = services(request), caller(request)
    model = request.path_params["name"]
    require_trainable(model, app.settings.models)
    is_form = body_type(request) == FORM_TYPE
    async with app.reservations.reserve(owner, request) if is_form else nullcontext() as place:
        fields, received = await _parse(request, model, schema)
        job = await app.planner.queue(owner, kind, model, fields, received, request, place)
    url = f"/api/jobs/{job.id}/"
    answer = {"success": True, "job_id": job.id, "state": "queued"}
    answer |= {"version": job.parameters["version"], "url": url}
    return JSONResponse(answer, 202, {"Location": url})


async def _parse(
    request: Request, model: str, schema: type[TrainJson]
) -> tuple[TrainJson, Received | None]:
    """The fields of the request, and the zip of a form if it has one."""
    kind = body_type(request)
    if kind == JSON_TYPE:
        return validated(await json_object(request), schema), None
    if kind != FORM_TYPE:
        wanted = "Send JSON, or a multipart form with pictures as 'labelled'."
        raise await unsupported(request, wanted)
    app = services(request)
    limits = Limits(app.settings.max_body_bytes, app.settings.max_job_bytes)
    alphabet = ALPHABETS[corrected_model(model)]
    return await receive_labelled(request, app.inputs, limits, alphabet, schema)


routes = [
    Route("/api/models/{name}/train/", train, methods=["POST"]),
    Route("/api/models/{name}/tune/", tune, methods=["POST"]),
]
