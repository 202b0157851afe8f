"""Training and tuning. Both queue a job, which `/api/jobs/` shows."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Literal

from starlette.requests import Request
from starlette.routing import Route

from auth_api.authorisation.access import at_least
from auth_api.errors import BadRequest, UnsupportedMedia
from auth_api.http.json_response import JSONResponse
from auth_api.http.validation import body_type, json_object, validated
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
    is_form = body_type(request) == "multipart/form-data"
    async with app.reservations.reserve(owner, request) if is_form else nullcontext() as place:
        content, received = await _parse(request, model)
        try:
            fields = validated(content, schema)
        except BadRequest:
            if received:
                received.file.discard()
            raise
        job = await app.planner.queue(owner, kind, model, fields, received, request, place)
    url = f"/api/jobs/{job.id}/"
    answer = {"success": True, "job_id": job.id, "state": "queued"}
    answer |= {"version": job.parameters["version"], "url": url}
    return JSONResponse(answer, 202, {"Location": url})


async def _parse(request: Request, model: str) -> tuple[dict[str, Any], Received | None]:
    """The fields of the request, and the zip of a form if it has one."""
    kind = body_type(request)
    if kind == "application/json":
        return await json_object(request), None
    if kind != "multipart/form-data":
        raise UnsupportedMedia("Send JSON, or a multipart form with pictures as 'labelled'.")
    app = services(request)
    limits = Limits(app.settings.max_body_bytes, app.settings.max_job_bytes)
    alphabet = ALPHABETS[corrected_model(model)]
    return await receive_labelled(request, app.inputs, limits, alphabet)


routes = [
    Route("/api/models/{name}/train/", train, methods=["POST"]),
    Route("/api/models/{name}/tune/", tune, methods=["POST"]),
]
