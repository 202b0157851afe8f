"""HTTP requests to TorchServe, with its tokens; translation of its refusals."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus

from auth_api.errors import NotFound, Refused, TooLarge, Unanswered
from auth_api.observability.logs import request_id
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings
from auth_api.torchserve.alone import SendAlone
from auth_api.torchserve.batcher import busy
from auth_api.torchserve.endpoint import Endpoint, Response
from auth_api.torchserve.keys import KeyFile, Kind
from handlers.errors import SLOW, UNTRIED

logger = logging.getLogger(__name__)

_MANAGEMENT_SECONDS = 5.0
# Another process may renew the key again while the request with the new one is on its way.
_MAX_ATTEMPTS = 4
# Codes of `handlers.errors.Postponed`, and whether another quick attempt makes sense.
_POSTPONED = {SLOW: False, UNTRIED: True}
_HEADERS = {"Content-Type": "application/octet-stream"}


class Connection:
    """Pooled connections to one TorchServe, for the event loop they are made in."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        max_age = settings.torchserve_connection_seconds
        self._endpoints: dict[Kind, Endpoint] = {
            "inference": Endpoint(
                settings.torchserve_inference_url,
                settings.torchserve_connections,
                settings.torchserve_timeout,
                max_age,
            ),
            "management": Endpoint(
                settings.torchserve_management_url, 4, _MANAGEMENT_SECONDS, max_age
            ),
        }
        self._keys = (
            KeyFile(settings.torchserve_key_file, self._endpoints["management"], metrics)
            if settings.torchserve_key_file
            else None
        )

    async def aclose(self) -> None:
        """Closes all connections."""
        for endpoint in self._endpoints.values():
            await endpoint.aclose()

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
        endpoint = self._endpoints[kind]
        if not self._keys:
            return await endpoint.request(method, path, headers, body)
        token = await self._keys.token(kind)
        for _ in range(_MAX_ATTEMPTS):
            headers["Authorization"] = f"Bearer {token}"
            response = await endpoint.request(method, path, headers, body)
            if not _is_invalid_key(response):
                break
            token = await self._keys.renew(kind, token)
        return response


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
    if isinstance(body, dict) and body.get("code") in _POSTPONED:
        return SendAlone(quick=_POSTPONED[body["code"]])
    if status == HTTPStatus.NOT_FOUND:
        name = f"version {version} of {model}" if version else f"model {model}"
        return NotFound(f"There is no {name}.", "model_not_found")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooLarge("The image is too large for the model server.", "image_too_large")
    details = {"model": model, "status": status, "answer": response.body.decode(errors="replace")}
    logger.warning("TorchServe failed", extra=details)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:  # the model's queue is full, or no worker is ready
        return busy(retry_after=1)
    return Unanswered("The model server could not answer. Please try again.")
