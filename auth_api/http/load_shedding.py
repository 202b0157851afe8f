"""Refuses what cannot be answered in time before anything else is done for it: pure ASGI."""

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

SHED = "shed"
"""What the scope of a request that was refused here has; such requests have no log line of their
own.
"""

_DEFAULT_MODEL = {"/api/predict/": RECOGNITION, "/api/similarity/": SIMILARITY}
# Seconds between log lines.
_TOLD_EVERY = 1.0


class LoadShedding:
    """Answers 503 to requests for a model whose queue is too long (`auth_api.torchserve.batcher`).

    It does so before it reads their body or looks up their caller, so they cost next to nothing.
    """

    def __init__(self, app: ASGIApp, refusal: Callable[[str], Unavailable | None]) -> None:
        """`refusal` says why a model takes no more requests now, None where it does."""
        self.app = app
        self._refusal = refusal
        self._untold = 0
        self._told_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        model = _model(scope) if scope["type"] == "http" else None
        if model and (refusal := self._refusal(model)):
            scope[SHED] = True
            self._tell(model)
            await response_of(refusal)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _tell(self, model: str) -> None:
        self._untold += 1
        moment = time.monotonic()
        if moment - self._told_at > _TOLD_EVERY:
            extra = {"model": model, "requests": self._untold}
            logger.warning("refused: too many wait for the model", extra=extra)
            self._untold, self._told_at = 0, moment


def _model(scope: Scope) -> str | None:
    """The model that a request is for, None if it is for none."""
    default = _DEFAULT_MODEL.get(scope["path"])
    query: bytes = scope["query_string"]
    if default and b"model=" in query:
        return parse_qs(query.decode("latin-1")).get("model", [default])[0]
    return default
