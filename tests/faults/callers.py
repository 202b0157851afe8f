"""Callers that continue while something breaks. They record every response, and check afterwards
that everything that was answered as saved is there, byte for byte.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.support.apis import PASSWORD
from tests.support.call_loops import CallLoops
from tests.support.pictures import encode, reference

MAX_SECONDS = 45.0
"""Every call must be answered within this time."""
_MAX_CHECKED = 5000

_numbers = itertools.count(1)


class Callers(CallLoops):
    """Four callers in endless loops: one recognises without an account; the others recognise,
    compare and list as a learner.
    """

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=url, timeout=MAX_SECONDS, verify=False)
        self._headers = self._sign_up()
        self.saved: dict[str, dict[str, str]] = {}
        """Digests of the pictures of saved entries, by the path of the entry in the history."""
        callers = {
            "anonymous": self._predict,
            "saving": self._predict_and_save,
            "comparing": self._compare,
            "listing": self._list,
        }
        super().__init__(url, callers, MAX_SECONDS)

    def close(self) -> None:
        """Stops the callers and closes all connections."""
        super().close()
        self._client.close()

    def recovery(self, fault_end: float) -> float:
        """Seconds from the end of a fault until every caller is answered again."""
        longest = 0.0
        for caller in self._callers:
            own = [call for call in self.calls if call.caller == caller]
            failed = [index for index, call in enumerate(own) if call.status != 200]
            if failed and own[failed[-1]].ended > fault_end:
                longest = max(longest, own[failed[-1] + 1].ended - fault_end)
        return longest

    @property
    def slowest(self) -> float:
        return max(call.seconds for call in self.calls)

    def require_valid_responses(self, *others: int) -> None:
        """Asserts statuses of 200, 503 or `others`, the shape of errors and the times of calls."""
        assert self.calls
        assert {call.status for call in self.calls} <= {200, 503, *others}, self.seen()
        assert self.slowest < MAX_SECONDS
        for call in self.calls:
            if call.status == 503:
                answer = json.loads(call.body)
                assert set(answer) <= {"success", "error", "code", "details"}, answer
                assert answer["success"] is False
                assert answer["error"].endswith(".")
                assert int(call.retry_after) >= 1
            assert "Traceback" not in call.body

    def lost(self) -> tuple[list[str], int]:
        """The missing or changed entries in a sample of the saved ones, and the sample's size."""
        assert self.saved
        sample = list(self.saved)[:: 1 + len(self.saved) // _MAX_CHECKED]
        with ThreadPoolExecutor(4) as pool:
            intact = pool.map(lambda path: self._is_intact(path, self.saved[path]), sample)
            lost = [path for path, kept in zip(sample, intact, strict=True) if not kept]
        return lost, len(sample)

    def sign_in(self) -> None:
        """Starts another session of the learner."""
        fields = {"username": self.username, "password": PASSWORD}
        access = self._client.post("/api/signin/", json=fields).json()["access"]
        self._headers = {"Authorization": f"Bearer {access}"}

    def get(self, path: str) -> httpx2.Response:
        """Requests a path as the learner; the call is not recorded."""
        return self._client.get(path, headers=self._headers)

    def _sign_up(self) -> dict[str, str]:
        self.username = f"learner{time.time_ns()}"
        fields = {"username": self.username, "email": f"{self.username}@example.org"}
        response = self._client.post("/api/signup/", json={**fields, "password": PASSWORD})
        assert response.status_code == 201, response.text
        self.sign_in()
        return self._headers

    def _predict(self, client: httpx2.Client) -> httpx2.Response:
        return client.post("/api/predict/", files={"image": _new_picture()})

    def _predict_and_save(self, client: httpx2.Client) -> httpx2.Response:
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

    def _list(self, client: httpx2.Client) -> httpx2.Response:
        return client.get("/api/history/predictions/?limit=5", headers=self._headers)

    def _is_intact(self, path: str, digests: dict[str, str]) -> bool:
        if self.get(path).status_code != 200:
            return False
        return all(
            _digest(self.get(f"{path}{kind}/").content) == digest
            for kind, digest in digests.items()
        )


@contextmanager
def calling(url: str, seconds: float = 0.5) -> Iterator[Callers]:
    """Runs callers from `seconds` before the body of the `with`, to its end at most."""
    callers = Callers(url)
    try:
        time.sleep(seconds)
        yield callers
    finally:
        callers.close()


def summary(statuses: Counter[str]) -> str:
    """The counts of all statuses except 200, for a table."""
    parts = [f"{count} x {status}" for status, count in sorted(statuses.items()) if status != "200"]
    return ", ".join(parts) or "nothing"


def _new_picture() -> bytes:
    """A picture that was never sent before: a character with a number in a comment."""
    comment = PngInfo()
    comment.add_text("number", str(next(_numbers)))
    return encode(Image.fromarray(reference(5)), pnginfo=comment)


def _digest(picture: bytes) -> str:
    return hashlib.sha256(picture).hexdigest()


def _decoded(picture: str) -> bytes:
    return base64.b64decode(picture.partition(",")[2])
