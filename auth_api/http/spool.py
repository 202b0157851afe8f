"""Bodies as they arrive: chunks with bounded memory, and content that moves to disk if it grows."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from starlette.requests import ClientDisconnect, Request

from auth_api.errors import Unavailable
from auth_api.http.body_memory import SMALL_BYTES, BodyMemory, memory_of

logger = logging.getLogger(__name__)

CHUNK_BYTES = SMALL_BYTES
"""Bytes of a body that are handled together."""

OFF_LOOP_BYTES = 256 * 1024
"""More bytes are read and decoded in a thread, so that other requests go on."""

# A body gets this much without asking, because even a head takes as much.
_FREE_BYTES = 16 * 1024


async def receive_body(request: Request, handle: Callable[[bytes], Awaitable[None]]) -> None:
    """Passes the body to `handle` in chunks of up to about `CHUNK_BYTES`; in smaller ones while
    memory is short. Raises `ClientDisconnect`.
    """
    memory = memory_of(request)
    buffer, taken, more = bytearray(), 0, True
    try:
        while more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece, more = message.pop("body", b""), message.get("more_body", False)
            most = _FREE_BYTES
            if more and memory.take(len(piece)):
                taken += len(piece)
                most = CHUNK_BYTES
            if buffer or (more and len(piece) < most):
                buffer += piece
                if more and len(buffer) < most:
                    continue
                piece = bytes(buffer)
                buffer.clear()
            await handle(piece)
            memory.give(taken)
            taken = 0
    finally:
        memory.give(taken)


class Spool:
    """Content that arrives in pieces: in memory while it is small and there is room, else on disk.

    `write` and `read` block while the content is on disk.
    """

    def __init__(self, memory: BodyMemory) -> None:
        self._memory = memory
        self._content = bytearray()
        self._file: IO[bytes] | None = None
        self._on_disk = 0
        self.length = 0
        """In bytes."""

    def write(self, content: bytes) -> None:
        """Appends `content`. Raises `Unavailable` if the disk does not take it."""
        if self._file is None:
            fits = self.length + len(content) <= SMALL_BYTES
            if fits and self._memory.take(len(content)):
                self._content += content
                self.length += len(content)
                return
            with _storing():
                self._file = self._memory.open_file()
            self._append(self._content)
            self._forget()
        self._append(content)
        self.length += len(content)

    def _append(self, content: bytes | bytearray) -> None:
        assert self._file
        self._memory.take_disk(len(content))
        self._on_disk += len(content)
        with _storing():
            self._file.write(content)

    def read(self, start: int, length: int) -> bytes:
        """A part of the content. Raises `Unavailable`."""
        if self._file is None:
            with memoryview(self._content) as content:
                return bytes(content[start : start + length])
        with _storing():
            self._file.flush()
            return os.pread(self._file.fileno(), length, start)

    async def load(self, start: int, length: int) -> bytes:
        """Like `read`, in a thread if that takes long."""
        if self._file is None or length <= OFF_LOOP_BYTES:
            return self.read(start, length)
        return await asyncio.to_thread(self.read, start, length)

    def close(self) -> None:
        """Forgets the content."""
        self._forget()
        if self._file:
            with suppress(OSError):  # a full disk: what is buffered is not needed any more
                self._file.close()
            self._memory.give_disk(self._on_disk)
            self._on_disk = 0

    def _forget(self) -> None:
        self._memory.give(len(self._content))
        self._content = bytearray()


@contextmanager
def _storing() -> Iterator[None]:
    """Raises `Unavailable` for an OSError."""
    try:
        yield
    except OSError as error:
        logger.exception("an upload cannot be written to disk")
        raise Unavailable(
            "The upload cannot be stored at the moment. Please try again.", "storage_unavailable"
        ) from error
