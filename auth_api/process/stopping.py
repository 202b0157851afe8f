"""How a process stops: it says so first, answers what it was asked, and takes nobody by surprise.

On SIGTERM, `DRAIN_SECONDS` long, all requests are still answered, but `/ready` says 503, answers
close their connections, and streams of events end, so that a balancer and its clients turn to
another process. Then uvicorn closes its listener, and waits for what is under way. A second signal
cuts that short, and SIGINT does without it. A process whose parent has died is told to stop too.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

logger = logging.getLogger(__name__)


class Stopping:
    """Whether this process is about to stop."""

    def __init__(self, drain_seconds: float) -> None:
        self._drain_seconds = drain_seconds
        self.begun = False
        """Whether it has been told to."""

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hears of signals before the server does, and of the end of the process that started
        this one, until the end of the `with`; for an event loop in the main thread.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        servers = {number: handler for number, handler in before.items() if callable(handler)}
        for number, server in servers.items():
            signal.signal(number, self._hear(loop, server))
        parent = multiprocessing.parent_process()
        if parent:
            loop.add_reader(parent.sentinel, self._orphaned, loop, parent.sentinel)
        try:
            yield
        finally:
            if parent:
                loop.remove_reader(parent.sentinel)
            for number, server in servers.items():
                signal.signal(number, server)

    def _hear(
        self, loop: asyncio.AbstractEventLoop, server: Callable[[int, FrameType | None], Any]
    ) -> Callable[[int, FrameType | None], None]:
        def hear(number: int, frame: FrameType | None) -> None:
            patient = number == signal.SIGTERM and self._drain_seconds and not self.begun
            self.begun = True
            if not patient:
                server(number, frame)
                return
            # Nothing but this may be done here: whatever was going on is interrupted.
            loop.call_soon_threadsafe(self._drain, loop, server, number)

        return hear

    def _drain(
        self,
        loop: asyncio.AbstractEventLoop,
        server: Callable[[int, FrameType | None], Any],
        number: int,
    ) -> None:
        logger.info("stopping", extra={"drain_seconds": self._drain_seconds})
        loop.call_later(self._drain_seconds, server, number, None)

    def _orphaned(self, loop: asyncio.AbstractEventLoop, sentinel: int) -> None:
        loop.remove_reader(sentinel)
        logger.error("the process that started this one has died: stopping")
        os.kill(os.getpid(), signal.SIGTERM)
