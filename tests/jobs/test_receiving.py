"""An upload of any size becomes one file: each image is found in it unchanged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import Message

from auth_api.http import spool
from auth_api.http.body_memory import BodyMemory
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.unpacking import Place
from auth_api.jobs.upload_forms import Limits
from auth_api.jobs.uploads import receive
from auth_api.schemas.jobs import JobQuery
from tests.support.client_forms import CLIENTS, ClientForm, client
from tests.support.jobs import zipped
from tests.support.pictures import encode, reference

# More than is read without a thread.
LIMIT = 300_000
CONTENTS = {
    "a.png": b"first",
    "at the limit.png": Random(0).randbytes(LIMIT),
    "above it.png": Random(1).randbytes(LIMIT + 1),
    "empty.png": b"",
    "last.png": b"last one",
}
Files = Sequence[tuple[str, tuple[str, bytes]]]


def request_of(form: ClientForm, size: int, folder: Path) -> Request:
    """A request with a form, which arrives in pieces of `size` bytes."""
    app = Starlette()
    app.state.body_memory = BodyMemory(64 * 1024 * 1024, folder)
    pieces = [form.body[start : start + size] for start in range(0, len(form.body), size)]

    async def receive_piece() -> Message:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    headers = [(b"content-type", form.content_type.encode())]
    scope = {"type": "http", "method": "POST", "headers": headers, "app": app}
    return Request(scope, receive_piece)


def read_form(folder: Path, form: ClientForm, size: int) -> tuple[list[tuple[str, Any]], JobQuery]:
    """Names and contents of the images of a form, or the codes of their errors; and the options."""
    inputs = InputFiles(folder / "media" / "jobs")
    request = request_of(form, size, folder)

    async def run() -> tuple[list[tuple[str, Any]], JobQuery]:
        limits = Limits(image=LIMIT, upload=10**6)
        received, options = await receive(request, inputs, limits, JobQuery())
        assert [item.position for item in received.items] == list(range(len(received.items)))
        async with inputs.opened(received.file.path.name) as file:
            return [
                (
                    item.file,
                    item.answer["code"]
                    if item.answer
                    else await file.read(Place(item.start, item.length, item.packed, item.crc)),
                )
                for item in received.items
            ], options

    return asyncio.run(run())


def read_back(folder: Path, files: Files, size: int = 1000) -> dict[str, bytes | str]:
    """What is found of these files by name: the content, or the code of the error."""
    sent = httpx2.Request("POST", "http://test", files=files)
    form = ClientForm(sent.headers["Content-Type"], sent.read())
    found, _ = read_form(folder, form, size)
    (path,) = (folder / "media" / "jobs").iterdir()
    assert path.stat().st_size <= sum(len(content) for _, (_, content) in files)  # nothing unpacked
    return dict(found)


@pytest.mark.parametrize("chunk", [1, 10**7])
@pytest.mark.parametrize("as_zip", [False, True])
def test_each_image_is_stored_as_it_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, as_zip: bool
) -> None:
    monkeypatch.setattr(spool, "CHUNK_BYTES", chunk)
    parts = [("images", part) for part in CONTENTS.items()]
    files = [("zip", ("all.zip", zipped(CONTENTS)))] if as_zip else parts
    expected = {**CONTENTS, "above it.png": "image_too_large", "empty.png": "empty_image"}
    assert read_back(tmp_path, files) == expected


def test_names_and_images_may_arrive_in_several_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "CHUNK_BYTES", 1)
    contents = {"the first.png": b"some bytes", "the second.png": b"some more bytes"}
    assert read_back(tmp_path, [("images", part) for part in contents.items()], 5) == contents


def test_a_zip_behind_a_program_may_be_larger_than_an_image(tmp_path: Path) -> None:
    contents = {f"{index}.png": Random(index).randbytes(LIMIT // 2) for index in range(3)}
    program = b"\x7fELF" + bytes(1000) + zipped(contents)
    assert len(program) > LIMIT
    assert read_back(tmp_path, [("images", ("photos.run", program))]) == contents


def test_an_image_that_is_called_a_zip_has_the_limit_of_an_image(tmp_path: Path) -> None:
    image = Random(0).randbytes(LIMIT + 1)
    assert read_back(tmp_path, [("zip", ("a.zip", image))]) == {"a.zip": "image_too_large"}


@pytest.mark.parametrize("name", CLIENTS)
def test_each_image_of_a_clients_form_is_stored(tmp_path: Path, name: str) -> None:
    images = [encode(reference(index)[::4, ::4], "JPEG") for index in (1, 2)]
    texts = {"model": "digits", "enhancement_level": "1"}
    found, options = read_form(tmp_path, CLIENTS[name](images, texts, "images"), 700)
    assert [content for _, content in found] == images
    assert (options.model, options.enhancement_level) == ("digits", 1)


def test_a_text_among_the_images_of_a_form_is_a_failed_one(tmp_path: Path) -> None:
    """What was written of it does not stay between the images."""
    image, broken = encode(reference(1)[::4, ::4], "JPEG"), b"QUJD" * 30_000 + b"!"
    form = client("b", 'Content-Disposition: form-data; name="images"')
    found, _ = read_form(tmp_path, form([image, b"a,b", broken, image], {}, ""), 10_000)
    codes = ["image_not_a_file", "invalid_base64"]
    assert [content for _, content in found] == [image, *codes, image]
