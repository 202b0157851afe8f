"""HTTP requests to TorchServe: pooled connections, tokens, translation of errors."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

import aiohttp
from pydantic import HttpUrl

from auth_api.errors import NotFound, Refused, TooLarge, Unavailable, Unreachable
from auth_api.observability.logs import request_id
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings
from auth_api.torchserve.batcher import busy
from auth_api.torchserve.keys import KeyFile, Kind

logger = logging.getLogger(__name__)

_MANAGEMENT_SECONDS = 5.0
_CONNECT_SECONDS = 2.0
# Another process may renew the key again while the request with the new one is on its way.
_MAX_ATTEMPTS = 4
_HEADERS = {"Content-Type": "application/octet-stream"}


class Response(NamedTuple):
    status: int
    body: bytes


class Connection:
    """Pooled connections to one TorchServe, for the event loop they are made in."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        connections, seconds = settings.torchserve_connections, settings.torchserve_timeout
        self._sessions: dict[Kind, aiohttp.ClientSession] = {
            "inference": _session(settings.torchserve_inference_url, connections, seconds),
            "management": _session(settings.torchserve_management_url, 4, _MANAGEMENT_SECONDS),
        }
        self._keys = (
            KeyFile(settings.torchserve_key_file, self._sessions["management"], metrics)
            if settings.torchserve_key_file
            else None
        )

    async def aclose(self) -> None:
        """Closes all connections."""
        for session in self._sessions.values():
            await session.close()

    async def send(
        self,
        kind: Kind,
        method: str,
        path: str,
        body: bytes | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Response:
        """Sends a request; repeats it with a new key if TorchServe rejects the key.

        `options` are further headers. Raises `Unavailable`.
        """
        headers = {**_HEADERS, **(options or {})}
        if identifier := request_id.get():
            headers.setdefault("X-Request-ID", identifier)  # for the logs of handlers
        token = await self._keys.token(kind) if self._keys else ""
        for _ in range(_MAX_ATTEMPTS):
            headers["Authorization"] = f"Bearer {token}"
            response = await self._transmit(kind, method, path, body, headers)
            if not self._keys or not _is_invalid_key(response):
                break
            token = await self._keys.renew(kind, token)
        return response

    async def _transmit(
        self, kind: Kind, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Response:
        async def request() -> Response:
            session = self._sessions[kind]
            async with session.request(method, path, data=body, headers=headers) as response:
                return Response(response.status, await response.read())

        try:
            try:
                return await request()
            except aiohttp.ServerDisconnectedError:
                # TorchServe closed the pooled connection at this moment. All requests of this
                # service may safely be repeated.
                return await request()
        except aiohttp.ConnectionTimeoutError as error:
            raise Unreachable("The model server cannot be reached at the moment.") from error
        except asyncio.TimeoutError as error:
            raise busy() from error
        except aiohttp.ClientConnectorError as error:
            raise Unreachable("The model server is not running at the moment.") from error
        except aiohttp.ClientError as error:
            raise Unreachable("The model server went away. Please try again.") from error


def _session(url: HttpUrl, connections: int, seconds: float) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        base_url=str(url),
        connector=aiohttp.TCPConnector(limit=connections),
        timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _is_invalid_key(response: Response) -> bool:
    return response.status == HTTPStatus.BAD_REQUEST and b"InvalidKeyException" in response.body


def failure(response: Response, model: str, version: str | None) -> Exception:
    """The exception for a response with a status other than 200."""
    status = response.status
    try:
        body = json.loads(response.body)
    except ValueError:
        body = None
    if isinstance(body, dict) and body.get("success") is False and 400 <= status < 500:
        sentence = str(body.get("error") or "The model refused this without a reason.")
        return Refused(status, sentence, str(body.get("code") or "refused"))
    if status == HTTPStatus.NOT_FOUND:
        name = f"version {version} of {model}" if version else f"model {model}"
        return NotFound(f"There is no {name}.", "model_not_found")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooLarge("The image is too large for the model server.", "image_too_large")
    details = {"model": model, "status": status, "answer": response.body.decode(errors="replace")}
    logger.warning("TorchServe failed", extra=details)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:  # the model's queue is full, or no worker is ready
        return busy(retry_after=1)
    return Unavailable("The model server could not answer. Please try again.")
