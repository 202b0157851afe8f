"""Unusual answers and unreadable keys of TorchServe become API errors, not internal errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from pydantic import HttpUrl

from auth_api.errors import Refused, Unavailable
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings
from auth_api.torchserve.client import TorchServe
from auth_api.torchserve.connection import failure
from auth_api.torchserve.endpoint import Endpoint, Response
from auth_api.torchserve.keys import KeyFile
from tests.support.measured import value


def test_a_refusal_without_a_reason_gets_a_default_message() -> None:
    found = failure(Response(400, b'{"success": false}'), "ranjana", None)
    assert isinstance(found, Refused)
    assert (found.status, found.code) == (400, "refused")
    assert found.message.endswith(".")
    named = failure(Response(415, b'{"success": false, "code": "x", "error": "No."}'), "r", None)
    assert isinstance(named, Refused)
    assert (named.code, named.message) == ("x", "No.")


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def client_of(answer: Handler, **settings: object) -> AsyncIterator[TorchServe]:
    """A client of a server that handles its connections with `answer`."""
    connections: set[asyncio.Future[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        closed = asyncio.get_running_loop().create_future()
        connections.add(closed)
        try:
            await answer(reader, writer)
            writer.close()
            await writer.wait_closed()
        finally:
            closed.set_result(None)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    addressed = {"torchserve_inference_url": address, "torchserve_key_file": None}
    torchserve = TorchServe(Settings.model_validate({**addressed, **settings}), Metrics())
    try:
        yield torchserve
    finally:
        await torchserve.aclose()
        server.close()
        await asyncio.gather(*connections)


@pytest.mark.parametrize("body", [b"[]", b"3", b"null", b"{", b"[" * 100_000])
def test_an_answer_that_is_no_json_object_is_a_503(body: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async def predict() -> None:
        async with client_of(answer) as torchserve:
            await torchserve.predict("ranjana", b"a picture")

    with pytest.raises(Unavailable, match="unreadable"):
        asyncio.run(predict())


def test_a_version_older_than_batches_gets_single_images() -> None:
    """Its handler takes a batch for one image; no caller may get that answer."""
    bodies: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            image = await reader.readexactly(length)
            bodies.append(image)
            await asyncio.sleep(0.05)
            body = json.dumps({"success": True, "saw": image.decode()}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async def predict() -> None:
        async with client_of(answer, torchserve_max_concurrency=1) as torchserve:
            for letters in ("abc", "def"):
                predictions = (torchserve.predict("ranjana", letter.encode()) for letter in letters)
                answers = await asyncio.gather(*predictions)
                assert [answer["saw"] for answer in answers] == list(letters)

    asyncio.run(predict())
    assert [len(body) for body in bodies] == [1, 2, 1, 1, 1, 1, 1]


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def test_keys_that_cannot_be_read_or_renewed_are_a_503(tmp_path: Path) -> None:
    unreadable = tmp_path / "folder.json"
    unreadable.mkdir()
    path = tmp_path / "key_file.json"
    key = {"key": "old", "expiration time": "2020-01-01T00:00:00.123456789Z"}
    path.write_text(json.dumps({"inference": key, "management": key, "API": {"key": "renews"}}))
    path.with_suffix(".lock").mkdir()

    metrics = Metrics()

    async def token(path: Path) -> None:
        management = Endpoint(HttpUrl("http://127.0.0.1:1"), connections=1, seconds=1)
        await KeyFile(path, management, metrics).token("inference")

    with pytest.raises(Unavailable, match="is starting"):
        asyncio.run(token(unreadable))
    with pytest.raises(Unavailable, match="cannot be renewed"):
        asyncio.run(token(path))
    failed = generate_latest(metrics.registry).decode()
    assert value(failed, "torchserve_key_renewals_total", kind="inference", outcome="failed") == 1
