"""An upload of any size -> the file of a job, with a megabyte or two of it in memory."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from starlette.requests import Request

from auth_api.database.tables.jobs import JobItem
from auth_api.errors import ApiError, BadRequest, Unavailable, UnsupportedMedia
from auth_api.http.validation import body_type
from auth_api.jobs import zip_files
from auth_api.jobs.input_files import InputFiles, NewInput
from auth_api.jobs.upload_forms import IMAGES, MOST_IMAGES, Limits, read_form, too_large

logger = logging.getLogger(__name__)

_LONGEST_NAME = 255


@dataclass
class Received:
    """What was sent: a file, which is the receiver's to keep, and where in it each image is."""

    file: NewInput
    items: list[JobItem]


async def receive(request: Request, inputs: InputFiles, limits: Limits) -> Received:
    """Takes the images of a multipart form, or those in the one zip that it has.

    What cannot be an image is an item with an answer already. Raises ApiError, and nothing is
    left behind.
    """
    if body_type(request) != "multipart/form-data":
        raise UnsupportedMedia(
            "Send the images as files 'images' of a multipart form, or one zip as the file 'zip'."
        )
    try:
        return await _receive(request, inputs, limits)
    except OSError as error:
        logger.exception("an upload cannot be kept")
        raise Unavailable(
            "The images cannot be kept at the moment. Please try again.", "storage_unavailable"
        ) from error


async def _receive(request: Request, inputs: InputFiles, limits: Limits) -> Received:
    file = await asyncio.to_thread(inputs.new)
    kept = False
    try:
        parts = (await read_form(request, file, limits, IMAGES)).parts
        zipped = [part for part in parts if part.is_zip]
        if zipped and len(parts) > 1:
            raise BadRequest("Send either images or one zip, not both.", "several_uploads")
        if zipped and zipped[0].error:
            raise zipped[0].error
        if zipped:
            return await asyncio.to_thread(_unpacked, file, inputs, limits)
        if not parts:
            raise BadRequest("There is no image: send it as the file 'images'.", "image_missing")
        items = [
            _item(place, part.name, part.start, part.length, part.error)
            for place, part in enumerate(parts)
        ]
        await asyncio.to_thread(file.sync)
        kept = True
        return Received(file, items)
    finally:
        if not kept:
            file.discard()


def _unpacked(zipped: NewInput, inputs: InputFiles, limits: Limits) -> Received:
    """What is in a zip, one entry after the other. Blocks."""
    file = inputs.new()
    try:
        with zipped.path.open("rb") as source:
            items = [
                _unpack(place, entry, file, limits.image)
                for place, entry in enumerate(zip_files.entries(source, MOST_IMAGES, limits.upload))
            ]
        file.sync()
    except BaseException:
        file.discard()
        raise
    return Received(file, items)


def _unpack(place: int, entry: zip_files.Entry, file: NewInput, limit: int) -> JobItem:
    start, error = file.length, None
    for chunk in entry.chunks():
        if file.length - start + len(chunk) > limit:
            file.back_to(start)
            error = too_large(limit)
            break
        file.write(chunk)
    return _item(place, entry.name, start, file.length - start, error)


def _item(place: int, name: str, start: int, length: int, error: ApiError | None) -> JobItem:
    if not length and error is None:
        error = BadRequest("The image is empty.", "empty_image")
    return JobItem(
        job_id=0,
        position=place,
        file=_plain(name),
        start=start,
        length=length,
        answer=error.body if error else None,
    )


def _plain(name: str) -> str:
    """A name as it can be stored and shown: no NUL, nothing beyond what file systems take."""
    return name.replace("\0", "")[:_LONGEST_NAME]
