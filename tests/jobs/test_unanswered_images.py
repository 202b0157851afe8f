"""An image that gets no answer is a failed row soon; an outage fails no image."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from auth_api.app import create_app
from auth_api.errors import TimedOut, Unanswered, Unavailable
from auth_api.jobs.prediction_job import is_hopeless
from auth_api.settings import Settings
from launcher.ports import free_port
from tests.support.jobs import HAND_IN
from tests.support.running import private, wait_for

ANSWER = json.dumps(
    {
        **{"success": True, "predicted_class": 1, "confidence": 99.0},
        "model": {"name": "ranjana", "version": "1.0"},
    }
).encode()
DIED, LATE, BUSY = Unanswered("No."), TimedOut("No."), Unavailable("No.")


@pytest.mark.parametrize(
    ("errors", "others_answered", "hopeless"),
    [
        ([LATE], True, True),
        ([LATE], False, False),
        (20 * [LATE], False, False),
        ([DIED], True, False),
        ([DIED, BUSY, DIED], False, True),
        (7 * [BUSY], True, False),
        (8 * [BUSY], True, True),
        (80 * [BUSY], False, False),
    ],
)
def test_an_image_is_given_up_when_it_is_the_cause(
    errors: list[Unavailable], others_answered: bool, hopeless: bool
) -> None:
    assert is_hopeless(errors, others_answered=others_answered) is hopeless


class FarEnd(ThreadingHTTPServer):
    """Takes the place of TorchServe; a batch with "hangs" or "dies" in it gets no answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[bytes] = []
        self.closing = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: FarEnd

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(body)
        if b"hangs" in body:
            self.server.closing.wait()
        images = self.headers.get("X-Images", "").count("bytes")
        one = b'{"status": 200, "answer": %b}' % ANSWER
        content = b'{"answers": [%b]}' % b",".join([one] * images) if images else ANSWER
        self.send_response(500 if b"dies" in body else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def far_end() -> Iterator[FarEnd]:
    with FarEnd() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def client(far_end: FarEnd, tmp_path: Path) -> Iterator[TestClient]:
    settings = Settings.model_validate(
        {
            **{name.lower(): text for name, text in private(tmp_path).items()},
            "torchserve_inference_url": f"http://127.0.0.1:{far_end.server_port}",
            "torchserve_management_url": f"http://127.0.0.1:{free_port()}",
            "torchserve_timeout": 1,
        }
    )
    with TestClient(create_app(settings)) as client:
        yield client


def test_images_without_an_answer_are_failed_rows_after_few_attempts(
    client: TestClient, far_end: FarEnd
) -> None:
    account = {"username": "ram", "password": "kathmandu valley"}
    client.post("/api/signup/", json={**account, "email": "ram@example.org"})
    token = client.post("/api/signin/", json=account).json()["access"]
    client.headers["Authorization"] = f"Bearer {token}"
    names = [*(f"good {place}" for place in range(12)), "hangs", "dies"]
    parts = [("images", (f"{name}.png", name.encode())) for name in names]
    path = client.post(HAND_IN, files=parts).headers["Location"]
    wait_for(lambda: client.get(path).json()["finished_at"] is not None, 60)
    job = client.get(path, params={"results": "true"}).json()
    assert job["state"] == "succeeded", job
    failed = [row["file"] for row in job["results"] if not row["success"]]
    assert failed == ["hangs.png", "dies.png"]
    assert 1 <= far_end.bodies.count(b"hangs") <= 2
    assert 1 <= far_end.bodies.count(b"dies") <= 4
