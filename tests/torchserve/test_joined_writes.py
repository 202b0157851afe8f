"""A small request is sent in one piece, and every request arrives whole."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from httpcore2._backends.anyio import AnyIOStream
from pydantic import HttpUrl

from auth_api.torchserve.endpoint import Endpoint

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_LENGTH = b"content-length:"


async def send(body: bytes | None) -> None:
    """Sends the same request twice over one connection, to a server that reads all of it."""
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # the client has closed the connection
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
                length = next((each for each in lines if each.startswith(_LENGTH)), _LENGTH + b"0")
                await reader.readexactly(int(length.removeprefix(_LENGTH)))
                writer.write(_ANSWER)
        writer.close()
        await writer.wait_closed()
        closed.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        endpoint = Endpoint(
            HttpUrl(f"http://127.0.0.1:{port}"), connections=1, seconds=5, max_age=60
        )
        for _ in range(2):
            method = "GET" if body is None else "POST"
            answer = await endpoint.request(method, "/", {"Host": "127.0.0.1"}, body)
            assert answer.body == b"{}"
        await endpoint.aclose()
        await closed.wait()


@pytest.mark.parametrize(
    ("body", "pieces"), [(None, 1), (b"", 1), (b"x" * 5_000, 1), (b"x" * 500_000, 2)]
)
def test_a_small_request_is_sent_in_one_piece(
    monkeypatch: pytest.MonkeyPatch, body: bytes | None, pieces: int
) -> None:
    sent: list[bytes] = []
    write = AnyIOStream.write

    async def recorded(stream: AnyIOStream, buffer: bytes, timeout: float | None = None) -> None:
        sent.append(buffer)
        await write(stream, buffer, timeout)

    monkeypatch.setattr(AnyIOStream, "write", recorded)
    asyncio.run(send(body))
    assert len(sent) == 2 * pieces
    assert b"".join(sent[:pieces]) == b"".join(sent[pieces:])
    assert b"".join(sent[:pieces]).endswith(b"\r\n\r\n" + (body or b""))
