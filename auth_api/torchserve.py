"""The only module that speaks to TorchServe: bytes and a model's name in, its JSON out.

Every foreign failure becomes one of `auth_api.errors` here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import aiohttp

from auth_api.errors import Conflict, NotFound, Refused, TooLarge, Unavailable
from auth_api.metrics import Metrics
from auth_api.settings import Settings
from auth_api.torchserve_keys import KeyFile, Kind
from auth_api.training.missing import MissingModels

logger = logging.getLogger(__name__)

Answer = dict[str, Any]

_MANAGEMENT_SECONDS = 5.0
_CONNECT_SECONDS = 2.0
# The second may die as well while it travels, where others rotate keys at the same moment.
_KEYS_TRIED = 4
_IMAGE_HEADERS = {"Content-Type": "application/octet-stream"}


class _Response(NamedTuple):
    status: int
    body: bytes


class TorchServe:
    """A pooled client of one TorchServe, for the event loop it is made in."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._metrics = metrics
        self._missing = MissingModels(settings)
        self._sessions: dict[Kind, aiohttp.ClientSession] = {
            "inference": _session(
                str(settings.torchserve_inference_url),
                settings.torchserve_connections,
                settings.torchserve_timeout,
            ),
            "management": _session(str(settings.torchserve_management_url), 4, _MANAGEMENT_SECONDS),
        }
        self._keys = (
            KeyFile(settings.torchserve_key_file, self._sessions["management"])
            if settings.torchserve_key_file
            else None
        )

    async def aclose(self) -> None:
        """Closes all connections."""
        for session in self._sessions.values():
            await session.close()

    async def predict(
        self,
        model: str,
        image: bytes,
        version: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Answer:
        """Has `model` look at an encoded image; the version that is served if none is named.

        `options` are the request headers that tell the handler what else is asked for.
        Raises Refused, NotFound, TooLarge or Unavailable.
        """
        path = f"/predictions/{model}" + (f"/{version}" if version else "")
        started = time.perf_counter()
        try:
            response = await self._send("inference", "POST", path, image, options)
            if response.status != HTTPStatus.OK:
                raise self._failure(response, model, version)
        except Unavailable as error:
            self._metrics.torchserve_failures.labels(model, error.code).inc()
            raise
        finally:
            elapsed = time.perf_counter() - started
            self._metrics.torchserve_seconds.labels(model).observe(elapsed)
        answer: Answer = json.loads(response.body)
        return answer

    async def workers(self, model: str) -> list[str]:
        """The state of each worker of the default version of `model`, `READY` if it answers.

        Raises NotFound or Unavailable.
        """
        response = await self._send("management", "GET", f"/models/{model}")
        if response.status != HTTPStatus.OK:
            raise self._failure(response, model)
        (version,) = json.loads(response.body)
        return [worker["status"] for worker in version["workers"]]

    async def register(self, archive: str, workers: int) -> None:
        """Has a file of the model store served by so many workers, which take a while to start.

        Raises Conflict when its version is served already, or Unavailable.
        """
        path = f"/models?url={archive}&initial_workers={workers}&synchronous=false"
        response = await self._send("management", "POST", path)
        if response.status == HTTPStatus.CONFLICT:
            raise Conflict(f"The version in {archive} is served already.", "version_served")
        if response.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
            raise self._failure(response, archive)

    def _failure(self, response: _Response, model: str, version: str | None = None) -> Exception:
        failure = _failure(response, model, version)
        missing = self._missing.answer(model) if isinstance(failure, NotFound) else None
        return missing or failure

    async def _send(
        self,
        kind: Kind,
        method: str,
        path: str,
        body: bytes | None = None,
        options: Mapping[str, str] | None = None,
    ) -> _Response:
        """Sends one request, again with the new key as often as the old one died under it."""
        headers = {**_IMAGE_HEADERS, **(options or {})}
        token = await self._keys.token(kind) if self._keys else ""
        for _ in range(_KEYS_TRIED):
            response = await self._transmit(kind, method, path, body, _signed(headers, token))
            if not self._keys or not _is_key_refusal(response):
                break
            token = await self._keys.renewed(kind, token)
        return response

    async def _transmit(
        self, kind: Kind, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> _Response:
        try:
            try:
                return await self._once(kind, method, path, body, headers)
            except aiohttp.ServerDisconnectedError:
                # A pooled connection that TorchServe closed at this very moment; whatever is
                # asked of it here may safely be asked twice.
                return await self._once(kind, method, path, body, headers)
        except aiohttp.ConnectionTimeoutError as error:
            raise Unavailable("The model server cannot be reached at the moment.") from error
        except asyncio.TimeoutError as error:
            raise _busy() from error
        except aiohttp.ClientConnectorError as error:
            raise Unavailable("The model server is not running at the moment.") from error
        except aiohttp.ClientError as error:
            raise Unavailable("The model server went away. Please try again.") from error

    async def _once(
        self, kind: Kind, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> _Response:
        session = self._sessions[kind]
        async with session.request(method, path, data=body, headers=headers) as response:
            return _Response(response.status, await response.read())


def _signed(headers: Mapping[str, str], token: str) -> Mapping[str, str]:
    return {**headers, "Authorization": f"Bearer {token}"}


def _session(url: str, connections: int, seconds: float) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        base_url=url,
        connector=aiohttp.TCPConnector(limit=connections),
        timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _busy(retry_after: int = 2) -> Unavailable:
    return Unavailable(
        "The model server is busy. Please try again in a moment.",
        "model_server_busy",
        retry_after=retry_after,
    )


def _is_key_refusal(response: _Response) -> bool:
    return response.status == HTTPStatus.BAD_REQUEST and b"InvalidKeyException" in response.body


def _failure(response: _Response, model: str, version: str | None) -> Exception:
    """What an answer other than 200 means."""
    status = response.status
    body = _object(response.body)
    if body.get("success") is False and 400 <= status < 500:
        return Refused(status, str(body["error"]), str(body["code"]))
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
        return _busy(retry_after=1)
    return Unavailable("The model server could not answer. Please try again.")


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
