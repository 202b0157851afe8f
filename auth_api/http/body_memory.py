"""The memory that request bodies take in one process, and the files of those that take more.

A body stays in memory while it is small and there is room; otherwise it is written to a file
without a name. A complete body waits for room before it is loaded and decoded.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import IO, cast

from starlette.requests import Request

from auth_api.errors import Unavailable

SMALL_BYTES = 1024 * 1024
"""Larger bodies are always written to disk while they arrive, and have a share of their own."""

_WAIT_SECONDS = 10.0
# All files of one process together.
_DISK_BYTES = 1024**3


class BodyMemory:
    """The memory for the bodies of one process, in three shares.

    A quarter is for bodies that still arrive, a quarter for complete small ones, half for large
    ones. Clients that send slowly therefore delay no complete body, and large bodies no small one.
    """

    def __init__(self, limit: int, folder: Path) -> None:
        """`limit` is in bytes. `folder` gets the files."""
        self._folder = folder
        self._arriving_left = limit // 4
        self._small = _Room(limit // 4)
        self._large = _Room(limit // 2)
        self._disk_left = _DISK_BYTES
        self._lock = Lock()  # forms are parsed in threads

    def take(self, size: int) -> bool:
        """Takes memory for `size` bytes that have arrived; returns whether there was room."""
        with self._lock:
            if size > self._arriving_left:
                return False
            self._arriving_left -= size
            return True

    def give(self, size: int) -> None:
        """Gives back what `take` has taken."""
        with self._lock:
            self._arriving_left += size

    def take_disk(self, size: int) -> None:
        """Takes space on the disk. Raises `Unavailable` if uploads take too much of it."""
        with self._lock:
            if size > self._disk_left:
                raise _too_many_uploads()
            self._disk_left -= size

    def give_disk(self, size: int) -> None:
        """Gives back what `take_disk` has taken."""
        with self._lock:
            self._disk_left += size

    def open_file(self) -> IO[bytes]:
        """A new file without a name. Raises OSError."""
        return tempfile.TemporaryFile(dir=self._folder)

    async def make_room(self, held: ExitStack, size: int, copies: int) -> None:
        """Waits for room for a complete body of `size` bytes, until the end of `held`. One that is
        not small becomes `copies` times as large; small ones are decoded one after the other. A
        body that needs more than there is gets the whole share.

        Raises `Unavailable` after ten seconds.
        """
        if size <= SMALL_BYTES:
            held.callback(self._small.leave, await self._small.enter(size))
        else:
            held.callback(self._large.leave, await self._large.enter(size * copies))


class _Room:
    """A number of bytes that bodies take and give back, first come, first served."""

    def __init__(self, size: int) -> None:
        self._size = self._left = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def enter(self, size: int) -> int:
        """Takes `size` bytes, at most all, and returns how many. Raises `Unavailable`."""
        size = min(size, self._size)
        if not self._waiting and size <= self._left:
            self._left -= size
            return size
        entered = asyncio.get_running_loop().create_future()
        self._waiting.append((size, entered))
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await entered
        except BaseException as error:
            if entered.done() and not entered.cancelled():
                self._left += size  # it was let in and cancelled at the same moment
            self._let_in()
            if isinstance(error, TimeoutError):
                raise _too_many_uploads() from error
            raise
        return size

    def leave(self, size: int) -> None:
        """Gives bytes back."""
        self._left += size
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting:
            size, entered = self._waiting[0]
            if not entered.done():
                if size > self._left:
                    return
                self._left -= size
                entered.set_result(None)
            self._waiting.popleft()


def memory_of(request: Request) -> BodyMemory:
    """The memory of the application that received the request."""
    return cast(BodyMemory, request.app.state.body_memory)


def _too_many_uploads() -> Unavailable:
    return Unavailable(
        "Too many large uploads are under way. Please try again in a moment.",
        "too_many_uploads",
        retry_after=5,
    )
