"""The service stops and restarts without losing a request. Its logs cover each request in all
processes and contain no secret.
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
from tests.support.running import Launch, Ranjana, command_of, steadily, wait_for

IMAGE = encode(reference(5))
RETRY_SECONDS = 90


@pytest.fixture(scope="module")
def verbose(
    postgresql: PostgreSQL, small_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ranjana]:
    """The launcher with TorchServe and two service processes, at log level debug."""
    settings = {
        "MODELS": "ranjana",
        "MODEL_STORE": str(small_store),
        "DATABASE_URL": postgresql.new_database(),
        "API_WORKERS": "2",
        "LOG_LEVEL": "debug",
        "TORCHSERVE_RETRY_SECONDS": str(RETRY_SECONDS),
        "TORCHSERVE_TIMEOUT": "60",  # workers start slowly beside other tests
        "DRAIN_SECONDS": "1",
    }
    running = Ranjana(tmp_path_factory.mktemp("verbose"), settings)
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.kill()


def lines(running: Ranjana) -> list[dict[str, Any]]:
    """The JSON lines of the log, without the lines that the launcher and Java write for people."""
    for_people = ("Starting TorchServe", "Picked up JAVA_TOOL_OPTIONS", "Ranjana is ready")
    found = running.log.read_text().splitlines()
    return [json.loads(line) for line in found if not line.startswith(for_people)]


def test_the_request_id_is_in_the_logs_of_service_and_worker(verbose: Ranjana) -> None:
    for number, image in enumerate((IMAGE, b"no picture")):
        headers = {"X-Request-ID": f"find-me-{number}"}
        verbose.client.post("/api/predict/", files={"image": image}, headers=headers)

    def logged(chosen: str) -> dict[str, dict[str, Any]]:
        found = lines(verbose)
        ours = {line["request_id"] for line in found if line.get("client_request_id") == chosen}
        assert len(ours) <= 1
        assert chosen not in ours
        return {line["logger"]: line for line in found if line.get("request_id") in ours}

    names = {"auth_api.http.request_context", "ranjana.worker"}
    # TorchServe may write its log after the answers.
    wait_for(lambda: all(logged(f"find-me-{n}").keys() >= names for n in (0, 1)), 10)
    answered, refused = logged("find-me-0")["ranjana.worker"], logged("find-me-1")["ranjana.worker"]
    assert (answered["message"], answered["level"]) == ("answered", "debug")
    assert (refused["message"], refused["level"], refused["code"]) == (
        "refused",
        "info",
        "unreadable_image",
    )
    assert logged("find-me-1")["auth_api.http.request_context"]["status"] == 415
    for line in lines(verbose):
        assert {"time", "level", "logger", "message"} <= line.keys()
    loggers = {line["logger"].partition(".")[0] for line in lines(verbose)}
    # No other library is chatty.
    ours = {"auth_api", "torchserve", "ranjana"}
    assert ours <= loggers <= {*ours, "launcher", "asyncio"}


def test_no_log_has_a_password_a_token_a_key_or_an_image(verbose: Ranjana) -> None:
    client, secrets = verbose.client, {PASSWORD, "another quiet river"}
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
    origin = {"Origin": f"http://127.0.0.1:{verbose.port}"}
    web = client.post(
        "/api/web-session/", json={"username": "asha", "password": PASSWORD}, headers=origin
    )
    secrets.add(web.json()["access"])
    cookies = {*web.cookies.values()}
    assert len(cookies) == 2
    client.cookies.clear()
    changed = {"old_password": PASSWORD, "new_password": "another quiet river"}
    assert client.post("/api/change-password/", json=changed, headers=headers).status_code == 200
    client.get("/api/me/", headers={"Authorization": "Basic c29tZWJvZHk6c2VjcmV0"})
    secrets |= {*signed_in.values(), *renewed.values(), key, encoded[:60], *cookies}
    secrets |= {"sEcReT-in-a-query", "c29tZWJvZHk6c2VjcmV0", str(IMAGE[40:60])}
    secrets |= {verbose.key(kind) for kind in ("inference", "management", "API")}
    secrets |= {(verbose.folder / "data" / "secret_key").read_text()}
    assert len(secrets) > 12

    signed = [line for line in lines(verbose) if line.get("path") == "/api/change-password/"]
    assert [line["user_id"] for line in signed] == [1]
    log = verbose.log.read_text()
    assert [secret for secret in secrets if secret[:60] in log] == []


def test_requests_wait_for_a_restart_of_torchserve_and_none_fails(verbose: Ranjana) -> None:
    restarts = verbose.restarts
    with steadily(lambda: verbose.predict(IMAGE), seconds=1) as responses:
        verbose.java().kill()
        # /ready fails, so load balancers stop sending; /health does not, so nobody restarts it.
        wait_for(lambda: verbose.client.get("/ready").status_code == 503, 30)
        assert verbose.client.get("/health").status_code == 200
        wait_for(lambda: verbose.restarts > restarts, RETRY_SECONDS)
    assert {response.status_code for response in responses} == {200}
    assert {response.json()["predicted_class"] for response in responses} == {5}
    wait_for(lambda: verbose.client.get("/ready").status_code == 200, 10)


@pytest.mark.thorough
def test_processes_are_replaced_one_by_one_and_no_request_fails(verbose: Ranjana) -> None:
    parent, *before = service_processes(verbose)
    with steadily(lambda: verbose.predict(IMAGE), seconds=1) as responses:
        parent.send_signal(signal.SIGHUP)
        wait_for(lambda: not any(each.is_running() for each in before), 60)
        wait_for(lambda: len(service_processes(verbose)) == 3, 30)
    assert {response.status_code for response in responses} == {200}
    assert service_processes(verbose)[0] == parent


def service_processes(running: Ranjana) -> list[psutil.Process]:
    """The supervisor of the service, then the processes that answer requests."""
    (parent,) = (each for each in running.processes() if "-m auth_api" in command_of(each))
    return [parent, *(each for each in parent.children() if "spawn_main" in command_of(each))]


def test_a_killed_launcher_leaves_no_process_and_no_file(verbose: Ranjana, launch: Launch) -> None:
    processes = verbose.processes()
    assert len(processes) >= 5
    os.kill(verbose.process.pid, signal.SIGKILL)
    verbose.process.wait()
    wait_for(lambda: not any(map(is_alive, processes)), 30)
    with pytest.raises(httpx2.TransportError):
        verbose.client.get("/health")
    # The next launcher removes the files.
    successor = launch(verbose.folder)
    wait_for(lambda: bool(successor.processes()), 30)
    successor.stop()
    assert list(verbose.folder.glob("ranjana-*")) == []


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


DRAIN = 3


@pytest.mark.database("sqlite")
def test_a_stopping_service_is_not_ready_and_answers_all_accepted_requests(
    start_api: StartApi,
) -> None:
    api = start_api({"DRAIN_SECONDS": str(DRAIN), "JOB_CONCURRENCY": "0"})
    user = api.sign_up()
    job = hand_in(user, characters(1))
    with ThreadPoolExecutor(2) as pool, slow_upload(api.port) as upload:
        events = pool.submit(user.get, f"/api/jobs/{job}/events/")
        steady = pool.submit(lambda: [user.compare(7) for _ in range(3)])
        assert api.client.get("/ready").status_code == 200
        time.sleep(0.5)
        api.process.send_signal(signal.SIGTERM)
        signalled = time.monotonic()
        # It still answers clients that have not noticed.
        wait_for(lambda: api.client.get("/ready").json()["success"] is False, 2, 0.05)
        ready = api.client.get("/ready")
        assert (ready.status_code, ready.json()["code"]) == (503, "stopping")
        assert ready.headers["Connection"] == "close"
        assert user.predict(5).json()["predicted_class"] == 5
        # Event streams end, so that clients turn to another process.
        assert "event: progress" in events.result(DRAIN).text
        assert time.monotonic() - signalled < DRAIN
        assert {response.status_code for response in steady.result(30)} == {200}
        wait_for(lambda: not is_listening(api.port), DRAIN + 5)
        assert api.process.poll() is None
        assert upload().startswith(b"HTTP/1.1 200 OK")
    assert api.process.wait(20) in {0, -signal.SIGTERM}


class slow_upload:  # noqa: N801 - reads as a function
    """A request of which half is sent. A call sends the rest and returns the answer."""

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


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True
