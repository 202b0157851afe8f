"""How requests get to TorchServe and back: pooled connections, tokens, what failures mean."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import aiohttp

from auth_api.errors import NotFound, Refused, TooLarge, Unavailable, Unreachable
from auth_api.observability.logs import request_id
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings
from auth_api.torchserve.batcher import busy
from auth_api.torchserve.keys import KeyFile, Kind

logger = logging.getLogger(__name__)

_MANAGEMENT_SECONDS = 5.0
_CONNECT_SECONDS = 2.0
# The second may die as well while it travels, where others rotate keys at the same moment.
_KEYS_TRIED = 4
_IMAGE_HEADERS = {"Content-Type": "application/octet-stream"}


class Response(NamedTuple):
    """What TorchServe answered."""

    status: int
    body: bytes


class Connection:
    """Connections to one TorchServe, for the event loop they are made in."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._sessions: dict[Kind, aiohttp.ClientSession] = {
            "inference": _session(
                str(settings.torchserve_inference_url),
                settings.torchserve_connections,
                settings.torchserve_timeout,
            ),
            "management": _session(str(settings.torchserve_management_url), 4, _MANAGEMENT_SECONDS),
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
        """Sends one request, again with the new key as often as the old one died under it.

        `options` are headers besides. Raises Unavailable.
        """
        headers = {**_IMAGE_HEADERS, **_named(), **(options or {})}
        token = await self._keys.token(kind) if self._keys else ""
        for _ in range(_KEYS_TRIED):
            response = await self._transmit(kind, method, path, body, _signed(headers, token))
            if not self._keys or not _is_key_refusal(response):
                break
            token = await self._keys.renewed(kind, token)
        return response

    async def _transmit(
        self, kind: Kind, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Response:
        try:
            try:
                return await self._once(kind, method, path, body, headers)
            except aiohttp.ServerDisconnectedError:
                # A pooled connection that TorchServe closed at this very moment; whatever is
                # asked of it here may safely be asked twice.
                return await self._once(kind, method, path, body, headers)
        except aiohttp.ConnectionTimeoutError as error:
            raise Unreachable("The model server cannot be reached at the moment.") from error
        except asyncio.TimeoutError as error:
            raise busy() from error
        except aiohttp.ClientConnectorError as error:
            raise Unreachable("The model server is not running at the moment.") from error
        except aiohttp.ClientError as error:
            raise Unreachable("The model server went away. Please try again.") from error

    async def _once(
        self, kind: Kind, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Response:
        session = self._sessions[kind]
        async with session.request(method, path, data=body, headers=headers) as response:
            return Response(response.status, await response.read())


def _named() -> Mapping[str, str]:
    """What handlers call the request in their logs."""
    identifier = request_id.get()
    return {"X-Request-ID": identifier} if identifier else {}


def _signed(headers: Mapping[str, str], token: str) -> Mapping[str, str]:
    return {**headers, "Authorization": f"Bearer {token}"}


def _session(url: str, connections: int, seconds: float) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        base_url=url,
        connector=aiohttp.TCPConnector(limit=connections),
        timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _is_key_refusal(response: Response) -> bool:
    return response.status == HTTPStatus.BAD_REQUEST and b"InvalidKeyException" in response.body


def failure(response: Response, model: str, version: str | None) -> Exception:
    """What an answer other than 200 means."""
    status = response.status
    body = _object(response.body)
    if body.get("success") is False and 400 <= status < 500:
        sentence = str(body.get("error") or "The model refused this without a reason.")
        return Refused(status, sentence, str(body.get("code") or "refused"))
    if status == HTTPStatus.NOT_FOUND:
        named = f"version {version} of {model}" if version else f"model {model}"
        return NotFound(f"There is no {named}.", "model_not_found")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooLarge("The image is too large for the model server.", "image_too_large")
    logger.warning(
        "TorchServe failed",
        extra={"model": model, "status": status, "answer": response.body.decode(errors="replace")},
    )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        # The queue of the model is full, or none of its workers is up.
        return busy(retry_after=1)
    return Unavailable("The model server could not answer. Please try again.")


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
