"""Rejects requests that would wait too long for their model, before any work is done for them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from auth_api.errors import Unavailable
from auth_api.http.error_responses import response_of
from auth_api.settings import RECOGNITION, SIMILARITY

logger = logging.getLogger(__name__)

SHED_KEY = "shed"
"""Key in the ASGI scope of a rejected request. Such requests get no log line each."""

_DEFAULT_MODEL = {
    "/api/predict/": RECOGNITION,
    "/api/similarity/": SIMILARITY,
    "/api/worksheets/judge/": SIMILARITY,
}
_LOG_INTERVAL_SECONDS = 1.0


class LoadShedding:
    """Answers 503 to requests for a model whose queue is too long. Pure ASGI.

    It neither reads the body nor looks up the caller, so a rejected request costs very little.
    `auth_api.torchserve.batcher` decides which queue is too long.
    """

    def __init__(self, app: ASGIApp, rejection: Callable[[str], Unavailable | None]) -> None:
        """`rejection` returns why a model takes no more requests now, None if it does."""
        self.app = app
        self._rejection = rejection
        self._unlogged = 0
        self._logged_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        model = _model(scope) if scope["type"] == "http" else None
        if model and (error := self._rejection(model)):
            scope[SHED_KEY] = True
            self._log(model)
            await response_of(error)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _log(self, model: str) -> None:
        self._unlogged += 1
        moment = time.monotonic()
        if moment - self._logged_at > _LOG_INTERVAL_SECONDS:
            extra = {"model": model, "requests": self._unlogged}
            logger.warning("requests rejected: the queue of the model is too long", extra=extra)
            self._unlogged, self._logged_at = 0, moment


def _model(scope: Scope) -> str | None:
    """The model that a request asks for, None on other paths."""
    default = _DEFAULT_MODEL.get(scope["path"])
    query: bytes = scope["query_string"]
    if default and b"model=" in query:
        return parse_qs(query.decode("latin-1")).get("model", [default])[0]
    return default
