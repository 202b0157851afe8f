"""`/ready` answers in time whatever TorchServe does, and a pod's readiness needs no TorchServe."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from auth_api.app import create_app
from auth_api.settings import Settings
from tests.support.apis import StartApi
from tests.support.measured import value
from tests.support.pictures import encode, reference

METRICS_PORT = 9465
METRICS = f"http://testserver:{METRICS_PORT}/metrics"
# So long the probe of compose waits; one model after the other would take six seconds.
_IN_TIME = 4.0


@pytest.fixture(params=["management", "predictions"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TestClient]:
    """A service whose TorchServe accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        address = f"http://127.0.0.1:{hanging.getsockname()[1]}"
        settings = {
            "metrics_port": METRICS_PORT,
            "torchserve_inference_url": address,
            "torchserve_management_url": address,
            "torchserve_key_file": None,
            "versions_elsewhere": request.param == "predictions",
            "data_dir": tmp_path / "data",
            "media_dir": tmp_path / "media",
        }
        with TestClient(create_app(Settings.model_validate(settings))) as client:
            yield client


def test_a_torchserve_that_hangs_is_told_in_time_and_pods_stay(client: TestClient) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(6) as callers:
        ready, *others = callers.map(lambda _: client.get("/ready"), range(6))
    assert time.monotonic() - began < _IN_TIME, "all models are asked at once, for all callers"
    assert {other.status_code for other in (ready, *others)} == {503}
    silent = "The model server does not answer in time."
    states = {"ranjana": silent, "similarity": silent, "digits": silent}
    assert ready.json()["details"] == {"database": "ready", "models": states}
    again = time.monotonic()
    assert client.get("/ready").json()["details"]["models"] == states
    assert time.monotonic() - again < 1, "the states of models are kept for some seconds"
    pod = client.get("/ready/database")
    assert (pod.status_code, pod.json()["database"]) == (200, "ready")
    assert value(client.get(METRICS).text, "model_ready") == 0
    assert 'model_ready{model="digits"} 0' in client.get(METRICS).text


@pytest.mark.database("sqlite")
def test_a_model_that_answers_people_is_ready_however_long_its_queue(start_api: StartApi) -> None:
    """As on Kubernetes, where the service asks models by a picture."""
    api = start_api({"VERSIONS_ELSEWHERE": "true", "MODELS": "ranjana"})
    user, image = api.sign_up(), {"image": encode(reference(9))}
    files = [("images", image["image"])] * 32
    with ThreadPoolExecutor(6) as callers:
        batches = [callers.submit(user.post, "/api/predict/batch/", files=files) for _ in range(6)]
        waits = []
        while not all(batch.done() for batch in batches):
            began = time.monotonic()
            assert api.client.get("/ready").status_code == 200
            waits.append(time.monotonic() - began)
    assert {batch.result().status_code for batch in batches} == {200}
    assert max(waits) < _IN_TIME
    assert value(api.metrics(), "model_ready") == 1
