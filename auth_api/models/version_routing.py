"""Predictions by the version that is the caller's, or by the default where that one fails."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from starlette.requests import Request

from auth_api.authorisation.access import Caller
from auth_api.errors import NotFound, Refused, Unavailable
from auth_api.http.rate_limits import caller_address
from auth_api.models.releases import Releases
from auth_api.observability.metrics import Metrics
from auth_api.torchserve.client import TorchServe
from auth_api.torchserve.outage_retry import OutageRetry
from auth_api.torchserve.predictions import Answer
from auth_api.usage.counters import Usage

_FAILURES = 5
"""So many in a row, and a version is left alone for a while."""
_REST_SECONDS = 15.0
# A failure that took longer is not tried again.
_HASTE_SECONDS = 1.0
_LONGEST_IDENTITY = 128


class Client(NamedTuple):
    """Whose requests are to get the same version."""

    identity: str
    user_id: int | None = None
    """None of who is not signed in."""


@dataclass
class _Health:
    """How a version other than the default has been doing in this process."""

    failures: int = 0
    rests_until: float = 0.0


class VersionRouter:
    """All models, to be asked."""

    def __init__(
        self,
        torchserve: TorchServe,
        releases: Releases,
        usage: Usage,
        metrics: Metrics,
        retry: OutageRetry,
    ) -> None:
        self._torchserve = torchserve
        self._releases = releases
        self._usage = usage
        self._metrics = metrics
        self._retry = retry
        self._health: dict[tuple[str, str], _Health] = {}

    async def predict(
        self,
        model: str,
        image: bytes,
        client: Client,
        version: str | None = None,
        options: Mapping[str, str] | None = None,
        *,
        patient: bool = False,
    ) -> Answer:
        """Has `model` look at an encoded image: the `version` that is named, else that of whoever
        asks, else the default. It is counted.

        `options` are the request headers that tell the handler what else is asked for. Who is
        `patient` is not refused however many wait. Raises Refused, NotFound, TooLarge or
        Unavailable.
        """
        deadline = self._retry.deadline()

        async def ask(version: str | None) -> Answer:
            predicting = self._retry.call(
                deadline,
                lambda: self._torchserve.predict(model, image, version, options, patient=patient),
            )
            try:
                answer = await self._usage.counted(predicting, model, version, client.user_id)
            except Refused as error:
                self._metrics.refused.labels(model, error.code).inc()
                raise
            self._metrics.answered(model, answer)
            return answer

        arms = self._releases.traffic_split(model)
        if version is not None:
            if arms is not None and not self._releases.state(model).registered(version):
                raise NotFound(f"There is no version {version} of {model}.", "model_not_found")
            return await ask(version)
        if arms is None:
            return await ask(None)
        chosen = arms.version_of(model, client.identity)
        if chosen != arms.default and not self._releases.unhealthy(model, chosen):
            answer = await self._try(ask, model, chosen)
            if answer is not None:
                return answer
        if self._releases.unhealthy(model, arms.default):
            # TorchServe has just started: whatever it serves by itself is better than nothing.
            return await ask(None)
        began = time.monotonic()
        try:
            return await ask(arms.default)
        except NotFound:
            return await ask(None)  # as above
        except Unavailable:
            if time.monotonic() - began > _HASTE_SECONDS:
                raise
            # A worker that ends takes its requests along; another one may be there.
            self._usage.fell_back(model, arms.default)
            return await ask(None)

    async def _try(
        self, ask: Callable[[str], Awaitable[Answer]], model: str, version: str
    ) -> Answer | None:
        """The answer of a version that may fail, None where the default has to answer."""
        health = self._health.setdefault((model, version), _Health())
        if health.rests_until > time.monotonic():
            self._metrics.fallbacks.labels(model, version).inc()
            return None
        try:
            answer = await ask(version)
        except Unavailable:
            self._usage.fell_back(model, version)
            health.failures += 1
            if health.failures >= _FAILURES:
                health.rests_until = time.monotonic() + _REST_SECONDS
            self._metrics.fallbacks.labels(model, version).inc()
            return None
        except NotFound:  # as above
            self._metrics.fallbacks.labels(model, version).inc()
            return None
        health.failures = 0
        return answer


def client_of(request: Request, caller: Caller | None) -> Client:
    """Who asks: a user, else the device that says so in `X-Device-ID`, else an address."""
    if caller is not None:
        return user(caller.user_id)
    device = request.headers.get("x-device-id", "").strip()[:_LONGEST_IDENTITY]
    return Client(f"device {device}" if device else f"address {caller_address(request)}")


def user(user_id: int) -> Client:
    """A signed-in user, wherever."""
    return Client(f"user {user_id}", user_id)
