"""An upload of any size becomes one file: each image is found in it unchanged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random

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
from tests.support.jobs import zipped

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


def request_of(files: Files, size: int, folder: Path) -> Request:
    """A request with a form, which arrives in pieces of `size` bytes."""
    app = Starlette()
    app.state.body_memory = BodyMemory(64 * 1024 * 1024, folder)
    sent = httpx2.Request("POST", "http://test", files=files)
    body = sent.read()
    pieces = [body[start : start + size] for start in range(0, len(body), size)]

    async def receive_piece() -> Message:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    headers = [(b"content-type", sent.headers["Content-Type"].encode())]
    scope = {"type": "http", "method": "POST", "headers": headers, "app": app}
    return Request(scope, receive_piece)


def read_back(folder: Path, files: Files, size: int = 1000) -> dict[str, bytes | str]:
    """The contents of the images of an upload by name, or the code of their errors."""
    inputs = InputFiles(folder / "media" / "jobs")
    request = request_of(files, size, folder)

    async def run() -> dict[str, bytes | str]:
        received = await receive(request, inputs, Limits(image=LIMIT, upload=10**6))
        assert [item.position for item in received.items] == list(range(len(received.items)))
        with inputs.opened(received.file.path.name) as file:
            return {
                item.file: item.answer["code"]
                if item.answer
                else await file.read(Place(item.start, item.length, item.packed, item.crc))
                for item in received.items
            }

    found = asyncio.run(run())
    (path,) = (folder / "media" / "jobs").iterdir()
    assert path.stat().st_size <= sum(len(content) for _, (_, content) in files)  # nothing unpacked
    return found


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
