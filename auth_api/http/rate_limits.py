"""Limits how often a caller may send requests, and how often it may guess a password.

It uses moving windows of the library `limits`, in memory or in Redis. While that store is
unreachable every request passes, because the service matters more than its limits.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
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

# The clock must be set back by more than this before all counts are reset.
_CLOCK_TOLERANCE_SECONDS = 1.0
_LEFT = "X-RateLimit-Remaining"


class RateLimits:
    """The limits of the settings. With `RATE_LIMIT_ENABLED=false` there are none."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._metrics = metrics
        self._storage = cast(
            Storage,
            storage_from_string(f"async+{settings.rate_limit_storage}", wrap_exceptions=True),
        )
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._clock_offset = _clock_offset()
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
        """Whether the store answers."""
        try:
            return await self._storage.check()
        except StorageError:
            return False

    async def count(
        self, rate: str, who: str, number: int = 1, *, at_most_all: bool = False
    ) -> Mapping[str, str]:
        """Counts `number` requests or pictures of `who`, all of them or none.

        `at_most_all`: more than a limit allows count as all that it allows. Otherwise they are
        always too many. Returns the headers that say how many are left. Raises `TooMany`, with the
        same headers.
        """
        limits, headers = self._rates[rate], dict[str, str]()
        costs = {each: min(number, each.amount) if at_most_all else number for each in limits}

        async def refused_by(allow: Callable[..., Awaitable[bool]]) -> list[RateLimitItem]:
            return [each for each in limits if not await allow(each, rate, who, cost=costs[each])]

        with self._fail_open():
            await self._reset_after_clock_change()
            # All are tested before any counts. A single limit counts all or none by itself.
            refused = await refused_by(self._limiter.test) if len(limits) > 1 else []
            refused = refused or await refused_by(self._limiter.hit)
            if limits:
                headers, wait = await self._state(rate, who)
            if refused:
                self._metrics.rate_limited.labels(rate).inc()
                raise _too_many({each: costs[each] for each in refused}, wait, headers)
        return headers

    async def require_left(self, rate: str, who: str) -> Mapping[str, str]:
        """Requires that `who` has at least one left; counts nothing. Returns and raises as
        `count`.
        """
        headers: dict[str, str] = {}
        with self._fail_open():
            await self._reset_after_clock_change()
            if self._rates[rate]:
                headers, wait = await self._state(rate, who)
            if headers.get(_LEFT) == "0":
                self._metrics.rate_limited.labels(rate).inc()
                raise _too_many({}, wait, headers)
        return headers

    async def count_password_attempt(self, account: str, address: str) -> None:
        """Counts an attempt as wrong for the account, until `reset_failures`.

        Call it before the password is checked, so that parallel guesses are counted too. Raises
        `TooMany` after too many wrong passwords for the account or from the address.
        """
        with self._fail_open():
            await self._reset_after_clock_change()
            for limit in self._rates["failed_address"]:
                if not await self._limiter.test(limit, "failed_address", address):
                    _, wait = await self._state("failed_address", address)
                    self._metrics.rate_limited.labels("failed_address").inc()
                    raise _too_many_failures(wait)
        try:
            await self.count("failed_account", account)
        except TooMany as error:
            raise _too_many_failures(int((error.headers or {})["Retry-After"])) from error

    async def count_failure(self, address: str) -> None:
        """Counts a wrong password from `address`."""
        with self._fail_open():
            for limit in self._rates["failed_address"]:
                await self._limiter.hit(limit, "failed_address", address)

    async def reset_failures(self, account: str) -> None:
        """Resets the count of the account after a right password."""
        with self._fail_open():
            for limit in self._rates["failed_account"]:
                await self._limiter.clear(limit, "failed_account", account)

    @contextmanager
    def _fail_open(self) -> Iterator[None]:
        """Lets a request pass if its store is unreachable."""
        try:
            yield
        except StorageError:
            self._metrics.rate_limit_failures.inc()
            logger.exception("the store of the rate limits cannot be reached")

    async def _reset_after_clock_change(self) -> None:
        """Resets all counts when the clock was set back.

        Earlier counts would otherwise last until the clock reaches their time again.
        """
        offset = _clock_offset()
        if offset < self._clock_offset - _CLOCK_TOLERANCE_SECONDS:
            seconds = round(self._clock_offset - offset)
            logger.warning("the clock was set back", extra={"seconds": seconds})
            await self._storage.reset()
        self._clock_offset = offset

    async def _state(self, rate: str, who: str) -> tuple[dict[str, str], int]:
        """The headers of the limit with the fewest requests left, and the seconds to its reset."""
        tightest: RateLimitItem | None = None
        left, reset = 0, 0.0
        for limit in self._rates[rate]:
            window = await self._limiter.get_window_stats(limit, rate, who)
            if tightest is None or (window.remaining, -window.reset_time) < (left, -reset):
                tightest, left, reset = limit, window.remaining, window.reset_time
        assert tightest
        wait = max(1, math.ceil(reset - time.time()))
        return {
            "X-RateLimit-Limit": str(tightest.amount),
            _LEFT: str(left),
            "X-RateLimit-Reset": str(math.ceil(reset)),
        }, wait


def _clock_offset() -> float:
    """Seconds between the wall clock and the monotonic clock."""
    return time.time() - time.monotonic()


def caller_address(request: Request) -> str:
    """The caller's address. Behind a trusted reverse proxy it is the one that the proxy states."""
    return request.client.host if request.client else "unknown"


def limited_address(request: Request) -> str:
    """The address that limits count: for IPv6 the whole /64, because a household has one."""
    address = caller_address(request)
    try:
        parsed = ip_address(address)
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed)


def _too_many(
    refused: Mapping[RateLimitItem, int], wait: int, headers: Mapping[str, str]
) -> TooMany:
    """The error for a request, or for as many pictures as `refused` has for each limit.

    `wait`: seconds until one more is allowed.
    """
    sentence = f"Too many requests: please wait {_duration(wait)}."
    if any(number > 1 for number in refused.values()):
        # Enough are left at the end of the window at the latest.
        wait = max(limit.get_expiry() for limit in refused)
        sentence = f"Too many pictures: please wait {_duration(wait)}."
        if headers[_LEFT] != "0":
            sentence = f"{sentence[:-1]}, or send at most {headers[_LEFT]} now."
        if any(number > limit.amount for limit, number in refused.items()):
            most = min(limit.amount for limit in refused)
            sentence = f"Too many pictures: send at most {most} at a time."
    error = TooMany(sentence, retry_after=wait)
    error.headers = {**(error.headers or {}), **headers}
    return error


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
