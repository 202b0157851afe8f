"""Sends the head and the body of a small request in one piece: each piece costs a system call and a
turn of the event loop.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

from httpcore2 import AnyIOBackend, AsyncNetworkStream

# Joining copies. More than this is sent without waiting for the rest.
_SMALL_BYTES = 64 * 1024


class JoiningBackend(AnyIOBackend):
    """Makes connections that join small writes."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        """Connects. Errors are those of the base class."""
        stream = await super().connect_tcp(host, port, timeout, local_address, socket_options)
        return _JoiningStream(stream)


class _JoiningStream(AsyncNetworkStream):
    """Sends what was written before it reads, because an answer begins after the request's end."""

    def __init__(self, stream: AsyncNetworkStream) -> None:
        self._stream = stream
        self._waiting = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        await self._send(timeout)
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if len(buffer) > _SMALL_BYTES:
            await self._send(timeout)
            await self._stream.write(buffer, timeout)
        else:
            self._waiting += buffer

    async def _send(self, timeout: float | None) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, b""
            await self._stream.write(waiting, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> AsyncNetworkStream:
        return _JoiningStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
