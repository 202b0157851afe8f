"""Recognition: which character an image shows."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from auth_api.errors import NotFound
from auth_api.openapi import documented
from auth_api.schemas.recognition import ImageForm, ImageJson, PredictAnswer, PredictQuery
from auth_api.settings import SIMILARITY, Settings
from auth_api.torchserve import TorchServe
from auth_api.uploads import read_image
from auth_api.validation import parse_query


@documented(
    tag="recognition",
    query=PredictQuery,
    form=ImageForm,
    json=ImageJson,
    answer=PredictAnswer,
    errors=(400, 404, 413, 415, 503),
)
async def predict(request: Request) -> JSONResponse:
    """Reads one character.

    Takes a photograph or a drawing, as a file or as base64, and answers the likeliest of the
    36 characters with its confidence.
    """
    torchserve: TorchServe = request.app.state.torchserve
    settings: Settings = request.app.state.settings
    query = parse_query(request, PredictQuery)
    recognisers = [model for model in settings.models if model != SIMILARITY]
    if query.model not in recognisers:
        raise NotFound(
            f"There is no model {query.model}: choose {' or '.join(recognisers)}.",
            "model_not_found",
        )
    answer = await torchserve.predict(
        query.model,
        await read_image(request),
        query.version,
        {"X-Heatmap": "true"} if query.heatmap else {},
    )
    return JSONResponse({**answer, "prediction_id": None})


routes = [Route("/api/predict/", predict, methods=["POST"])]
