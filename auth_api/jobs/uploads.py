"""Turns an upload of any size into the input file of a job, with about 2 MB of memory.

`upload_forms` reads the multipart form, `zip_files` checks and unpacks a zip.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.requests import Request

from auth_api.database.tables.jobs import JobItem
from auth_api.errors import ApiError, BadRequest, UnsupportedMedia
from auth_api.http.uploads import image_too_large
from auth_api.http.validation import body_type
from auth_api.jobs import zip_files
from auth_api.jobs.input_files import InputFiles, NewInput
from auth_api.jobs.upload_forms import IMAGES, MAX_IMAGES, Limits, read_form

# The longest file name that common file systems take.
_MAX_NAME_LENGTH = 255


@dataclass
class Received:
    """An upload: the file, which the caller owns from now on, and one item for each image in it."""

    file: NewInput
    items: list[JobItem]


async def receive(request: Request, inputs: InputFiles, limits: Limits) -> Received:
    """Saves the images of a multipart form, or of the one zip in it.

    An image that cannot be used becomes an item that has its answer already. Raises `ApiError`,
    after deleting the file.
    """
    if body_type(request) != "multipart/form-data":
        raise UnsupportedMedia(
            "Send the images as files 'images' of a multipart form, or one zip as the file 'zip'."
        )
    async with inputs.receiving() as file:
        parts, _ = await read_form(request, file, limits, IMAGES)
        zipped = [part for part in parts if part.is_zip]
        if zipped and len(parts) > 1:
            raise BadRequest("Send either images or one zip, not both.", "several_uploads")
        if zipped and zipped[0].error:
            raise zipped[0].error
        if zipped:
            unpacked = await asyncio.to_thread(_unpack_all, file, inputs, limits)
            file.discard()
            return unpacked
        if not parts:
            raise BadRequest("There is no image: send it as the file 'images'.", "image_missing")
        items = [
            _item(position, part.name, part.start, part.length, part.error)
            for position, part in enumerate(parts)
        ]
        await asyncio.to_thread(file.sync)
        return Received(file, items)


def _unpack_all(zipped: NewInput, inputs: InputFiles, limits: Limits) -> Received:
    file = inputs.new()
    try:
        with zipped.path.open("rb") as source:
            entries = zip_files.entries(source, MAX_IMAGES, limits.upload)
            items = [_unpack(n, entry, file, limits.image) for n, entry in enumerate(entries)]
        file.sync()
    except BaseException:
        file.discard()
        raise
    return Received(file, items)


def _unpack(position: int, entry: zip_files.Entry, file: NewInput, limit: int) -> JobItem:
    start, error = file.length, None
    for chunk in entry.chunks():
        if file.length - start + len(chunk) > limit:
            file.truncate(start)
            error = image_too_large(limit)
            break
        file.write(chunk)
    return _item(position, entry.name, start, file.length - start, error)


def _item(position: int, name: str, start: int, length: int, error: ApiError | None) -> JobItem:
    if not length and error is None:
        error = BadRequest("The image is empty.", "empty_image")
    return JobItem(
        job_id=0,
        position=position,
        file=name.replace("\0", "")[:_MAX_NAME_LENGTH],  # PostgreSQL stores no NUL in a text
        start=start,
        length=length,
        answer=error.body if error else None,
    )
