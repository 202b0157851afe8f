"""Checks queries and JSON bodies with pydantic models.

An input that does not fit raises a `BadRequest` that names the fields at fault. Large bodies are
read from disk and parsed in a thread, when there is room for them.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, closing
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from auth_api.errors import BadRequest, NotFound, UnsupportedMedia
from auth_api.http.body_memory import memory_of
from auth_api.http.spool import OFF_LOOP_BYTES, Spool, receive_body

Model = TypeVar("Model", bound=BaseModel)

MAX_VALUES = 10_000
"""Values in a JSON body. Each takes some 60 bytes of memory, or more, and one byte of the body."""

# A large body is in memory four times: as it came, as a text, as the decoded image, and as the copy
# that is sent. A text with characters above U+FFFF takes four bytes for each.
_COPIES = 4
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

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


async def parse_json(request: Request, model: type[Model]) -> Model:
    """The JSON body as `model`. Raises `BadRequest` or `UnsupportedMedia`."""
    if body_type(request) != "application/json":
        raise UnsupportedMedia("Send JSON, with 'Content-Type: application/json'.")
    return validated(await json_object(request), model)


async def json_object(request: Request, held: ExitStack | None = None) -> dict[str, Any]:
    """The JSON body. If it may be large, it waits for room until the end of `held`.

    Raises `BadRequest` if it is no object, `Unavailable` if there is no room.
    """
    memory = memory_of(request)
    with closing(Spool(memory)) as spool:

        async def write(chunk: bytes) -> None:
            if len(chunk) > OFF_LOOP_BYTES:
                await asyncio.to_thread(spool.write, chunk)
            else:
                spool.write(chunk)

        await receive_body(request, write)
        if held is not None:
            await memory.make_room(held, spool.length, _COPIES)
        return await _parse(spool)


async def _parse(spool: Spool) -> dict[str, Any]:
    if spool.length > OFF_LOOP_BYTES:
        return await asyncio.to_thread(_object, spool)
    return _object(spool)


def _object(spool: Spool) -> dict[str, Any]:
    body = spool.read(0, spool.length).removeprefix(_BYTE_ORDER_MARK)
    # Commas and brackets in texts count too. Those of a base64 text are none.
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise BadRequest(
            f"The JSON has too many values: up to {MAX_VALUES} are read.", "too_many_values"
        )
    try:
        content = orjson.loads(body)
    except ValueError as error:
        raise BadRequest("The body is not valid JSON.", "malformed_json") from error
    if not isinstance(content, dict):
        raise BadRequest("The JSON body must be an object.", "malformed_json")
    return content


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
