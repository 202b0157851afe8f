"""Callers that go on while something breaks: what each was answered, and whether all that was
answered as saved is there afterwards, byte for byte.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.support.apis import PASSWORD
from tests.support.pictures import encode, reference
from tests.support.running import wait_for

LONGEST_SECONDS = 45.0
"""No call may be without an answer for so long."""
CUT = 0
"""In the place of a status: the connection broke, or there was none."""
_PAUSE_SECONDS = 0.02
_IN_A_ROW = 3
_MOST_LOOKED_AT = 5000

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Call:
    """What became of one call."""

    who: str
    began: float
    """Of the clock that only goes forward, as all moments here, in seconds."""
    ended: float
    status: int
    code: str = ""
    retry_after: str = ""
    body: str = ""
    """Of answers other than 200, as it came."""

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Callers:
    """Somebody who is not signed in and a learner, who has characters read, compared and listed,
    from the start on.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = self._connect()
        self._headers = self._sign_up()
        self.calls: list[Call] = []
        self.saved: dict[str, dict[str, str]] = {}
        """The digests of the pictures of what was answered as saved, by its path in the history."""
        self._ways: dict[str, Callable[[httpx2.Client], httpx2.Response]] = {
            "anonymous": self._predict,
            "keeping": self._keep,
            "comparing": self._compare,
            "reading": self._read,
        }

        self._done = threading.Event()
        self._pool = ThreadPoolExecutor(len(self._ways))
        self._running = [self._pool.submit(self._go_on, who) for who in self._ways]

    def stop(self) -> None:
        """Has them finish their calls and call no more."""
        self._done.set()
        for running in self._running:
            running.result()

    def close(self) -> None:
        """Stops them and closes all connections."""
        self._done.set()
        self._pool.shutdown()
        self._client.close()

    def wait_until_answered(self, since: float, seconds: float = 120) -> None:
        """Waits until each of them has been answered some times in a row since a moment."""

        def answered() -> bool:
            later: dict[str, list[int]] = {who: [] for who in self._ways}
            for call in list(self.calls):
                if call.began >= since:
                    later[call.who].append(call.status)
            return all(last[-_IN_A_ROW:] == [200] * _IN_A_ROW for last in later.values())

        wait_for(answered, seconds)

    def recovery(self, over: float) -> float:
        """Seconds from a moment, such as the end of a fault, to when each is answered again."""
        longest = 0.0
        for who in self._ways:
            own = [call for call in self.calls if call.who == who]
            failed = [place for place, call in enumerate(own) if call.status != 200]
            if failed and own[failed[-1]].ended > over:
                longest = max(longest, own[failed[-1] + 1].ended - over)
        return longest

    def seen(self) -> Counter[str]:
        """How often each status was answered, with the code of an error."""
        return Counter(f"{call.status or 'cut'} {call.code}".strip() for call in self.calls)

    @property
    def slowest(self) -> float:
        return max(call.seconds for call in self.calls)

    def require_order(self, *others: int) -> None:
        """Nothing but 200 and 503 was answered, or `others`; errors in their one shape, with a
        time to try again, and none too late.
        """
        assert self.calls
        assert {call.status for call in self.calls} <= {200, 503, *others}, self.seen()
        assert self.slowest < LONGEST_SECONDS
        for call in self.calls:
            if call.status == 503:
                answer = json.loads(call.body)
                assert set(answer) <= {"success", "error", "code", "details"}, answer
                assert answer["success"] is False
                assert answer["error"].endswith(".")
                assert int(call.retry_after) >= 1
            assert "Traceback" not in call.body

    def lost(self) -> tuple[list[str], int]:
        """What was answered as saved and is not there, or not as it was, and of how many: some
        thousands are looked at.
        """
        assert self.saved
        some = list(self.saved)[:: 1 + len(self.saved) // _MOST_LOOKED_AT]
        with ThreadPoolExecutor(4) as pool:
            whole = pool.map(lambda path: self._is_there(path, self.saved[path]), some)
            return [path for path, there in zip(some, whole, strict=True) if not there], len(some)

    def sign_in(self) -> None:
        """Begins another session."""
        fields = {"username": self.username, "password": PASSWORD}
        access = self._client.post("/api/signin/", json=fields).json()["access"]
        self._headers = {"Authorization": f"Bearer {access}"}

    def get(self, path: str) -> httpx2.Response:
        """What the learner gets there, outside the record."""
        return self._client.get(path, headers=self._headers)

    def _go_on(self, who: str) -> None:
        with self._connect() as client:
            while not self._done.is_set():
                began = time.monotonic()
                try:
                    response = self._ways[who](client)
                except httpx2.TransportError as error:
                    code = type(error).__name__
                    self.calls.append(Call(who, began, time.monotonic(), CUT, code))
                else:
                    self.calls.append(_told(who, began, response))
                time.sleep(_PAUSE_SECONDS)

    def _connect(self) -> httpx2.Client:
        return httpx2.Client(base_url=self._url, timeout=LONGEST_SECONDS)

    def _sign_up(self) -> dict[str, str]:
        self.username = f"learner{time.time_ns()}"
        fields = {"username": self.username, "email": f"{self.username}@example.org"}
        made = self._client.post("/api/signup/", json={**fields, "password": PASSWORD})
        assert made.status_code == 201, made.text
        self.sign_in()
        return self._headers

    def _predict(self, client: httpx2.Client) -> httpx2.Response:
        return client.post("/api/predict/", files={"image": _new_picture()})

    def _keep(self, client: httpx2.Client) -> httpx2.Response:
        image = _new_picture()
        files = {"image": image}
        response = client.post("/api/predict/", files=files, headers=self._headers)
        if response.is_success:
            number = response.json()["prediction_id"]
            self.saved[f"/api/history/predictions/{number}/"] = {"image": _digest(image)}
        return response

    def _compare(self, client: httpx2.Client) -> httpx2.Response:
        response = client.post(
            "/api/similarity/",
            files={"image": _new_picture()},
            data={"target_class": "5"},
            headers=self._headers,
        )
        if response.is_success:
            answer = response.json()
            self.saved[f"/api/history/similarities/{answer['comparison_id']}/"] = {
                "user": _digest(_decoded(answer["user_image"])),
                "overlay": _digest(_decoded(answer["blended_overlay"])),
            }
        return response

    def _read(self, client: httpx2.Client) -> httpx2.Response:
        return client.get("/api/history/predictions/?limit=5", headers=self._headers)

    def _is_there(self, path: str, digests: dict[str, str]) -> bool:
        if self.get(path).status_code != 200:
            return False
        return all(
            _digest(self.get(f"{path}{kind}/").content) == digest
            for kind, digest in digests.items()
        )


@contextmanager
def calling(url: str, seconds: float = 0.5) -> Iterator[Callers]:
    """Callers that call from `seconds` before the body of the `with` to its end, at most."""
    callers = Callers(url)
    try:
        time.sleep(seconds)
        yield callers
    finally:
        callers.close()


def join(statuses: Counter[str], but: Sequence[str] = ("200",)) -> str:
    """What went wrong, how often, in words for a table."""
    parts = [f"{count} x {what}" for what, count in sorted(statuses.items()) if what not in but]
    return ", ".join(parts) or "nothing"


def _told(who: str, began: float, response: httpx2.Response) -> Call:
    ended = time.monotonic()
    if response.status_code == 200:
        return Call(who, began, ended, 200)
    try:
        content: Any = response.json()
    except ValueError:
        content = {}
    code = str(content.get("code", "no code"))
    retry_after = response.headers.get("Retry-After", "")
    return Call(who, began, ended, response.status_code, code, retry_after, response.text)


def _new_picture() -> bytes:
    """One that nobody has sent before: a character with a number in a comment."""
    comment = PngInfo()
    comment.add_text("number", str(next(_numbers)))
    return encode(Image.fromarray(reference(5)), pnginfo=comment)


def _digest(picture: bytes) -> str:
    return hashlib.sha256(picture).hexdigest()


def _decoded(picture: str) -> bytes:
    return base64.b64decode(picture.partition(",")[2])
