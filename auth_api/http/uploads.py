"""Reads the images of a request, from a multipart form or from base64 in JSON, with its options.

Images stay encoded as they were sent. A large one waits for room in memory. It has this room until
the end of the `ExitStack` that its reader passes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from auth_api.errors import BadRequest, TooLarge
from auth_api.http.base64_text import decode_base64
from auth_api.http.content_types import FORM_TYPE, JSON_TYPE, body_type, unsupported
from auth_api.http.form_fields import Field, Form, receive_form
from auth_api.http.multipart import NOTHING, image_missing
from auth_api.http.spool import OFF_LOOP_BYTES
from auth_api.http.strokes import compact_strokes
from auth_api.http.validation import field_missing, json_object, merged, validated
from auth_api.schemas.writing import MAX_IMAGES, STROKES, ImagesJson, PenQuery, WritingJson

Options = TypeVar("Options", bound=BaseModel)
WritingOptions = TypeVar("WritingOptions", bound=PenQuery)

_NAMES_OF_ONE = frozenset({"image", "file"})
_NAMES_OF_SEVERAL = frozenset({"images", "image", "files", "file"})
_MAX_PARTS = 16

Upload = Callable[[ExitStack], Awaitable[bytes]]
"""Loads an encoded image, when there is room for it until the end of the stack. Raises the error of
an image that cannot be used, and `Unavailable`."""


class Writing(NamedTuple):
    """The image or the strokes of a request."""

    image: bytes
    """The encoded image; empty if there are only strokes."""
    strokes: bytes = b""
    """As `auth_api.http.strokes` has them; empty if there is only an image."""
    pen: str | None = None
    """That of the strokes, None without them."""

    @property
    def judged(self) -> bytes:
        """The bytes for the model."""
        return self.strokes or self.image


async def read_writing(
    request: Request, query: WritingOptions, json: type[WritingJson], held: ExitStack
) -> tuple[Writing, WritingOptions]:
    """Reads the encoded image or the strokes of a request, and its options: those of the `query`,
    and those of the form or the JSON. `json` is the model of a JSON body. `held` holds the room for
    the image and the strokes.

    Raises `BadRequest`, `UnsupportedMedia` or `Unavailable`.
    """
    kind = body_type(request)
    if kind == FORM_TYPE:
        form = await receive_form(
            request, _MAX_PARTS, _NAMES_OF_ONE, _fields(query), held, long_texts={STROKES}
        )
        strokes = await _strokes_of(form, held)
        images = form.images if strokes else _images(form, "image")
        if len(images) > 1:
            raise BadRequest("There are several images: send one at a time.", "several_images")
        options = _options(form, query, json)
        image = await form.load(images[0], held) if images else b""
        form.close()
    elif kind == JSON_TYPE:
        given = _given(await json_object(request, held, long_array=STROKES))
        drawn = given.pop(STROKES, None)
        names = () if drawn is None else (STROKES,)
        content = validated(given, json, names)
        if content.image is None and drawn is None:
            raise field_missing("image", given, json)
        options = merged(query, content)
        strokes = b"" if drawn is None else await compact_strokes(drawn)
        image = await _decode(content.image or "")
    else:
        raise await unsupported(
            request, "Send the image as the file 'image' of a multipart form, or as base64 in JSON."
        )
    if strokes:
        return Writing(image, strokes, options.pen), options
    return Writing(_require_content(image)), options


async def _strokes_of(form: Form, held: ExitStack) -> bytes:
    """The strokes of a form, empty if it has none. Raises `BadRequest`, `Unavailable`."""
    field = form.long_texts.get(STROKES)
    text = (await form.load(field, held)).strip() if field else b""
    return b"" if text in NOTHING else await compact_strokes(text)


async def read_images(
    request: Request,
    query: Options,
    json: type[ImagesJson],
    limit: int,
    held: ExitStack,
    most: int = MAX_IMAGES,
) -> tuple[Sequence[Upload], Options]:
    """Receives the encoded images of a request, in order, until the end of `held`, and its options
    as `read_writing` does. Each image may have `limit` bytes, and there may be `most`.

    Raises `BadRequest`, `UnsupportedMedia`, `Unavailable`.
    """
    kind = body_type(request)
    if kind == FORM_TYPE:
        form = await receive_form(request, 2 * MAX_IMAGES, _NAMES_OF_SEVERAL, _fields(query), held)
        images = _images(form, "images")
        if len(images) > most:
            raise BadRequest(
                f"There are {len(images)} images: send up to {most} at a time.",
                "too_many_images",
            )
        options = _options(form, query, type(query))
        return [partial(_load_part, form, field, limit) for field in images], options
    if kind == JSON_TYPE:
        content = validated(_given(await json_object(request, held)), json)
        options = merged(query, content)
        return [partial(_load_text, text, limit) for text in content.images], options
    raise await unsupported(
        request, "Send the images as files 'images' of a multipart form, or as base64 in JSON."
    )


def _fields(query: BaseModel) -> frozenset[str]:
    return frozenset(type(query).model_fields)


def _options(form: Form, query: Options, model: type[BaseModel]) -> Options:
    """The options of a form and the query. `model` has all fields that the form may have."""
    if not form.others:
        return query
    return merged(query, validated(form.texts, model, [*form.others, "image"]))


def _given(content: dict[str, Any]) -> dict[str, Any]:
    """The fields of a JSON body that are not null. Apps send null for an option that is not set."""
    return {name: value for name, value in content.items() if value is not None}


async def _load_part(form: Form, field: Field, limit: int, held: ExitStack) -> bytes:
    _require_size(field.length, limit)
    return _require_content(await form.load(field, held))


async def _load_text(text: str, limit: int, held: ExitStack) -> bytes:
    # The room of the whole body is enough for its images.
    image = await _decode(text)
    _require_size(len(image), limit)
    return _require_content(image)


def image_too_large(limit: int) -> TooLarge:
    """The error for an image of more than `limit` bytes."""
    megabytes = limit / (1024 * 1024)
    return TooLarge(f"The image is too large: the limit is {megabytes:g} MB.", "image_too_large")


def _require_size(size: int, limit: int) -> None:
    if size > limit:
        raise image_too_large(limit)


def _require_content(image: bytes) -> bytes:
    if not image:
        raise BadRequest("The image is empty.", "empty_image")
    return image


def _images(form: Form, name: str) -> list[Field]:
    """The images of a form. Raises `BadRequest` if there are none; it says to send `name`."""
    if not form.images:
        raise image_missing(name, form.others)
    return form.images


async def _decode(text: str) -> bytes:
    if len(text) > OFF_LOOP_BYTES:
        return await asyncio.to_thread(decode_base64, text)
    return decode_base64(text)
