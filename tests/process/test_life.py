"""A service stops, is replaced and is started anew without losing a request, and its logs tell of
each request in all processes, of no secret.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from tests.support.apis import PASSWORD, StartApi
from tests.support.jobs import characters, hand_in
from tests.support.pictures import encode, reference
from tests.support.postgresql import PostgreSQL
from tests.support.running import Ranjana, command_of, steadily, wait_for

IMAGE = encode(reference(5))
PATIENCE = 90


@pytest.fixture(scope="module")
def talkative(
    postgresql: PostgreSQL, small_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ranjana]:
    """All of it, in two processes of the service, that says all it can in its log."""
    settings = {
        "MODELS": "ranjana",
        "MODEL_STORE": str(small_store),
        "DATABASE_URL": postgresql.new_database(),
        "API_WORKERS": "2",
        "LOG_LEVEL": "debug",
        "TORCHSERVE_RETRY_SECONDS": str(PATIENCE),
        "DRAIN_SECONDS": "1",
    }
    running = Ranjana(tmp_path_factory.mktemp("talkative"), settings)
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.kill()


def lines(running: Ranjana) -> list[dict[str, Any]]:
    """What it logged, but for the two lines that its launcher has for people."""
    found = running.log.read_text().splitlines()
    assert found[0].startswith("Starting TorchServe")
    return [json.loads(line) for line in found[1:] if not line.startswith("Ranjana is ready")]


def test_one_id_finds_a_request_in_the_logs_of_both_sides(talkative: Ranjana) -> None:
    for number, image in enumerate((IMAGE, b"no picture")):
        headers = {"X-Request-ID": f"find-me-{number}"}
        talkative.client.post("/api/predict/", files={"image": image}, headers=headers)

    def of(identifier: str) -> dict[str, dict[str, Any]]:
        said = (line for line in lines(talkative) if line.get("request_id") == identifier)
        return {line["logger"]: line for line in said}

    names = {"auth_api.http.request_context", "ranjana.worker"}
    # TorchServe writes its log behind the answers.
    wait_for(lambda: all(of(f"find-me-{n}").keys() >= names for n in (0, 1)), 10)
    answered, refused = of("find-me-0")["ranjana.worker"], of("find-me-1")["ranjana.worker"]
    assert (answered["message"], answered["level"]) == ("answered", "debug")
    assert (refused["message"], refused["level"], refused["code"]) == (
        "refused",
        "info",
        "unreadable_image",
    )
    assert of("find-me-1")["auth_api.http.request_context"]["status"] == 415
    for line in lines(talkative):
        assert {"time", "level", "logger", "message"} <= line.keys()
    loggers = {line["logger"].partition(".")[0] for line in lines(talkative)}
    assert {"auth_api", "torchserve", "ranjana"} <= loggers


def test_no_log_has_a_password_a_token_a_key_or_a_picture(talkative: Ranjana) -> None:
    client, secrets = talkative.client, {PASSWORD, "another quiet river"}
    named = {"username": "asha", "email": "asha@example.org"}
    client.post("/api/signup/", json={**named, "password": PASSWORD})
    client.post("/api/signup/", content=f'{{"password": "{PASSWORD}", broken')
    client.post("/api/signin/", json={"username": "asha", "password": "wrong quiet river"})
    secrets.add("wrong quiet river")
    signed_in = client.post("/api/signin/", json={"username": "asha", "password": PASSWORD}).json()
    headers = {"Authorization": f"Bearer {signed_in['access']}"}
    renewed = client.post("/api/token/refresh/", json={"refresh": signed_in["refresh"]}).json()
    client.post("/api/token/refresh/", json={"refresh": f"{renewed['refresh']}x"})
    key = client.post(
        "/api/api-keys/", json={"name": "school", "scopes": ["predict"]}, headers=headers
    ).json()["key"]
    encoded = base64.b64encode(IMAGE).decode()
    for image in (encoded, f"data:image/png;base64,{encoded}", encoded[:-200]):
        answer = client.post("/api/predict/", json={"image": image}, headers={"X-API-Key": key})
        secrets |= set(answer.json().get("processed_image", "").split(",")[1:])
    client.get("/api/me/", params={"token": "sEcReT-in-a-query", "password": PASSWORD})
    origin = {"Origin": f"http://127.0.0.1:{talkative.port}"}
    web = client.post(
        "/api/web-session/", json={"username": "asha", "password": PASSWORD}, headers=origin
    )
    secrets.add(web.json()["access"])
    (cookie,) = web.cookies.values()
    client.cookies.clear()
    changed = {"old_password": PASSWORD, "new_password": "another quiet river"}
    assert client.post("/api/change-password/", json=changed, headers=headers).status_code == 200
    client.get("/api/me/", headers={"Authorization": "Basic c29tZWJvZHk6c2VjcmV0"})
    secrets |= {*signed_in.values(), *renewed.values(), key, encoded[:60], cookie}
    secrets |= {"sEcReT-in-a-query", "c29tZWJvZHk6c2VjcmV0", str(IMAGE[40:60])}
    secrets |= {talkative.key(kind) for kind in ("inference", "management", "API")}
    secrets |= {(talkative.folder / "data" / "secret_key").read_text()}
    assert len(secrets) > 12

    signed = [line for line in lines(talkative) if line.get("path") == "/api/change-password/"]
    assert [line["user_id"] for line in signed] == [1]
    log = talkative.log.read_text()
    assert [secret for secret in secrets if secret[:60] in log] == []


def test_torchserve_started_anew_costs_patience_and_no_answer(talkative: Ranjana) -> None:
    restarts = talkative.restarts
    with steadily(lambda: talkative.predict(IMAGE), seconds=1) as responses:
        talkative.java().terminate()
        wait_for(lambda: talkative.restarts > restarts, PATIENCE)
    assert {response.status_code for response in responses} == {200}
    assert {response.json()["predicted_class"] for response in responses} == {5}
    assert talkative.client.get("/ready").status_code == 200


def test_processes_are_replaced_one_by_one_and_no_request_is_lost(talkative: Ranjana) -> None:
    parent, *before = served_by(talkative)
    with steadily(lambda: talkative.predict(IMAGE), seconds=1) as responses:
        parent.send_signal(signal.SIGHUP)
        wait_for(lambda: not any(each.is_running() for each in before), 60)
        wait_for(lambda: len(served_by(talkative)) == 3, 30)
    assert {response.status_code for response in responses} == {200}
    assert served_by(talkative)[0] == parent


def served_by(running: Ranjana) -> list[psutil.Process]:
    """The process that has the service's listener, and those that answer."""
    (parent,) = (each for each in running.processes() if "-m auth_api" in command_of(each))
    return [parent, *(each for each in parent.children() if "spawn_main" in command_of(each))]


def test_a_launcher_that_is_killed_takes_everything_along(talkative: Ranjana) -> None:
    everything = talkative.processes()
    assert len(everything) >= 5
    os.kill(talkative.process.pid, signal.SIGKILL)
    talkative.process.wait()
    wait_for(lambda: not any(map(lives, everything)), 30)
    with pytest.raises(httpx2.TransportError):
        talkative.client.get("/health")


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


DRAIN = 3


def test_a_service_that_stops_says_so_and_answers_all_that_it_has_accepted(
    start_api: StartApi, database: str
) -> None:
    if database == "postgresql":
        pytest.skip("it does not depend on the database")
    api = start_api({"DRAIN_SECONDS": str(DRAIN), "JOB_CONCURRENCY": "0"})
    user = api.sign_up()
    job = hand_in(user, characters(1))
    with ThreadPoolExecutor(2) as pool, slow_upload(api.port) as upload:
        events = pool.submit(user.get, f"/api/jobs/{job}/events/")
        steady = pool.submit(lambda: [user.compare(7) for _ in range(3)])
        assert api.client.get("/ready").status_code == 200
        time.sleep(0.5)
        api.process.terminate()
        told = time.monotonic()
        # It is still there for those who have not noticed.
        wait_for(lambda: api.client.get("/ready").json()["success"] is False, 2, 0.05)
        ready = api.client.get("/ready")
        assert (ready.status_code, ready.json()["code"]) == (503, "stopping")
        assert ready.headers["Connection"] == "close"
        assert user.predict(5).json()["predicted_class"] == 5
        # Its clients ask elsewhere.
        assert "event: progress" in events.result(DRAIN).text
        assert time.monotonic() - told < DRAIN
        assert {response.status_code for response in steady.result(30)} == {200}
        wait_for(lambda: not listens(api.port), DRAIN + 5)
        assert api.process.poll() is None
        assert upload().startswith(b"HTTP/1.1 200 OK")
    assert api.process.wait(20) in {0, -signal.SIGTERM}


class slow_upload:  # noqa: N801 - reads as a function
    """A request of which half is sent; called, it sends the rest and answers what is answered."""

    def __init__(self, port: int) -> None:
        body = json.dumps({"image": base64.b64encode(IMAGE).decode()}).encode()
        self._rest = body[len(body) // 2 :]
        self._socket = socket.create_connection(("127.0.0.1", port))
        head = (
            "POST /api/predict/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + body[: len(body) // 2])

    def __enter__(self) -> slow_upload:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def __call__(self) -> bytes:
        self._socket.sendall(self._rest)
        self._socket.settimeout(30)
        return self._socket.recv(4096)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True
