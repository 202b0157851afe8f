"""Recognition: which character an image shows."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from auth_api.access import MODELS
from auth_api.errors import NotFound
from auth_api.openapi import documented
from auth_api.schemas.recognition import ImageForm, ImageJson, PredictAnswer, PredictQuery
from auth_api.services import possible_caller, services
from auth_api.settings import SIMILARITY
from auth_api.uploads import read_image
from auth_api.validation import parse_query


@documented(
    tag="recognition",
    access=MODELS,
    query=PredictQuery,
    form=ImageForm,
    json=ImageJson,
    answer=PredictAnswer,
    errors=(404,),
)
async def predict(request: Request) -> JSONResponse:
    """Reads one character.

    Takes a photograph or a drawing, as a file or as base64, and answers the likeliest of the
    36 characters with its confidence. Of a signed-in caller it is kept in the history.
    """
    query = parse_query(request, PredictQuery)
    recognisers = [model for model in services(request).settings.models if model != SIMILARITY]
    if query.model not in recognisers:
        raise NotFound(
            f"There is no model {query.model}: choose {' or '.join(recognisers)}.",
            "model_not_found",
        )
    image = await read_image(request)
    options = {"X-Heatmap": "true"} if query.heatmap else {}
    predicting = services(request).torchserve.predict(query.model, image, query.version, options)
    owner = possible_caller(request)
    if owner:
        keeper = services(request).keeper
        answer, number = await keeper.keep_prediction(owner.user_id, image, predicting)
        return JSONResponse({**answer, "prediction_id": number})
    return JSONResponse({**await predicting, "prediction_id": None})


routes = [Route("/api/predict/", predict, methods=["POST"])]
