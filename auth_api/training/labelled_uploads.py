"""Uploads of labelled pictures: a form with a zip of `12/any.png` or `class_12.png`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar

from anyio import to_thread
from pydantic import BaseModel
from starlette.requests import Request

from auth_api.errors import BadRequest
from auth_api.http.content_types import named
from auth_api.http.uploads import image_too_large
from auth_api.http.validation import validated
from auth_api.jobs import zip_files
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.unpacking import unpacked
from auth_api.jobs.upload_forms import Limits, read_form
from auth_api.jobs.uploads import Received
from auth_api.practice.alphabets import class_named, class_numbered, numbers_of
from handlers.characters import Character

Fields = TypeVar("Fields", bound=BaseModel)

_MAX_PICTURES = 20_000
_FIELD = "labelled"
# In a folder that names no class, a bare number such as `12.png` may only number the picture.
_CLASS_PREFIX = "class_"
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".heic", ".heif", ".avif"})


async def receive_labelled(
    request: Request,
    inputs: InputFiles,
    limits: Limits,
    alphabet: Sequence[Character],
    schema: type[Fields],
) -> tuple[Fields, Received | None]:
    """Saves a multipart form and its zip. Reads the whole zip once, so that the request fails if it
    has errors, not the job. Raises `ApiError`, after deleting the file.

    Returns the text fields of the form, and its zip if it has one.
    """
    async with inputs.receiving() as file:
        form = await read_form(request, file, limits, {_FIELD}, schema.model_fields)
        fields = validated(form.texts, schema, form.others)
        parts = form.parts
        if len(parts) > 1:
            raise BadRequest("There are several zips: send one.", "several_uploads")
        if not parts:
            if form.other_files:
                has = named(form.other_files)
                raise BadRequest(
                    f"The form has the file {has}: send the zip as '{_FIELD}'.", "not_a_zip"
                )
            file.discard()
            return fields, None
        if not await asyncio.to_thread(form.zip):
            raise BadRequest("'labelled' must be a zip, sent as a file.", "not_a_zip")
        await to_thread.run_sync(_validate, file.path, limits, alphabet, limiter=inputs.zip_checks)
        await inputs.store(file)
        return fields, Received(file, [])


def unpack_labelled(
    file: IO[bytes], folder: Path, limits: Limits, alphabet: Sequence[Character]
) -> None:
    """Unpacks the labelled pictures of an open zip to `folder/<class>/<number>.<suffix>`; blocks.
    The names are new, because names in a zip are not safe. Raises `BadRequest`, `TooLarge`,
    `OSError`.
    """
    for number, entry in enumerate(zip_files.entries(file, _MAX_PICTURES, limits.upload)):
        label = _label(entry, alphabet)
        if label is None:
            continue
        target = folder / str(label)
        target.mkdir(parents=True, exist_ok=True)
        suffix = PurePosixPath(entry.name).suffix.lower()
        with (target / f"{number:06d}{suffix}").open("xb") as picture:
            picture.writelines(_chunks(file, entry, limits.image))


def _validate(source: Path, limits: Limits, alphabet: Sequence[Character]) -> None:
    count = 0
    with source.open("rb") as file:
        for entry in zip_files.entries(file, _MAX_PICTURES, limits.upload):
            for _ in _chunks(file, entry, limits.image):
                pass
            count += _label(entry, alphabet) is not None
    if not count:
        raise BadRequest(
            "There is no labelled picture in the zip: put each into a folder named after its "
            "class, such as 12/any.png, or call it class_12.png. The classes are "
            f"{numbers_of(alphabet)}.",
            "no_labelled_pictures",
        )


def _label(entry: zip_files.Entry, alphabet: Sequence[Character]) -> int | None:
    """The class of a picture: of its folder, else of its name. None: no labelled picture.

    `class_12.png` counts before the name of a folder, because writers are often called `a` and `e`.
    """
    path = PurePosixPath(entry.name)
    if path.suffix.lower() not in _SUFFIXES:
        return None
    folder, stem = path.parent.name, path.stem
    label = class_numbered(folder, alphabet)
    if label is None and (not folder or stem.startswith(_CLASS_PREFIX)):
        label = class_numbered(stem, alphabet)
    return class_named(folder or stem, alphabet) if label is None else label


def _chunks(file: IO[bytes], entry: zip_files.Entry, limit: int) -> Iterator[bytes]:
    if entry.place.length > limit:
        raise image_too_large(limit)
    return unpacked(file.fileno(), entry.place)
