"""Limits how often a caller may send requests. `auth_api.accounts.guesses` limits wrong passwords.

It uses moving windows of the library `limits`, in memory or in Redis. While that store is
unreachable or slow every request passes, because the service matters more than its limits.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple, TypeVar, cast

from limits import RateLimitItem, parse_many
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string
from starlette.requests import Request

from auth_api.errors import TooMany
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

# The clock must be set back by more than this before all counts are reset.
_CLOCK_TOLERANCE_SECONDS = 1.0
# How long a request waits for the store, and how long no request asks after that.
_STORE_SECONDS, _PAUSE_SECONDS = 1.0, 5.0
_LEFT = "X-RateLimit-Remaining"


class Count(NamedTuple):
    """Requests or pictures to count, the limit and the caller that they count for."""

    rate: str
    """A key of `RateLimits._rates`."""
    who: tuple[str, ...]
    """The caller, then the network around it if that is limited too: see `limited_address`."""
    number: int = 1
    """How many. All of them count or none."""
    at_most_all: bool = False
    """Whether more than a limit allows count as all that it allows. Otherwise they are always too
    many."""


class _Window(NamedTuple):
    limit: RateLimitItem
    rate: str
    key: str
    cost: int


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
        self._ask_again_at = 0.0
        rates = {
            "signin": settings.rate_limit_signin,
            "predict": settings.rate_limit_predict,
            "predict_address": settings.rate_limit_predict_address,
            "other": settings.rate_limit_other,
            "failed_account": settings.failed_signins_account,
            "failed_everywhere": settings.failed_signins_everywhere,
            "failed_address": settings.failed_signins_address,
        }
        enabled = settings.rate_limit_enabled
        of_one = {name: parse_many(value) if enabled else [] for name, value in rates.items()}
        factor = settings.rate_limit_network_factor
        # By the place in `Count.who`: of a caller, and of a network.
        self._rates = {
            name: (limits, [_multiplied(limit, factor) for limit in limits])
            for name, limits in of_one.items()
        }

    async def reachable(self) -> bool:
        """Whether the store answers."""
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                return await self._storage.check()
        except (StorageError, TimeoutError):
            return False

    async def count(self, *counts: Count) -> Mapping[str, str]:
        """Counts a request under all of `counts`; returns the headers that say how many are left.

        A request beyond any limit is counted under none of them, because it would otherwise
        prolong the wait for the others. Raises `TooMany`, with the same headers.
        """
        windows = self._windows(counts)

        async def work() -> Mapping[str, str]:
            await self._reset_after_clock_change()
            # A single window needs no test, because a refused hit is not counted there.
            full = await self._full(windows) if len(windows) > 1 else []
            for window in windows if not full else ():
                if not await _ask(self._limiter.hit, window):  # others were faster since the test
                    full = [window]
                    break
            return await self._require_room(full, windows) if windows else {}

        return await self._fail_open(work) or {}

    async def check(self, *counts: Count) -> Mapping[str, str]:
        """As `count`, but counts nothing."""
        windows = self._windows(counts)

        async def work() -> Mapping[str, str]:
            await self._reset_after_clock_change()
            return await self._require_room(await self._full(windows), windows) if windows else {}

        return await self._fail_open(work) or {}

    async def add(self, *counts: Count) -> None:
        """Counts something that has happened already, up to the limits."""

        async def work() -> None:
            for window in self._windows(counts):
                await _ask(self._limiter.hit, window)

        await self._fail_open(work)

    async def clear(self, *counts: Count) -> None:
        """Sets counts to zero."""

        async def work() -> None:
            for limit, rate, key, _ in self._windows(counts):
                await self._limiter.clear(limit, rate, key)

        await self._fail_open(work)

    def _windows(self, counts: Sequence[Count]) -> list[_Window]:
        return [
            _Window(limit, each.rate, key, _cost(each, limit))
            for each in counts
            for key, limits in zip(each.who, self._rates[each.rate], strict=False)
            for limit in limits
        ]

    async def _full(self, windows: Sequence[_Window]) -> list[_Window]:
        """The windows that have too little room."""
        return [window for window in windows if not await _ask(self._limiter.test, window)]

    async def _require_room(
        self, full: Sequence[_Window], windows: Sequence[_Window]
    ) -> Mapping[str, str]:
        headers, wait = await self._state(windows)
        if not full:
            return headers
        self._metrics.rate_limited.labels(full[0].rate).inc()
        raise _too_many(full, wait, headers)

    async def _fail_open(self, work: Callable[[], Awaitable[Result]]) -> Result | None:
        """Asks the store. Returns None if it is unreachable, so that the request passes.

        A store that does not answer, such as one behind a broken network, is left alone for some
        seconds, because it would hold up every request.
        """
        if time.monotonic() >= self._ask_again_at:
            try:
                async with asyncio.timeout(_STORE_SECONDS):
                    return await work()
            except StorageError:
                logger.exception("the store of the rate limits cannot be reached")
            except TimeoutError:
                self._ask_again_at = time.monotonic() + _PAUSE_SECONDS
                logger.error("the store of the rate limits does not answer")
        self._metrics.rate_limit_failures.inc()
        return None

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

    async def _state(self, windows: Sequence[_Window]) -> tuple[dict[str, str], int]:
        """The headers of the window with the fewest requests left, and the seconds to its reset."""
        tightest: RateLimitItem | None = None
        left, reset = 0, 0.0
        for window in windows:
            state = await self._limiter.get_window_stats(*window[:3])
            if tightest is None or (state.remaining, -state.reset_time) < (left, -reset):
                tightest, left, reset = window.limit, state.remaining, state.reset_time
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


def limited_address(request: Request) -> tuple[str, ...]:
    """The address that limits count: an IPv4 address, or the /64 and the /48 of an IPv6 address.

    A household or a server has a whole /64. An organisation has a /48, with 65,536 of them, so
    that has a limit too, `RATE_LIMIT_NETWORK_FACTOR` times as high.
    """
    address = caller_address(request)
    try:
        parsed = ip_address(address)
    except ValueError:
        return (address,)
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return _network(parsed, 64), _network(parsed, 48)
        parsed = parsed.ipv4_mapped
    return (str(parsed),)


def _network(address: IPv6Address, length: int) -> str:
    low = 128 - length
    return f"{IPv6Address(int(address) >> low << low)}/{length}"


def _multiplied(limit: RateLimitItem, factor: int) -> RateLimitItem:
    return type(limit)(limit.amount * factor, limit.multiples, limit.namespace)


def _cost(count: Count, limit: RateLimitItem) -> int:
    return min(count.number, limit.amount) if count.at_most_all else count.number


async def _ask(allow: Callable[..., Awaitable[bool]], window: _Window) -> bool:
    limit, rate, key, cost = window
    return await allow(limit, rate, key, cost=cost)


def _too_many(full: Sequence[_Window], wait: int, headers: Mapping[str, str]) -> TooMany:
    """The error for a request, or for several pictures.

    `wait`: seconds until one more is allowed.
    """
    sentence = f"Too many requests: please wait {duration(wait)}."
    if any(window.cost > 1 for window in full):
        # Enough are left at the end of the window at the latest.
        wait = max(window.limit.get_expiry() for window in full)
        sentence = f"Too many pictures: please wait {duration(wait)}."
        if headers[_LEFT] != "0":
            sentence = f"{sentence[:-1]}, or send at most {headers[_LEFT]} now."
        if any(window.cost > window.limit.amount for window in full):
            most = min(window.limit.amount for window in full)
            sentence = f"Too many pictures: send at most {most} at a time."
    error = TooMany(sentence, retry_after=wait)
    error.headers = {**(error.headers or {}), **headers}
    return error


def duration(seconds: int) -> str:
    """How long to wait, in words."""
    if seconds < 120:
        return f"{seconds} second{'s' if seconds != 1 else ''}"
    if seconds < 7200:
        return f"{math.ceil(seconds / 60)} minutes"
    return f"{math.ceil(seconds / 3600)} hours"
