"""Predictions by the version that is the caller's, or by the default where that one fails."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from auth_api.access import Caller
from auth_api.errors import NotFound, Unavailable
from auth_api.metrics import Metrics
from auth_api.models.releases import Releases
from auth_api.rate_limits import caller_address
from auth_api.torchserve import Answer, TorchServe

_FAILURES = 5
"""So many in a row, and a version is left alone for a while."""
_REST_SECONDS = 15.0
_LONGEST_IDENTITY = 128


@dataclass
class _Health:
    """How a version other than the default has been doing in this process."""

    failures: int = 0
    rests_until: float = 0.0


class Models:
    """All models, to be asked."""

    def __init__(self, torchserve: TorchServe, releases: Releases, metrics: Metrics) -> None:
        self._torchserve = torchserve
        self._releases = releases
        self._metrics = metrics
        self._health: dict[tuple[str, str], _Health] = {}

    async def predict(
        self,
        model: str,
        image: bytes,
        identity: str,
        version: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Answer:
        """Has `model` look at an encoded image: the `version` that is named, else that of whoever
        has `identity`, else the default.

        `options` are the request headers that tell the handler what else is asked for. Raises
        Refused, NotFound, TooLarge or Unavailable.
        """
        if version is not None:
            return await self._torchserve.predict(model, image, version, options)
        arms = self._releases.arms(model)
        if arms is None:
            return await self._torchserve.predict(model, image, None, options)
        chosen = arms.version_of(model, identity)
        if chosen != arms.default:
            answer = await self._try(model, chosen, image, options)
            if answer is not None:
                return answer
        try:
            return await self._torchserve.predict(model, image, arms.default, options)
        except NotFound:
            # TorchServe has just started, and does not know it yet.
            return await self._torchserve.predict(model, image, None, options)

    async def _try(
        self, model: str, version: str, image: bytes, options: Mapping[str, str] | None
    ) -> Answer | None:
        """The answer of a version that may fail, None where the default has to answer."""
        health = self._health.setdefault((model, version), _Health())
        if health.rests_until > time.monotonic():
            self._metrics.fallbacks.labels(model, version).inc()
            return None
        try:
            answer = await self._torchserve.predict(model, image, version, options)
        except (Unavailable, NotFound):
            health.failures += 1
            if health.failures >= _FAILURES:
                health.rests_until = time.monotonic() + _REST_SECONDS
            self._metrics.fallbacks.labels(model, version).inc()
            return None
        health.failures = 0
        return answer


def identity_of(request: Request, caller: Caller | None) -> str:
    """Whose requests are to get the same version: a user's, else those of the device that says
    so in `X-Device-ID`, else those from one address.
    """
    if caller is not None:
        return user_identity(caller.user_id)
    device = request.headers.get("x-device-id", "").strip()[:_LONGEST_IDENTITY]
    return f"device {device}" if device else f"address {caller_address(request)}"


def user_identity(user_id: int) -> str:
    """That of a user."""
    return f"user {user_id}"
