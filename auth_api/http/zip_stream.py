"""Writes a zip while it is sent: one part of one file in memory at a time, nothing on disk."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator

_PART_BYTES = 64 * 1024

Content = bytes | AsyncIterator[str]
"""Of a file: all of it, or a long text in pieces."""


async def zipped(files: AsyncIterator[tuple[str, Content]]) -> AsyncIterator[bytes]:
    """A zip of the files, given as (name, content), in chunks. Equal files make equal zips."""
    stream = _Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        async for name, content in files:
            entry = zipfile.ZipInfo(name)  # dated 1980: the current time would make zips differ
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            if isinstance(content, bytes):
                await asyncio.to_thread(archive.writestr, entry, content)
            else:
                # Its size is unknown and may be above 2 GB.
                with archive.open(entry, "w", force_zip64=True) as file:
                    async for part in _parts(content):
                        await asyncio.to_thread(file.write, part)
                        yield stream.take()
            yield stream.take()
    yield stream.take()


async def _parts(pieces: AsyncIterator[str]) -> AsyncIterator[bytes]:
    """The pieces of a text, joined to parts that are worth a thread."""
    part = bytearray()
    async for piece in pieces:
        part += piece.encode()
        if len(part) >= _PART_BYTES:
            yield bytes(part)
            part.clear()
    yield bytes(part)


class _Stream(io.RawIOBase):
    """Collects written bytes until they are taken. It cannot seek."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        self._buffer += content
        return len(content)

    def take(self) -> bytes:
        taken = bytes(self._buffer)
        self._buffer.clear()
        return taken
