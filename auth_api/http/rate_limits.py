"""How often someone may ask, and how often guess a password.

Moving windows of the library `limits`, in memory or in Redis. A store that cannot be reached
lets everything pass: the service is worth more than its limits.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address
from typing import cast

from limits import RateLimitItem, parse_many
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string
from starlette.requests import Request

from auth_api.errors import TooMany
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings

logger = logging.getLogger(__name__)

# Less is none of a window's business.
_SET_BACK_SECONDS = 1.0


class RateLimits:
    """The limits of the settings; none at all with `RATE_LIMIT_ENABLED=false`."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._metrics = metrics
        self._storage = cast(
            Storage,
            storage_from_string(f"async+{settings.rate_limit_storage}", wrap_exceptions=True),
        )
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._ahead = _ahead()
        rates = {
            "signin": settings.rate_limit_signin,
            "predict": settings.rate_limit_predict,
            "predict_address": settings.rate_limit_predict_address,
            "other": settings.rate_limit_other,
            "failed_account": settings.failed_signins_account,
            "failed_address": settings.failed_signins_address,
        }
        enabled = settings.rate_limit_enabled
        self._rates = {name: parse_many(value) if enabled else [] for name, value in rates.items()}

    async def reachable(self) -> bool:
        """Whether the store of the counts answers."""
        try:
            return await self._storage.check()
        except StorageError:
            return False

    async def count(self, rate: str, who: str) -> Mapping[str, str]:
        """Counts one request; answers the headers that tell how many are left.

        Raises TooMany, with the same headers.
        """
        headers: dict[str, str] = {}
        with self._lenient():
            await self._forget_the_future()
            passed = [await self._limiter.hit(limit, rate, who) for limit in self._rates[rate]]
            if passed:
                headers, wait = await self._state(rate, who)
            if not all(passed):
                error = TooMany(
                    f"Too many requests: please wait {_duration(wait)}.", retry_after=wait
                )
                error.headers = {**(error.headers or {}), **headers}
                self._metrics.rate_limited.labels(rate).inc()
                raise error
        return headers

    async def begin_attempt(self, account: str, address: str) -> None:
        """To be called before a password is looked at: it counts as wrong for the account until
        `forgive`, so that guesses at the same time are counted too.

        Raises TooMany when too many were wrong, of the account or from the address.
        """
        with self._lenient():
            await self._forget_the_future()
            for limit in self._rates["failed_address"]:
                if not await self._limiter.test(limit, "failed_address", address):
                    _, wait = await self._state("failed_address", address)
                    self._metrics.rate_limited.labels("failed_address").inc()
                    raise _too_many_failures(wait)
        try:
            await self.count("failed_account", account)
        except TooMany as error:
            raise _too_many_failures(int((error.headers or {})["Retry-After"])) from error

    async def note_failure(self, address: str) -> None:
        """A password from `address` was wrong."""
        with self._lenient():
            for limit in self._rates["failed_address"]:
                await self._limiter.hit(limit, "failed_address", address)

    async def forgive(self, account: str) -> None:
        """The password was right: the count of the account starts anew."""
        with self._lenient():
            for limit in self._rates["failed_account"]:
                await self._limiter.clear(limit, "failed_account", account)

    @contextmanager
    def _lenient(self) -> Iterator[None]:
        """Lets pass what cannot be counted."""
        try:
            yield
        except StorageError:
            self._metrics.rate_limit_failures.inc()
            logger.exception("the store of the rate limits cannot be reached")

    async def _forget_the_future(self) -> None:
        """Starts all counts anew when the clock was set back: those of before would count until it
        is there again, for hours.
        """
        ahead = _ahead()
        if ahead < self._ahead - _SET_BACK_SECONDS:
            logger.warning("the clock was set back", extra={"seconds": round(self._ahead - ahead)})
            await self._storage.reset()
        self._ahead = ahead

    async def _state(self, rate: str, who: str) -> tuple[dict[str, str], int]:
        """The headers of the limit that is nearest to its end, and the seconds until then."""
        nearest: RateLimitItem | None = None
        left, reset = 0, 0.0
        for limit in self._rates[rate]:
            window = await self._limiter.get_window_stats(limit, rate, who)
            if nearest is None or (window.remaining, -window.reset_time) < (left, -reset):
                nearest, left, reset = limit, window.remaining, window.reset_time
        assert nearest
        wait = max(1, math.ceil(reset - time.time()))
        return {
            "X-RateLimit-Limit": str(nearest.amount),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(math.ceil(reset)),
        }, wait


def _ahead() -> float:
    """Seconds that the clock of the day is ahead of the one that only goes forward."""
    return time.time() - time.monotonic()


def caller_address(request: Request) -> str:
    """Where a request comes from, a reverse proxy that is trusted looked through."""
    return request.client.host if request.client else "unknown"


def limited_address(request: Request) -> str:
    """The address as limits count it: a household has a whole /64 of IPv6 addresses."""
    address = caller_address(request)
    try:
        parsed = ip_address(address)
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed)


def _too_many_failures(wait: int) -> TooMany:
    return TooMany(
        f"Too many wrong passwords: please wait {_duration(wait)}.",
        "too_many_failures",
        retry_after=wait,
    )


def _duration(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} second{'s' if seconds != 1 else ''}"
    if seconds < 7200:
        return f"{math.ceil(seconds / 60)} minutes"
    return f"{math.ceil(seconds / 3600)} hours"
