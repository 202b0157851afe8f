"""Callers that repeat their calls while something happens to a service, and record each."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.support.running import wait_for

CUT = 0
"""Stands for a status: the connection broke or could not be made."""
_PAUSE_SECONDS = 0.02
_SUCCESSES = 3


@dataclass(frozen=True)
class Call:
    """The result of one call."""

    caller: str
    began: float
    """Monotonic clock in seconds, as all times here."""
    ended: float
    status: int
    code: str = ""
    retry_after: str = ""
    body: str = ""
    """Empty for status 200."""

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class CallLoops:
    """One thread and one connection for each caller."""

    def __init__(
        self,
        url: str,
        callers: Mapping[str, Callable[[httpx2.Client], httpx2.Response]],
        max_seconds: float,
    ) -> None:
        """Starts the callers. A call that takes more than `max_seconds` is given up."""
        self._url = url
        self._max_seconds = max_seconds
        self._callers = callers
        self.calls: list[Call] = []
        self._done = threading.Event()
        self._pool = ThreadPoolExecutor(len(callers))
        self._threads = [self._pool.submit(self._call, caller) for caller in callers]

    def stop(self) -> None:
        """Lets the callers finish their current calls."""
        self._done.set()
        for thread in self._threads:
            thread.result()

    def close(self) -> None:
        """Stops the callers and closes their connections."""
        self._done.set()
        self._pool.shutdown()

    def wait_until_answered(self, since: float, seconds: float = 120) -> None:
        """Waits until each caller got several answers in a row after `since`."""

        def answered() -> bool:
            statuses: dict[str, list[int]] = {caller: [] for caller in self._callers}
            for call in list(self.calls):
                if call.began >= since:
                    statuses[call.caller].append(call.status)
            return all(own[-_SUCCESSES:] == [200] * _SUCCESSES for own in statuses.values())

        wait_for(answered, seconds)

    def seen(self) -> Counter[str]:
        """Counts each status with its error code."""
        return Counter(f"{call.status or 'cut'} {call.code}".strip() for call in self.calls)

    def _connect(self) -> httpx2.Client:
        return httpx2.Client(base_url=self._url, timeout=self._max_seconds, verify=False)

    def _call(self, caller: str) -> None:
        with self._connect() as client:
            while not self._done.is_set():
                began = time.monotonic()
                try:
                    response = self._callers[caller](client)
                except httpx2.TransportError as error:
                    code = type(error).__name__
                    self.calls.append(Call(caller, began, time.monotonic(), CUT, code))
                else:
                    self.calls.append(_call_of(caller, began, response))
                time.sleep(_PAUSE_SECONDS)


def _call_of(caller: str, began: float, response: httpx2.Response) -> Call:
    ended = time.monotonic()
    if response.status_code == 200:
        return Call(caller, began, ended, 200)
    try:
        content: Any = response.json()
    except ValueError:
        content = {}
    code = str(content.get("code", "no code"))
    retry_after = response.headers.get("Retry-After", "")
    return Call(caller, began, ended, response.status_code, code, retry_after, response.text)
