"""Callers hardly notice key rotations, dead workers and full queues; more in `tests/faults/`."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.support.archives import ONE_WORKER, STORE, configured, derive
from tests.support.pictures import encode, reference
from tests.support.running import (
    HEAL_SECONDS,
    Launch,
    Ranjana,
    require_clean_stop,
    steadily,
    wait_for,
)

IMAGE = encode(reference(5))


def rotate(ranjana: Ranjana, kind: str) -> None:
    """Requests a new key, as an operator would. The old key becomes invalid at once."""
    response = httpx2.get(
        f"http://127.0.0.1:{ranjana.management_port}/token",
        params={"type": kind},
        headers={"Authorization": f"Bearer {ranjana.key('API')}"},
        verify=False,
    )
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("kind", ["inference", "management"])
def test_no_request_fails_during_a_key_rotation(ranjana: Ranjana, kind: str) -> None:
    with steadily(lambda: ranjana.predict(IMAGE)) as responses:
        for _ in range(10):
            before = ranjana.key(kind)
            rotate(ranjana, kind)
            assert ranjana.key(kind) != before
            assert ranjana.client.get("/ready").status_code == 200
            time.sleep(0.1)
    assert len(responses) > 10
    assert {response.status_code for response in responses} == {200}


def test_a_killed_worker_is_replaced_while_the_others_serve(ranjana: Ranjana) -> None:
    restarts = ranjana.restarts
    before = ranjana.workers_of("ranjana")
    with steadily(lambda: ranjana.predict(IMAGE)) as responses:
        before[0].kill()
        wait_for(lambda: ranjana.workers_of("ranjana", but=before) != [], 60)
        (successor,) = ranjana.workers_of("ranjana", but=before)
        # The new worker starts slowly, as on a busy machine: no reason to restart everything.
        successor.suspend()
        time.sleep(HEAL_SECONDS + 2)
        successor.resume()
        wait_for(lambda: ranjana.client.get("/ready").status_code == 200, 60)
    assert ranjana.restarts == restarts
    # The requests of the killed worker fail, with a hint when to try again.
    assert {response.status_code for response in responses} <= {200, 503}
    lost = [response for response in responses if response.status_code == 503]
    assert len(lost) <= 16
    assert all(response.headers["Retry-After"] for response in lost)
    assert ranjana.predict(IMAGE).status_code == 200


@pytest.mark.thorough
def test_keys_are_renewed_before_they_expire_and_no_request_fails(
    launch: Launch, tmp_path: Path
) -> None:
    # A key that is valid for one minute is always about to expire.
    ranjana = launch(tmp_path, {"TS_TOKEN_EXPIRATION_TIME_MIN": "1"})
    ranjana.wait_until_ready()
    seen: set[str] = set()

    def renewed_twice() -> bool:
        seen.add(ranjana.key("inference"))
        return len(seen) > 2

    with steadily(lambda: ranjana.predict(IMAGE)) as responses:
        wait_for(renewed_twice, 60)
    assert {response.status_code for response in responses} == {200}
    require_clean_stop(ranjana, signal.SIGTERM)


def test_a_full_queue_is_a_503_with_retry_after(launch: Launch, tmp_path: Path) -> None:
    store, archive = tmp_path / "store", STORE / "ranjana.mar"
    store.mkdir()
    # A few callers fill this short queue.
    members = configured(archive, **{**ONE_WORKER, "jobQueueSize": 1, "batchSize": 1})
    derive(archive, store / archive.name, "1.0", members=members)
    ranjana = launch(tmp_path / "run", {"MODEL_STORE": str(store)})
    ranjana.wait_until_ready()
    with ThreadPoolExecutor(48) as callers:
        responses = list(callers.map(lambda _: ranjana.predict(IMAGE), range(150)))
    answered = [response for response in responses if response.status_code == 200]
    refused = [response for response in responses if response.status_code == 503]
    assert answered
    assert refused
    assert len(answered) + len(refused) == len(responses)
    assert {response.json()["code"] for response in refused} == {"model_server_busy"}
    assert all(response.headers["Retry-After"] for response in refused)
