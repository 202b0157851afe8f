"""Several processes share their limits through Redis."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.ports import free_port
from tests.support.apis import PASSWORD, StartApi
from tests.support.commands import command as run
from tests.support.measured import value
from tests.support.running import wait_for

_PASSWORD = "1b0c4d7e9a2f"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address and the process of a new Redis server."""
    server = shutil.which("redis-server")
    if not server:
        pytest.skip("needs Redis (on Debian: apt-get install redis-server)")
    port = free_port()
    log = tmp_path / "redis.log"
    # As in docker-compose.yml.
    (tmp_path / "redis_conf").write_text(f"requirepass {_PASSWORD}\n")
    command = [server, tmp_path / "redis_conf", "--port", str(port), "--save", ""]
    command += ["--dir", str(tmp_path)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output)
    wait_for(lambda: b"Ready to accept connections" in log.read_bytes(), 20)
    yield f"redis://:{_PASSWORD}@127.0.0.1:{port}", process
    process.kill()
    process.wait()


@pytest.mark.database("sqlite")
def test_two_processes_share_counts_and_keep_serving_without_redis(
    start_api: StartApi, redis: tuple[str, subprocess.Popen[bytes]]
) -> None:
    address, process = redis
    environment = {
        "RATE_LIMIT_ENABLED": "true",
        "RATE_LIMIT_STORAGE": address,
        "RATE_LIMIT_OTHER": "6/minute",
        "FAILED_SIGNINS_ACCOUNT": "2/hour",
    }
    first = start_api(environment)
    second = start_api(environment, beside=first)
    body = {"refresh": "x"}
    answers = [
        api.client.post("/api/token/refresh/", json=body).status_code
        for _ in range(4)
        for api in (first, second)
    ]
    assert answers == 6 * [401] + 2 * [429]
    user = first.sign_up()
    for api, password, status in (
        (first, "wrong", 401),
        (second, "wrong", 401),
        (first, PASSWORD, 429),
        (second, PASSWORD, 429),
    ):
        fields = {"username": user.username, "password": password}
        assert api.client.post("/api/signin/", json=fields).status_code == status
    assert run(first, "users", "unlock", user.username).code == 0
    assert second.sign_in(user.username)
    process.kill()
    process.wait()
    assert second.client.post("/api/token/refresh/", json=body).status_code == 401
    assert "rate limits cannot be reached" in second.log.read_text()
    assert value(second.metrics(), "rate_limit_store_failures_total") > 0


@pytest.mark.database("sqlite")
def test_a_store_that_hangs_holds_up_one_request_for_a_second(
    start_api: StartApi, redis: tuple[str, subprocess.Popen[bytes]]
) -> None:
    address, process = redis
    limit = {"RATE_LIMIT_OTHER": "100/minute"}
    api = start_api({"RATE_LIMIT_ENABLED": "true", "RATE_LIMIT_STORAGE": address, **limit})

    def ask() -> tuple[float, str | None]:
        began = time.monotonic()
        answer = api.client.post("/api/token/refresh/", json={"refresh": "x"})
        assert answer.status_code == 401
        return time.monotonic() - began, answer.headers.get("X-RateLimit-Remaining")

    assert ask()[1] == "99"
    process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        asked = [ask() for _ in range(10)]
        assert time.monotonic() - began < 5
    finally:
        process.send_signal(signal.SIGCONT)
    assert 1 <= asked[0][0] < 3
    assert {left for _, left in asked} == {None}
    wait_for(lambda: ask()[1] is not None, 20)
