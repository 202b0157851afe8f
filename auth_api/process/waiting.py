"""What is waited for, said calmly: at once, every ten seconds, and when it is there."""

from __future__ import annotations

import logging
import time

logger = logging.getLogger(__name__)

_EVERY = 10.0


class Waiting:
    """One thing that may have to be waited for."""

    def __init__(self, what: str, usual: float = 0) -> None:
        """`usual` seconds are not worth a word."""
        self._what = what
        self._usual = usual
        self._since: float | None = None
        self._said = 0.0

    def still(self, reason: str) -> None:
        """It is not there, for that reason."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        if now - self._since < self._usual or (self._said and now - self._said < _EVERY):
            return
        self._said = now
        logger.warning(
            "waiting for %s", self._what, extra={"reason": reason, "seconds": self._seconds()}
        )

    def over(self) -> None:
        """It is there; says so if it was not before."""
        if self._said:
            logger.info("%s: there now", self._what, extra={"seconds": self._seconds()})

    def _seconds(self) -> int:
        return round(time.monotonic() - (self._since or 0))
