"""The clock of the machine is set forward or back while callers continue.

A small C library, loaded into the service, shifts only the service's wall clock. The clocks of
TorchServe and of the database stay.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.faults.callers import calling
from tests.faults.conftest import Row
from tests.support.apis import Api
from tests.support.jobs import characters, finished, hand_in
from tests.support.running import Ranjana

pytestmark = pytest.mark.faults

HOUR, DAY = 3600, 24 * 3600
_SOURCE = Path(__file__).with_name("shifted_time.c")
_PLENTY = "1000000/minute"
# Lifetime of an access token that does not expire during the test.
_WEEK = str(7 * DAY)


class ShiftedApi(Api):
    """A service whose clock can be set."""

    def __init__(self, folder: Path, ranjana: Ranjana, environment: Mapping[str, str]) -> None:
        compiler = shutil.which("cc")
        if not compiler:
            pytest.skip("needs a C compiler")
        library, self._shift = folder / "shifted_time.so", folder / "shift"
        folder.mkdir(parents=True)
        command = [compiler, "-shared", "-fPIC", "-o", str(library), str(_SOURCE)]
        subprocess.run(command, check=True)
        self._shift.write_bytes(struct.pack("q", 0))
        preloaded = {"LD_PRELOAD": str(library), "SHIFTED_TIME": str(self._shift)}
        super().__init__(folder, ranjana, environment={**environment, **preloaded})

    def set_clock(self, seconds: int) -> None:
        """Sets the clock to `seconds` after the true time."""
        with self._shift.open("r+b") as file:
            file.write(struct.pack("q", seconds))

    @property
    def clock(self) -> float:
        """The time of the service's clock."""
        return parsedate_to_datetime(self.client.get("/health").headers["Date"]).timestamp()


@pytest.fixture
def start_shifted(torchserve: Ranjana, tmp_path: Path) -> Iterator[Any]:
    started: list[ShiftedApi] = []

    def start(**environment: str) -> ShiftedApi:
        folder = tmp_path / str(len(started))
        started.append(ShiftedApi(folder, torchserve, environment))
        started[-1].wait_until_alive(60)
        return started[-1]

    yield start
    for running in started:
        running.stop()


def test_clock_changes_of_an_hour_and_a_day_harm_nobody(start_shifted: Any, row: Row) -> None:
    api = start_shifted(
        ACCESS_TOKEN_SECONDS=_WEEK,
        RATE_LIMIT_ENABLED="true",
        RATE_LIMIT_PREDICT=_PLENTY,
        RATE_LIMIT_OTHER=_PLENTY,
    )
    user = api.sign_up()
    with calling(f"http://127.0.0.1:{api.port}") as callers:
        for shift in (HOUR, 0, DAY, 0):
            job = hand_in(user, characters(20), "/api/jobs/predict/")
            api.set_clock(shift)
            # uvicorn updates the Date header every second.
            time.sleep(3)
            assert abs(api.clock - time.time() - shift) < 60
            assert finished(user, job)["state"] == "succeeded"
        fault_end = time.monotonic()
        callers.wait_until_answered(fault_end)
        row("clock set by an hour and a day, forward and back", callers, fault_end)
        assert {call.status for call in callers.calls} == {200}
        # The history is in the order of the requests, not of the clock.
        ids, path = [], "/api/history/predictions/?limit=50"
        while path:
            page = callers.get(path).json()
            ids += [entry["id"] for entry in page["results"]]
            cursor = page["next"]
            path = f"/api/history/predictions/?limit=50&cursor={cursor}" if cursor else ""
    assert ids == sorted(ids, reverse=True)
    kept = {int(path.split("/")[4]) for path in callers.saved if "predictions" in path}
    assert kept <= set(ids)


def test_tokens_from_the_future_are_refused_until_then(start_shifted: Any) -> None:
    api = start_shifted()
    user = api.sign_up()
    api.set_clock(-HOUR)
    early = user.get("/api/me/")
    assert (early.status_code, early.json()["code"]) == (401, "token_invalid")
    refresh = {"refresh": user.refresh}
    assert api.client.post("/api/token/refresh/", json=refresh).status_code == 401
    # A new sign-in works.
    again = api.sign_in(user.username)
    assert again.get("/api/me/").status_code == 200
    api.set_clock(0)
    assert user.get("/api/me/").status_code == 200
    api.set_clock(2 * HOUR)
    late = user.get("/api/me/")
    assert (late.status_code, late.json()["code"]) == (401, "token_expired")
    renewed = api.client.post("/api/token/refresh/", json=refresh)
    assert renewed.status_code == 200
    user.access = renewed.json()["access"]
    assert user.get("/api/me/").status_code == 200


def test_rate_limits_last_a_minute_also_after_the_clock_is_set_back(start_shifted: Any) -> None:
    api = start_shifted(
        ACCESS_TOKEN_SECONDS=_WEEK, RATE_LIMIT_ENABLED="true", RATE_LIMIT_OTHER="5/minute"
    )
    user = api.sign_up()

    def exceed_limit() -> None:
        responses = [user.get("/api/me/") for _ in range(6)]
        assert [response.status_code for response in responses] == [*[200] * 5, 429]
        assert 1 <= int(responses[-1].headers["Retry-After"]) <= 60

    for shift in (2 * DAY, DAY, 0, HOUR):
        api.set_clock(shift)
        exceed_limit()
