"""Three hosts behind one address, one of them cut off: two services, and one of TorchServe.

The first service's host also has PostgreSQL, Redis and S3. A host is a network namespace of this
machine, so that a cut loses packets and closes no connection.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from archive_scripts.archives.building import ROOT
from tests.faults.callers import Callers, calling
from tests.faults.conftest import Row
from tests.support.apis import Api
from tests.support.call_loops import CUT
from tests.support.network import Network, NoNetwork
from tests.support.postgresql import PostgreSQL
from tests.support.running import Ranjana, wait_for
from tests.support.s3 import S3Server

pytestmark = pytest.mark.faults

_SECONDS = 20
_REDIS_PORT, _POSTGRESQL_PORT = 6379, 5432


@dataclass
class Hosts:
    network: Network
    first: Api
    second: Api
    url: str
    """The address of both services."""

    @contextmanager
    def cut_off(self, host: str) -> Iterator[Callers]:
        """Callers of a host that is cut off in the body of the `with`."""
        with calling(self.url) as callers:
            callers.wait_until_answered(time.monotonic())
            self.network.cut(host)
            try:
                yield callers
            finally:
                self.network.join(host)
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        for host, api in (("first", self.first), ("second", self.second)):
            with self.network.inside(host):
                wait_for(lambda api=api: api.client.get("/ready").status_code == 200, 120)  # type: ignore[misc]


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    try:
        network = Network("first", "second", "torchserve")
    except NoNetwork:
        pytest.skip("needs root, and iproute2 and util-linux, to make network namespaces")
    yield network
    network.close()


@pytest.fixture(scope="module")
def hosts(
    network: Network,
    store: Path,
    postgresql: PostgreSQL,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Hosts]:
    redis = shutil.which("redis-server")
    if not redis:
        pytest.skip("needs Redis (on Debian: apt-get install redis-server)")
    folder, at = tmp_path_factory.mktemp("hosts"), network.addresses
    socket_of_database = postgresql.socket()
    with ExitStack() as running:
        with network.inside("torchserve"):
            home = folder / "torchserve" / "ranjana-keys" / "home"
            home.mkdir(parents=True)
            models = {"MODELS": "ranjana,similarity", "MODEL_STORE": str(store)}
            reachable = {"TORCHSERVE_HOST": "0.0.0.0", "TORCHSERVE_MANAGEMENT_HOST": "0.0.0.0"}
            there = {**models, **reachable, "TORCHSERVE_HOME": str(home)}
            torchserve = Ranjana(folder / "torchserve", there, "torchserve")
            running.callback(torchserve.kill)
        with network.inside("first"):
            s3 = S3Server(folder, at["first"])
            running.callback(s3.stop)
            address = f"{at['first']}:{_POSTGRESQL_PORT}"
            command = [sys.executable, "-m", "tests.support.forwarding", "relay", address]
            running.callback(_ended, subprocess.Popen([*command, socket_of_database], cwd=ROOT))
            command = [redis, "--port", str(_REDIS_PORT), "--bind", at["first"], "--save", ""]
            running.callback(
                _ended,
                subprocess.Popen(
                    [*command, "--protected-mode", "no", "--dir", str(folder)],
                    stdout=subprocess.DEVNULL,
                ),
            )
        torchserve.wait_until_ready()
        settings = {
            **models,
            **s3.new_bucket().settings,
            "API_HOST": "0.0.0.0",
            "RATE_LIMIT_ENABLED": "true",
            "RATE_LIMIT_STORAGE": f"redis://{at['first']}:{_REDIS_PORT}",
            "RATE_LIMIT_PREDICT": "100000/minute",
            "RATE_LIMIT_PREDICT_ADDRESS": "100000/minute",
            "RATE_LIMIT_OTHER": "100000/minute",
            "SECRET_KEY": "Tz4vPq9sXw2mLk7bRf5nHc8dJy3gQa6e",
            "TORCHSERVE_INFERENCE_URL": f"http://{at['torchserve']}:{torchserve.inference_port}",
            "TORCHSERVE_MANAGEMENT_URL": f"http://{at['torchserve']}:{torchserve.management_port}",
            "TORCHSERVE_RETRY_SECONDS": "30",
            "MAX_QUEUE_SECONDS": "2",
            # A variable for the interpreter: the service starts in this namespace, not as a fork.
            "PYTHONUNBUFFERED": "1",
        }
        database = postgresql.new_database().partition("?")[0].rpartition("/")[2]
        url = f"postgresql://postgres@{at['first']}:{_POSTGRESQL_PORT}/{database}"
        apis = []
        for host in ("first", "second"):
            with network.inside(host):
                apis.append(Api(folder / host, torchserve, url, settings))
                running.callback(apis[-1].stop, signal.SIGKILL)
                apis[-1].wait_until_alive(60)
        services = [f"{at[host]}:{api.port}" for host, api in zip(at, apis, strict=False)]
        found = Hosts(network, *apis, _balance(network, services, running))
        found.wait_until_ready()
        yield found


def _balance(network: Network, services: list[str], running: ExitStack) -> str:
    """The address of the services, for callers on this machine."""
    listener = running.enter_context(socket.create_server(("127.0.0.1", 0)))
    number = listener.fileno()
    command = [sys.executable, "-m", "tests.support.forwarding", "balance", str(number)]
    with network.inside("switch"):
        process = subprocess.Popen([*command, *services], cwd=ROOT, pass_fds=[number])
    running.callback(_ended, process)
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def test_a_service_is_cut_off(hosts: Hosts, row: Row) -> None:
    with hosts.cut_off("second") as callers:
        began = time.monotonic()
        time.sleep(_SECONDS)
        joined = time.monotonic()
        callers.wait_until_answered(joined)
        row(f"one of two services cut off for {_SECONDS} s", callers, began, CUT)
    assert callers.recovery(began) < _SECONDS / 2


def test_torchserve_is_cut_off(hosts: Hosts, row: Row) -> None:
    with hosts.cut_off("torchserve") as callers:
        time.sleep(_SECONDS)
        hosts.network.join("torchserve")
        joined = time.monotonic()
        callers.wait_until_answered(joined)
        row(f"TorchServe's host cut off for {_SECONDS} s", callers, joined, CUT)
    assert _statuses(callers, "listing") == {200}


def test_the_host_of_the_data_is_cut_off(hosts: Hosts, row: Row) -> None:
    with hosts.cut_off("first") as callers:
        time.sleep(_SECONDS)
        hosts.network.join("first")
        joined = time.monotonic()
        callers.wait_until_answered(joined)
        row(f"the host of PostgreSQL, Redis and S3 cut off for {_SECONDS} s", callers, joined, CUT)
    assert _statuses(callers, "anonymous") <= {200, CUT}


def _statuses(callers: Callers, caller: str) -> set[int]:
    return {call.status for call in callers.calls if call.caller == caller}
