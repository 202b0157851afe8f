"""Decides which version of a model answers, and falls back to the default if that one fails."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from starlette.requests import Request

from auth_api.authorisation.access import Caller, rank
from auth_api.errors import Forbidden, NotFound, Refused, Unavailable
from auth_api.http.rate_limits import caller_address
from auth_api.models.releases import Releases
from auth_api.observability.metrics import Metrics
from auth_api.torchserve.client import TorchServe
from auth_api.torchserve.outage_retry import OutageRetry
from auth_api.torchserve.wire_format import Answer, comparisons
from auth_api.usage.counters import UsageCounters

# A version with so many failures in a row gets no requests for a while: a circuit breaker.
_FAILURE_THRESHOLD = 5
_OPEN_SECONDS = 15.0
# After a slower failure of the default the caller has waited long enough: no second attempt.
_FAST_FAILURE_SECONDS = 1.0
_MAX_DEVICE_ID_LENGTH = 128

TESTER_ROLE = "data-scientist"
"""The lowest role that may name a version without traffic, because it can train one."""


class Client(NamedTuple):
    """The sender of a request. All requests of one client get the same version."""

    identity: str
    user_id: int | None = None
    """None for a client that is not signed in."""
    role: str = "user"


@dataclass
class _Circuit:
    """Failures of a version other than the default, in this process."""

    failures: int = 0
    open_until: float = 0.0
    """In seconds of the monotonic clock."""


class VersionRouter:
    """Predictions of all models by the version that these rules choose.

    1. The version that the request names. If it fails, the caller gets the error. A version without
       traffic is only for those who test versions: `TESTER_ROLE` and above.
    2. Else the client's version by the traffic split. It is skipped if it has no ready worker, and
       for `_OPEN_SECONDS` after `_FAILURE_THRESHOLD` failures in a row.
    3. Else, and if the client's version fails, the default version.
    4. If the default has no ready worker or fails within `_FAST_FAILURE_SECONDS`, one attempt that
       names no version: any worker, of any version that TorchServe serves by default just now.

    A failure is `Unavailable` or `NotFound`. `Refused` and `TooLarge` are answers about the image;
    no other version is tried.
    """

    def __init__(
        self,
        torchserve: TorchServe,
        releases: Releases,
        usage: UsageCounters,
        metrics: Metrics,
        retry: OutageRetry,
    ) -> None:
        self._torchserve = torchserve
        self._releases = releases
        self._usage = usage
        self._metrics = metrics
        self._retry = retry
        self._circuits: dict[tuple[str, str], _Circuit] = {}

    async def predict(
        self,
        model: str,
        image: bytes,
        client: Client,
        version: str | None = None,
        options: Mapping[str, str] | None = None,
        *,
        shed: bool = True,
    ) -> Answer:
        """Returns the answer of `model` for an encoded image and counts it in the usage.

        `version` None means the client's version. `options` are request headers for the handler.
        `shed=False`: never rejected, however long the queue. Raises `Refused`, `Forbidden`,
        `NotFound`, `TooLarge`, `Unavailable`.
        """
        self.require_nameable(model, version, client)
        deadline = self._retry.deadline()

        async def ask(version: str | None) -> Answer:
            predicting = self._retry.call(
                deadline,
                lambda: self._torchserve.predict(model, image, version, options, shed=shed),
            )
            try:
                answer = await self._usage.track(predicting, model, version, client.user_id)
            except Refused as error:
                self._metrics.refused.labels(model, error.code).inc()
                raise
            self._metrics.count_answer(model, answer, comparisons(answer))
            return answer

        split = self._releases.traffic_split(model)
        if version is not None:
            return await ask(version)
        if split is None:
            return await ask(None)
        chosen = split.version_of(model, client.identity)
        if chosen != split.default and not self._releases.unhealthy(model, chosen):
            answer = await self._try_version(ask, model, chosen)
            if answer is not None:
                return answer
        if self._releases.unhealthy(model, split.default):
            return await ask(None)
        started = time.monotonic()
        try:
            return await ask(split.default)
        except NotFound:  # TorchServe has just restarted and does not serve it yet
            return await ask(None)
        except Unavailable:
            if time.monotonic() - started > _FAST_FAILURE_SECONDS:
                raise
            # A worker that dies loses its requests; another worker may answer.
            self._usage.count("fell_back", model, split.default)
            return await ask(None)

    def require_nameable(self, model: str, version: str | None, client: Client) -> None:
        """Requires that a client may name a version, as far as this service knows the versions.

        Raises `NotFound` if there is no such version, `Forbidden` if it has no traffic and the
        client is below `TESTER_ROLE`.
        """
        state = self._releases.state(model)
        if version is None or state.release is None:
            return
        if not state.registered(version):
            raise NotFound(f"There is no version {version} of {model}.", "model_not_found")
        if not state.in_use(version) and rank(client.role) < rank(TESTER_ROLE):
            raise Forbidden(
                f"Version {version} of {model} gets no traffic: only the role '{TESTER_ROLE}' and "
                "above may name it.",
                "role_missing",
            )

    def has_answered(self, model: str, since: float) -> bool:
        """Whether `model` answered any request after `since`, a time of the monotonic clock."""
        return self._torchserve.has_answered(model, since)

    async def _try_version(
        self, ask: Callable[[str], Awaitable[Answer]], model: str, version: str
    ) -> Answer | None:
        """The answer of a version other than the default, None if the default has to answer."""
        circuit = self._circuits.setdefault((model, version), _Circuit())
        if circuit.open_until <= time.monotonic():
            try:
                answer = await ask(version)
                circuit.failures = 0
                return answer
            except NotFound:  # TorchServe has just restarted and does not serve it yet
                pass
            except Unavailable:
                self._usage.count("fell_back", model, version)
                circuit.failures += 1
                if circuit.failures >= _FAILURE_THRESHOLD:
                    circuit.open_until = time.monotonic() + _OPEN_SECONDS
        self._metrics.fallbacks.labels(model, version).inc()
        return None


def client_of(request: Request, caller: Caller | None) -> Client:
    """The client of a request: its user, else its `X-Device-ID`, else its address."""
    if caller is not None:
        return user(caller.user_id, caller.role)
    device = request.headers.get("x-device-id", "").strip()[:_MAX_DEVICE_ID_LENGTH]
    return Client(f"device {device}" if device else f"address {caller_address(request)}")


def user(user_id: int, role: str) -> Client:
    """The client for a signed-in user, the same on every device."""
    return Client(f"user {user_id}", user_id, role)
