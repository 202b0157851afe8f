"""Requests to one address of TorchServe: pooled connections, translation of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

# httpx2's own connection pool. Its client above it would cost half a millisecond more a request.
import httpcore2
from pydantic import HttpUrl

from auth_api.errors import TimedOut, Unreachable
from auth_api.torchserve.batcher import BUSY, BUSY_SENTENCE, busy
from auth_api.torchserve.connection_age import AgingPool
from auth_api.torchserve.joined_writes import JoiningBackend

_CONNECT_SECONDS = 2.0
_KEEPALIVE_SECONDS = 15.0
# TorchServe closed the pooled connection at the moment that a request used it.
_CLOSED = (httpcore2.RemoteProtocolError, httpcore2.ReadError, httpcore2.WriteError)


class Response(NamedTuple):
    status: int
    body: bytes


class Endpoint:
    """Pooled connections to one address, for the event loop they are made in."""

    def __init__(self, url: HttpUrl, connections: int, seconds: float, max_age: float) -> None:
        """`connections`: further requests wait for one. `seconds`: longest wait for a connection,
        for TorchServe to take the request, and for each part of its answer. `max_age`: seconds
        after which a connection is replaced, a third more or less.
        """
        self._url = str(url).rstrip("/")
        self._pool = AgingPool(
            max_age,
            max_connections=connections,
            keepalive_expiry=_KEEPALIVE_SECONDS,
            network_backend=JoiningBackend(),
        )
        self._timeouts = {
            "timeout": {
                "connect": _CONNECT_SECONDS,
                "pool": seconds,
                "read": seconds,
                "write": seconds,
            }
        }

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._pool.aclose()

    async def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        """Sends a request. Repeats it once if TorchServe closed the pooled connection; all requests
        of this service may safely be repeated.

        Raises `Unreachable` if there is no TorchServe, `TimedOut` if it takes the request and does
        not answer in time, and `Unavailable` if it does not take it.
        """
        try:
            try:
                return await self._transmit(method, path, headers, body)
            except _CLOSED:
                return await self._transmit(method, path, headers, body)
        except httpcore2.ConnectTimeout as error:
            raise Unreachable("The model server cannot be reached at the moment.") from error
        except httpcore2.ReadTimeout as error:
            raise TimedOut(BUSY_SENTENCE, BUSY) from error
        except httpcore2.TimeoutException as error:
            raise busy() from error
        except httpcore2.ConnectError as error:
            raise Unreachable("The model server is not running at the moment.") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise Unreachable("The model server went away. Please try again.") from error

    async def _transmit(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        response = await self._pool.request(
            method,
            self._url + path,
            headers=list(headers.items()),
            content=body,
            extensions=self._timeouts,
        )
        return Response(response.status, response.content)
