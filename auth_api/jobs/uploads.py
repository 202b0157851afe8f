"""Turns an upload of any size into the input file of a job, with about 2 MB of memory.

`upload_forms` reads the multipart form. A zip stays as it is: `zip_files` checks it and says where
its images are.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from anyio import to_thread
from pydantic import BaseModel
from starlette.requests import Request

from auth_api.database.tables.jobs import JobItem
from auth_api.errors import ApiError, BadRequest
from auth_api.http.content_types import FORM_TYPE, body_type, unsupported
from auth_api.http.multipart import image_missing
from auth_api.http.uploads import image_too_large
from auth_api.http.validation import merged, validated
from auth_api.jobs import zip_files
from auth_api.jobs.input_files import InputFiles, NewInput
from auth_api.jobs.unpacking import Place
from auth_api.jobs.upload_forms import IMAGES, MAX_IMAGES, Limits, read_form

Options = TypeVar("Options", bound=BaseModel)

# The longest file name that common file systems take.
_MAX_NAME_LENGTH = 255


@dataclass
class Received:
    """An upload: the file, which the caller owns from now on, and one item for each image in it."""

    file: NewInput
    items: list[JobItem]


async def receive(
    request: Request, inputs: InputFiles, limits: Limits, query: Options
) -> tuple[Received, Options]:
    """Saves the images of a multipart form, or of the one zip in it. Returns them with the options
    of the query and the form.

    An image that cannot be used becomes an item that has its answer already. Raises `ApiError`,
    after deleting the file.
    """
    if body_type(request) != FORM_TYPE:
        raise await unsupported(
            request,
            "Send the images as files 'images' of a multipart form, or one zip as the file 'zip'.",
        )
    async with inputs.receiving() as file:
        form = await read_form(request, file, limits, IMAGES, type(query).model_fields)
        options = merged(query, validated(form.texts, type(query), form.others))
        parts = form.parts
        if not parts:
            raise image_missing("images", form.others)
        if await asyncio.to_thread(form.zip):
            items = await to_thread.run_sync(
                _items_of_zip, file.path, limits, limiter=inputs.zip_checks
            )
        else:
            items = [
                _item(position, part.name, Place(part.start, part.length), part.error)
                for position, part in enumerate(parts)
            ]
        await inputs.store(file)
        return Received(file, items), options


def _items_of_zip(path: Path, limits: Limits) -> list[JobItem]:
    with path.open("rb") as source:
        entries = zip_files.entries(source, MAX_IMAGES, limits.upload)
    return [
        _item(position, name, place, _error_of(place, limits.image))
        for position, (name, place) in enumerate(entries)
    ]


def _error_of(place: Place, limit: int) -> ApiError | None:
    return image_too_large(limit) if place.length > limit else None


def _item(position: int, name: str, place: Place, error: ApiError | None) -> JobItem:
    if not place.length and error is None:
        error = BadRequest("The image is empty.", "empty_image")
    return JobItem(
        job_id=0,
        position=position,
        file=name.replace("\0", "")[:_MAX_NAME_LENGTH],  # PostgreSQL stores no NUL in a text
        answer=error.body if error else None,
        **place._asdict(),
    )
