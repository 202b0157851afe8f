"""TorchServe and the service started separately, as in containers, and the service in several
processes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from archive_scripts.archives.building import ROOT
from launcher.ports import free_port
from tests.support.apis import PASSWORD, Api
from tests.support.jobs import characters, finished, hand_in
from tests.support.pictures import encode, reference
from tests.support.postgresql import PostgreSQL
from tests.support.running import Ranjana, command_of, steadily, wait_for

_WORKERS = 3
# Enough for one or two shared cores.
_SECONDS = 60


@pytest.fixture(scope="module")
def torchserve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ranjana]:
    """TorchServe without the service. The folder of its keys outlives it."""
    folder = tmp_path_factory.mktemp("torchserve")
    home = folder / "ranjana-keys" / "home"
    home.mkdir(parents=True)
    # Left by an earlier container.
    (home / "key_file.json").write_text("{}")
    running = Ranjana(folder, {"MODELS": "ranjana", "TORCHSERVE_HOME": str(home)}, "torchserve")
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.kill()


def _is_healthy(torchserve: Ranjana) -> bool:
    """The result of the container's health check."""
    checked = subprocess.run(
        [sys.executable, "-m", "launcher.answering"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(torchserve.folder / "data")},
        capture_output=True,
        check=False,
    )
    return checked.returncode == 0


@pytest.mark.thorough
def test_processes_share_callers_keys_and_jobs_and_a_dead_one_is_replaced(
    torchserve: Ranjana, postgresql: PostgreSQL, tmp_path: Path
) -> None:
    assert _is_healthy(torchserve)
    with pytest.raises(httpx2.ConnectError):
        torchserve.client.get("/health")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "secret_key").write_text("Tz4vPq9sXw2mLk7bRf5nHc8dJy3gQa6e\n")
    (secrets / "database_password").write_text("hunter2\n")
    environment = {"API_WORKERS": str(_WORKERS), "SECRETS_DIR": str(secrets), "MODELS": "ranjana"}
    api = Api(tmp_path / "api", torchserve, postgresql.new_database(), environment)
    try:
        _require_sharing(api.wait_until_alive(), torchserve)
        assert not (api.folder / "data" / "secret_key").exists()
        migrated = api.command("migrate", "--json")
        assert '"revision": "' in migrated.stdout, migrated.stderr
        servers = _servers(api)
        assert api.stop() == 0
        assert [server for server in servers if command_of(server)] == []
    finally:
        api.stop(signal.SIGKILL)


def _require_sharing(api: Api, torchserve: Ranjana) -> None:
    wait_for(lambda: api.client.get("/ready").status_code == 200, _SECONDS)
    user, image = api.sign_up(), {"image": encode(reference(9))}
    # A new connection for each request, so that every process answers some.
    url, headers = f"http://127.0.0.1:{api.port}/api/predict/", user.headers

    def ask() -> httpx2.Response:
        return httpx2.post(url, files=image, headers=headers, timeout=_SECONDS, verify=False)

    with steadily(ask) as answers:
        job = hand_in(user, characters(12), "/api/jobs/predict/")
        for kind in ("inference", "management"):  # as other users of TorchServe do
            _renew(torchserve, kind)
        assert finished(user, job)["counts"]["succeeded"] == 12
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["predicted_class"] for answer in answers} == {9}
    counted = "/api/analytics/me/"
    wait_for(lambda: user.get(counted).json()["totals"]["answers"] == len(answers) + 12, 10)

    servers = _servers(api)
    assert len(servers) == _WORKERS
    with steadily(ask, ignored=httpx2.TransportError) as answers:
        servers[0].kill()
        wait_for(lambda: len(_servers(api)) == _WORKERS and servers[0] not in _servers(api), 90)
    assert {answer.status_code for answer in answers} == {200}
    assert api.sign_in(user.username, PASSWORD).get("/api/me/").status_code == 200


def _renew(torchserve: Ranjana, kind: str) -> None:
    response = httpx2.get(
        f"http://127.0.0.1:{torchserve.management_port}/token",
        params={"type": kind},
        headers={"Authorization": f"Bearer {torchserve.key('API')}"},
    )
    assert response.status_code == 200, response.text


def _servers(api: Api) -> list[psutil.Process]:
    """The processes that answer requests."""
    children = psutil.Process(api.process.pid).children()
    return [child for child in children if "spawn_main" in command_of(child)]


def test_with_versions_elsewhere_only_predictions_are_sent(
    torchserve: Ranjana, tmp_path: Path
) -> None:
    environment = {
        "MODELS": "ranjana",
        "VERSIONS_ELSEWHERE": "true",
        # Nothing listens there.
        "TORCHSERVE_MANAGEMENT_URL": f"http://127.0.0.1:{free_port()}",
    }
    api = Api(tmp_path, torchserve, environment=environment)
    try:
        user = api.wait_until_alive().sign_up()
        assert api.client.get("/ready").json()["models"] == {"ranjana": "ready"}
        assert user.predict(9).json()["predicted_class"] == 9
        shown = api.client.get("/api/models/ranjana/").json()
        assert (shown["state"], shown["versions"]) == ("ready", [])
        for command in ("register ranjana ranjana.mar", f"train ranjana --user {user.username}"):
            refused = api.command("models", *command.split())
            assert refused.returncode == 1
            assert "not this service" in refused.stderr
        assert torchserve.stop() == 0
        assert not _is_healthy(torchserve)
        # It is kept for five seconds, and so long after the last answer the model is not asked.
        wait_for(lambda: api.client.get("/ready").status_code == 503, 15)
        assert api.client.get("/ready/database").status_code == 200
        # The keys are removed, the folder stays.
        assert list(torchserve.folder.glob("ranjana-*/home"))
    finally:
        api.stop(signal.SIGKILL)
