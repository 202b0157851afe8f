"""Stops a process without failing requests.

After SIGTERM all requests are still answered for `DRAIN_SECONDS`, but `/ready` says 503, answers
close their connections, and streams of events end, so that load balancers and clients turn to
another process. Then uvicorn closes its listener and waits for running requests. A second signal
ends the drain at once, and SIGINT skips it. A process whose parent died stops in the same way.
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

_Handler = Callable[[int, FrameType | None], Any]


class Shutdown:
    """Whether and how this process stops."""

    def __init__(self, drain_seconds: float) -> None:
        self._drain_seconds = drain_seconds
        self.started = False
        """Whether a signal to stop has arrived."""

    @contextmanager
    def handling_signals(self) -> Iterator[None]:
        """Handles signals before the server does, and the death of the parent process, until the
        end of the `with`. It needs an event loop in the main thread; elsewhere it does nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        servers = {number: handler for number, handler in before.items() if callable(handler)}
        for number, server in servers.items():
            signal.signal(number, self._handler(loop, server))
        parent = multiprocessing.parent_process()
        if parent:
            loop.add_reader(parent.sentinel, self._parent_died, loop, parent.sentinel)
        try:
            yield
        finally:
            if parent:
                loop.remove_reader(parent.sentinel)
            for number, server in servers.items():
                signal.signal(number, server)

    def _handler(self, loop: asyncio.AbstractEventLoop, server: _Handler) -> _Handler:
        def handle(number: int, frame: FrameType | None) -> None:
            drain = number == signal.SIGTERM and self._drain_seconds and not self.started
            self.started = True
            if not drain:
                server(number, frame)
                return
            # The handler interrupts arbitrary code, so it leaves all else to the event loop.
            loop.call_soon_threadsafe(self._drain, loop, server, number)

        return handle

    def _drain(self, loop: asyncio.AbstractEventLoop, server: _Handler, number: int) -> None:
        logger.info("stopping", extra={"drain_seconds": self._drain_seconds})
        loop.call_later(self._drain_seconds, server, number, None)

    def _parent_died(self, loop: asyncio.AbstractEventLoop, sentinel: int) -> None:
        loop.remove_reader(sentinel)
        logger.error("the parent process has died: stopping")
        os.kill(os.getpid(), signal.SIGTERM)
