"""What was sent -> a pydantic model, or a BadRequest that names the fields at fault."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from auth_api.errors import BadRequest

Model = TypeVar("Model", bound=BaseModel)


def parse_query(request: Request, model: type[Model]) -> Model:
    """The query parameters; of a repeated one the last."""
    return validated(dict(request.query_params), model)


async def json_object(request: Request) -> dict[str, Any]:
    """The JSON body, which must be an object."""
    try:
        content = json.loads(await request.body())
    except RecursionError as error:
        raise BadRequest("The JSON is nested too deeply.", "malformed_json") from error
    except ValueError as error:
        raise BadRequest("The body is not valid JSON.", "malformed_json") from error
    if not isinstance(content, dict):
        raise BadRequest("The JSON body must be an object.", "malformed_json")
    return content


def validated(content: dict[str, Any], model: type[Model]) -> Model:
    """`content` as `model`; what the model does not know is left aside."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        fields = {
            ".".join(map(str, problem["loc"])) or "body": problem["msg"]
            for problem in error.errors()
        }
        first, reason = next(iter(fields.items()))
        raise BadRequest(
            f"{first}: {reason}.", "validation_failed", details={"fields": fields}
        ) from error
