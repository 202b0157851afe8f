"""Logs that something is waited for: at once, every ten seconds, and when it is available."""

from __future__ import annotations

import logging
import time

logger = logging.getLogger(__name__)

_INTERVAL_SECONDS = 10.0


class WaitLog:
    """The log of one wait."""

    def __init__(self, what: str, quiet_seconds: float = 0) -> None:
        """The first `quiet_seconds` are not logged, because that wait is usual."""
        self._what = what
        self._quiet_seconds = quiet_seconds
        self._since: float | None = None
        self._logged_at = 0.0

    def still_waiting(self, reason: str) -> None:
        """Call it after each attempt that failed."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        recent = self._logged_at and now - self._logged_at < _INTERVAL_SECONDS
        if recent or now - self._since < self._quiet_seconds:
            return
        self._logged_at = now
        logger.warning(
            "waiting for %s", self._what, extra={"reason": reason, "seconds": self._seconds()}
        )

    def done(self) -> None:
        """Call it at the end; logs if the wait was logged."""
        if self._logged_at:
            logger.info("%s: available", self._what, extra={"seconds": self._seconds()})

    def _seconds(self) -> int:
        return round(time.monotonic() - (self._since or 0))
