"""Checks queries and JSON bodies with pydantic models.

An input that does not fit raises a `BadRequest` that names the fields at fault. Large bodies are
read from disk and parsed in a thread, when there is room for them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection
from contextlib import ExitStack, closing
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from auth_api.errors import BadRequest, NotFound
from auth_api.http.body_memory import memory_of
from auth_api.http.content_types import (
    FORM_INSTEAD,
    JSON_TYPE,
    body_type,
    is_form,
    named,
    unsupported,
)
from auth_api.http.spool import OFF_LOOP_BYTES, Spool, receive_body
from auth_api.schemas.spelling import misspelt, unknown_names

Model = TypeVar("Model", bound=BaseModel)

MAX_VALUES = 10_000
"""Values in a JSON body. Each takes some 60 bytes of memory, or more, and one byte of the body."""

# A large body is in memory four times: as it came, as a text, as the decoded image, and as the copy
# that is sent. A text with characters above U+FFFF takes four bytes for each.
_COPIES = 4
_CUT = "(an array)"
_BEGIN_OF_ARRAY = re.compile(rb"\s*:\s*(?=\[)")
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


async def parse_json(request: Request, model: type[Model]) -> Model:
    """The JSON body as `model`. Raises `BadRequest` or `UnsupportedMedia`."""
    return validated(await json_fields(request), model)


async def json_fields(request: Request) -> dict[str, Any]:
    """The JSON body, for `validated`. Raises `BadRequest` or `UnsupportedMedia`."""
    if body_type(request) != JSON_TYPE:
        raise await unsupported(request, f"Send JSON, with 'Content-Type: {JSON_TYPE}'.")
    return await json_object(request)


async def json_object(
    request: Request, held: ExitStack | None = None, long_array: str = ""
) -> dict[str, Any]:
    """The JSON body. If it may be large, it waits for room until the end of `held`.

    If the body has too many values, those of the field `long_array`, an array of numbers and of
    arrays of them, do not count: the field becomes its JSON text, as bytes.

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
        if spool.length > OFF_LOOP_BYTES:
            return await asyncio.to_thread(_object, spool, long_array)
        return _object(spool, long_array)


def _object(spool: Spool, long_array: str) -> dict[str, Any]:
    body = spool.read(0, spool.length).removeprefix(_BYTE_ORDER_MARK)
    array = b""
    if long_array and _has_too_many_values(body):
        body, array = _cut_array(body, long_array)
    if _has_too_many_values(body):
        raise BadRequest(
            f"The JSON has too many values: up to {MAX_VALUES} are read.", "too_many_values"
        )
    try:
        content = orjson.loads(body)
    except ValueError as error:
        reason = f": {FORM_INSTEAD}" if is_form(body) else ""
        raise BadRequest(f"The body is not valid JSON{reason}.", "malformed_json") from error
    if not isinstance(content, dict):
        raise BadRequest("The JSON body must be an object.", "malformed_json")
    if array and content.get(long_array) == _CUT:  # else it is a field of an inner object
        content[long_array] = array
    return content


def _has_too_many_values(body: bytes) -> bool:
    # Commas and brackets in texts count too. Those of a base64 text are none.
    return sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES


def _cut_array(body: bytes, name: str) -> tuple[bytes, bytes]:
    """A JSON text with `_CUT` in place of the array of a field, and the JSON text of the array. It
    is empty if the field has none.
    """
    key = b'"%b"' % name.encode()
    at = body.find(key)
    begin = _BEGIN_OF_ARRAY.match(body, at + len(key)) if at >= 0 else None
    if begin is None:
        return body, b""
    start = begin.end()
    # Numbers have neither quotes nor braces: those of the next field, or of the end of the object.
    ends = [end for end in (body.find(b'"', start), body.find(b"}", start)) if end > 0]
    array = body[start : min(ends, default=len(body))].rstrip(b" \t\r\n,")
    return b'%b"%b"%b' % (body[:start], _CUT.encode(), body[start + len(array) :]), array


def invalid(field: str, reason: str) -> BadRequest:
    """The error for a field. `reason` continues a sentence that begins with the field's name."""
    return BadRequest(
        f"{field}: {reason}.", "validation_failed", details={"fields": {field: reason}}
    )


def together(*checks: Callable[[], object]) -> None:
    """Runs all checks. Raises one `BadRequest` that names every field that they refuse."""
    refusals = []
    for check in checks:
        try:
            check()
        except BadRequest as error:
            refusals.append(error)
    if refusals:
        fields: dict[str, str] = {}
        for refusal in reversed(refusals):
            fields |= (refusal.details or {}).get("fields", {})  # the first reason counts
        refusals[0].details = {"fields": fields}
        raise refusals[0]


def validated(content: dict[str, Any], model: type[Model], others: Collection[str] = ()) -> Model:
    """`content` as `model`. `others` are names of further fields, which have no content here.

    Unknown fields are ignored, because apps of other versions send them, but not if they are
    spelt almost like a known field that is absent. Raises `BadRequest`.
    """
    names = {*content, *others} if others else content.keys()
    if mistake := misspelt(names, model):
        raise invalid(mistake[0], f"there is no such field; is it meant to be '{mistake[1]}'")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        fields = {
            ".".join(map(str, problem["loc"])) or "body": problem["msg"].removeprefix(
                "Value error, "
            )
            for problem in error.errors(include_url=False, include_input=False)[:_MAX_FIELDS]
        }
        missing = [each["loc"][0] for each in error.errors() if each["type"] == "missing"]
        fields |= {str(name): _absent(fields[str(name)], names, model) for name in missing}
        invalid_input = invalid(*next(iter(fields.items())))
        invalid_input.details = {"fields": fields}
        raise invalid_input from error


def field_missing(name: str, names: Collection[str], model: type[BaseModel]) -> BadRequest:
    """The error for a required field of `model` that is not among the `names` of a request."""
    return invalid(name, _absent("Field required", names, model))


def _absent(reason: str, names: Collection[str], model: type[BaseModel]) -> str:
    """The reason for a missing field, with what may have been meant for it."""
    unknown = unknown_names(names, model)
    return f"{reason}; unknown are {named(unknown[:_MAX_FIELDS])}" if unknown else reason


def merged(query: Model, body: BaseModel) -> Model:
    """The options of the query with those of the body, which has the same fields and maybe others.

    Raises `BadRequest` if the two disagree.
    """
    if type(body) is type(query) and not query.model_fields_set:
        return body
    asked = {name: getattr(query, name) for name in query.model_fields_set}
    found = {
        name: getattr(body, name)
        for name in body.model_fields_set & type(query).model_fields.keys()
    }
    for name in asked.keys() & found.keys():
        if asked[name] != found[name]:
            reason = f"the query says {asked[name]!r}, and the body {found[name]!r}"
            raise invalid(name, reason)
    return type(query).model_validate({**found, **asked}) if found else query
