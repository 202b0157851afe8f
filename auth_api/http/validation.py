"""Checks queries and JSON bodies with pydantic models.

An input that does not fit raises a `BadRequest` that names the fields at fault.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from auth_api.errors import BadRequest, NotFound, UnsupportedMedia

Model = TypeVar("Model", bound=BaseModel)

_MAX_ROW = 2**53
_MAX_FIELDS = 20


def parse_query(request: Request, model: type[Model]) -> Model:
    """The query parameters as `model`. If a parameter is repeated, the last one counts."""
    return validated(dict(request.query_params), model)


def row_number(request: Request) -> int:
    """The `id` in the path. Raises `NotFound` if no row can have it."""
    try:
        return number(request.path_params["id"])
    except ValueError as error:
        raise NotFound("There is no such entry.") from error


def number(text: str) -> int:
    """The row number that `text` states. Raises `ValueError` if no row can have it."""
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= _MAX_ROW):
        raise ValueError
    return int(text)


def body_type(request: Request) -> str:
    """The media type of the body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def json_object(request: Request) -> dict[str, Any]:
    """The JSON body. Raises `BadRequest` if it is not an object."""
    body = await request.body()
    try:
        content = json.loads(body)
        if b"\\u" in body:
            # JSON allows half of a surrogate pair, but such a text cannot be stored or sent.
            json.dumps(content, ensure_ascii=False).encode()
    except RecursionError as error:
        raise BadRequest("The JSON is nested too deeply.", "malformed_json") from error
    except ValueError as error:
        raise BadRequest("The body is not valid JSON.", "malformed_json") from error
    if not isinstance(content, dict):
        raise BadRequest("The JSON body must be an object.", "malformed_json")
    return content


async def parse_json(request: Request, model: type[Model]) -> Model:
    """The JSON body as `model`. Raises `BadRequest` or `UnsupportedMedia`."""
    if body_type(request) != "application/json":
        raise UnsupportedMedia("Send JSON, with 'Content-Type: application/json'.")
    return validated(await json_object(request), model)


def invalid(field: str, reason: str) -> BadRequest:
    """The error for a field. `reason` continues a sentence that begins with the field's name."""
    return BadRequest(
        f"{field}: {reason}.", "validation_failed", details={"fields": {field: reason}}
    )


def validated(content: dict[str, Any], model: type[Model]) -> Model:
    """`content` as `model`; unknown fields are ignored. Raises `BadRequest`."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        fields = {
            ".".join(map(str, problem["loc"])) or "body": problem["msg"].removeprefix(
                "Value error, "
            )
            for problem in error.errors(include_url=False, include_input=False)[:_MAX_FIELDS]
        }
        invalid_input = invalid(*next(iter(fields.items())))
        invalid_input.details = {"fields": fields}
        raise invalid_input from error
