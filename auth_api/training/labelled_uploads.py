"""Labelled pictures: a zip of `12/any.png` or `class_12.png`, with the fields of a form."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from starlette.requests import Request

from auth_api.errors import BadRequest, Unavailable
from auth_api.jobs import zip_files
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.upload_forms import Limits, read_form, too_large
from auth_api.jobs.uploads import Received
from auth_api.practice.alphabets import class_named
from handlers.characters import Character

logger = logging.getLogger(__name__)

MOST_PICTURES = 20_000
"""In one zip."""

_FIELD = "labelled"
# In a folder that says nothing, a number alone may be that of the picture.
_NAMED = "class_"
_MOST_TEXT = 64 * 1024
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"})


@dataclass
class LabelledForm:
    """The fields of a form, and its zip if it has one."""

    texts: dict[str, str]
    received: Received | None


async def receive_labelled(
    request: Request, inputs: InputFiles, limits: Limits, alphabet: Sequence[Character]
) -> LabelledForm:
    """Takes a multipart form with its zip, which is read through once, so that what it cannot be
    used for is said now. Raises ApiError, and nothing is left behind.
    """
    try:
        return await _receive(request, inputs, limits, alphabet)
    except OSError as error:
        logger.exception("an upload cannot be kept")
        raise Unavailable(
            "The pictures cannot be kept at the moment. Please try again.", "storage_unavailable"
        ) from error


async def _receive(
    request: Request, inputs: InputFiles, limits: Limits, alphabet: Sequence[Character]
) -> LabelledForm:
    file = await asyncio.to_thread(inputs.new)
    kept = False
    try:
        form = await read_form(request, file, limits, {_FIELD}, _MOST_TEXT)
        if len(form.parts) > 1:
            raise BadRequest("There are several zips: send one.", "several_uploads")
        if not form.parts:
            return LabelledForm(form.texts, None)
        if not form.parts[0].is_zip:
            raise BadRequest("'labelled' must be a zip, sent as a file.", "not_a_zip")
        if form.parts[0].error:
            raise form.parts[0].error
        await asyncio.to_thread(_read_through, file.path, limits, alphabet)
        await asyncio.to_thread(file.sync)
        kept = True
        return LabelledForm(form.texts, Received(file, []))
    finally:
        if not kept:
            file.discard()


def unpack_labelled(
    source: Path, folder: Path, limits: Limits, alphabet: Sequence[Character]
) -> None:
    """Writes the labelled pictures of a zip to `folder/<class>/<number>.png` and so on, under
    names of ours; blocks. Raises BadRequest, TooLarge or OSError.
    """
    with source.open("rb") as file:
        for number, entry in enumerate(zip_files.entries(file, MOST_PICTURES, limits.upload)):
            label = _label(entry, alphabet)
            if label is None:
                continue
            place = folder / str(label)
            place.mkdir(parents=True, exist_ok=True)
            suffix = PurePosixPath(entry.name).suffix.lower()
            with (place / f"{number:06d}{suffix}").open("xb") as picture:
                picture.writelines(_bounded(entry, limits.image))


def _read_through(source: Path, limits: Limits, alphabet: Sequence[Character]) -> None:
    count = 0
    with source.open("rb") as file:
        for entry in zip_files.entries(file, MOST_PICTURES, limits.upload):
            for _ in _bounded(entry, limits.image):
                pass
            count += _label(entry, alphabet) is not None
    if not count:
        raise BadRequest(
            "There is no labelled picture in the zip: put each into a folder named after its "
            "class, such as 12/any.png, or call it class_12.png.",
            "no_labelled_pictures",
        )


def _label(entry: zip_files.Entry, alphabet: Sequence[Character]) -> int | None:
    """The class of a picture, None of what is left out: that of its folder, else its own."""
    path = PurePosixPath(entry.name)
    if path.suffix.lower() not in _SUFFIXES:
        return None
    label = class_named(path.parent.name, alphabet)
    if label is None and (not path.parent.name or path.stem.startswith(_NAMED)):
        label = class_named(path.stem, alphabet)
    return label


def _bounded(entry: zip_files.Entry, limit: int) -> Iterator[bytes]:
    length = 0
    for chunk in entry.chunks():
        length += len(chunk)
        if length > limit:
            raise too_large(limit)
        yield chunk
