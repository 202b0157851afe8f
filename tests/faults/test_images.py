"""Both images, built and run as on a machine without a container engine: read-only, without rights,
from a checkout that only its owner can read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import psutil
import pytest

from archive_scripts.archives.building import ROOT
from launcher.ports import free_port
from tests.support.apis import PASSWORD
from tests.support.deployed import USER, documents
from tests.support.pictures import encode, reference
from tests.support.running import START_SECONDS, wait_for

# Debian is fetched and both images are built.
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

_BUILD_SECONDS = 1500
_COMMAND_SECONDS = 120
_SERVICES: dict[str, Any] = documents(ROOT / "docker-compose.yml")[0]["services"]


class Container(NamedTuple):
    """A running container, and the process that its command became."""

    image: Path
    process: subprocess.Popen[str]
    log: Path

    @property
    def main(self) -> psutil.Process | None:
        """None while the container is being made."""
        return next(iter(psutil.Process(self.process.pid).children()), None)

    def execute(self, *command: str) -> int:
        """Runs a command in the container, as its health check does. Returns the exit status."""
        if (main := self.main) is None:
            return 1
        inside = ["nsenter", f"--target={main.pid}", "--mount", "--pid", "--root"]
        user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        variables = [f"{name}={value}" for name, value in main.environ().items()]
        working = ["env", "--chdir=/opt/ranjana", *variables]
        done = subprocess.run([*inside, *user, *working, *command], check=False, timeout=30)
        return done.returncode

    def stop(self) -> int:
        assert self.main
        self.main.terminate()
        return self.process.wait(60)


class Machine:
    """The folder of images, volumes and logs, and the containers that run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.containers: list[Container] = []
        names = ("models", "keys", "data", "media", "backups")
        self.volumes = {name: folder / "volumes" / name for name in names}
        for volume in self.volumes.values():
            volume.mkdir(parents=True)
            os.chown(volume, USER, USER)

    def command(
        self, service: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> list[str]:
        """A command line that runs `command` as a service of compose."""
        description = _SERVICES[service]
        image = description["image"].partition(":")[0].removeprefix("ranjana-")
        emulate = [sys.executable, str(ROOT / "deploy" / "docker" / "emulate.py"), "run"]
        options = []
        for volume in description["volumes"]:
            name, _, rest = volume.partition(":")
            options += ["--volume", f"{self.volumes[name]}:{rest}"]
        if "secrets" in description:
            options += ["--volume", f"{self.folder / 'secrets'}:/run/secrets:ro"]
        for name, value in {**description.get("environment", {}), **environment}.items():
            options += ["--env", f"{name}={value}"]
        return [*emulate, *options, str(self.folder / image), *command]

    def run(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(service, command, {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_SECONDS,
        )

    def start(self, service: str, environment: Mapping[str, str]) -> Container:
        log = self.folder / f"{service}.log"
        command = self.command(service, _SERVICES[service]["command"], environment)
        with log.open("w") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file, text=True)
        self.containers.append(Container(self.folder, process, log))
        return self.containers[-1]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("needs root and debootstrap (on Debian: apt-get install debootstrap)")
    folder = tmp_path_factory.mktemp("images")
    checkout = folder / "checkout"
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().splitlines():
        # As git makes them under umask 077.
        (checkout / name).parent.mkdir(0o700, parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, checkout / name)
        (checkout / name).chmod(0o600)
    build = [sys.executable, checkout / "deploy" / "docker" / "emulate.py", "build", folder]
    (folder / "secrets").mkdir()
    (folder / "secrets" / "secret_key").write_text("Tz4vPq9sXw2mLk7bRf5nHc8dJy3gQa6e\n")
    machine = Machine(folder)
    try:
        subprocess.run(build, check=True, timeout=_BUILD_SECONDS)
        yield machine
    finally:
        for container in machine.containers:
            container.process.kill()
            container.process.wait()
        shutil.rmtree(folder)


def test_a_container_can_write_to_its_volumes_only_and_has_no_rights(machine: Machine) -> None:
    program = (
        "import os, pathlib\n"
        "pathlib.Path('/srv/models/probe').touch(); os.remove('/srv/models/probe')\n"
        "print(pathlib.Path('/proc/self/status').read_text())\n"
        "pathlib.Path('/opt/ranjana/probe').touch()"
    )
    done = machine.run("archives", "python", "-c", program)
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr
    status = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    assert status["Uid"].split() == 4 * [str(USER)]
    assert {int(status[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
    assert status["NoNewPrivs"] == "1"


def test_a_training_into_the_image_does_not_begin(machine: Machine) -> None:
    done = machine.run("archives", "python", "-m", "archive_scripts", "train", "recognition")
    assert done.returncode == 1
    assert "Read-only file system: '/opt/ranjana/checkpoints'" in done.stderr


def test_the_containers_of_compose_read_pictures(machine: Machine) -> None:
    began = time.monotonic()
    archives = machine.run("archives", *_SERVICES["archives"]["command"])
    assert archives.returncode == 0, archives.stderr
    lines = archives.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["copied", "copied", "copied"]
    assert time.monotonic() - began < 60, "an upgrade would wait for it"

    ports = {name: str(free_port()) for name in ("INFERENCE", "MANAGEMENT", "METRICS")}
    torchserve = machine.start(
        "torchserve", {f"TORCHSERVE_{name}_PORT": port for name, port in ports.items()}
    )
    check = _SERVICES["torchserve"]["healthcheck"]["test"][1:]
    _wait_until(torchserve, lambda: torchserve.execute(*check) == 0)

    port = free_port()
    api = machine.start(
        "auth_api",
        {
            "API_PORT": str(port),
            "METRICS_PORT": str(free_port()),
            "TORCHSERVE_INFERENCE_URL": f"http://127.0.0.1:{ports['INFERENCE']}",
            "TORCHSERVE_MANAGEMENT_URL": f"http://127.0.0.1:{ports['MANAGEMENT']}",
            # PostgreSQL and Redis have images of their own.
            "DATABASE_URL": "",
            "API_WORKERS": "1",
            "RATE_LIMIT_STORAGE": "memory://",
        },
    )
    check = [
        part.replace("8000", str(port)) for part in _SERVICES["auth_api"]["healthcheck"]["test"]
    ]
    _wait_until(api, lambda: api.execute(*check[1:]) == 0)
    host = {"Host": "ranjana.example"}
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=host, timeout=60) as client:
        account = {"username": "learner", "password": PASSWORD}
        fields = {**account, "email": "learner@example.org"}
        assert client.post("/api/signup/", json=fields).status_code == 201
        access = client.post("/api/signin/", json=account).json()["access"]
        client.headers["Authorization"] = f"Bearer {access}"
        read = client.post("/api/predict/", files={"image": encode(reference(9))})
        assert (read.status_code, read.json()["predicted_class"]) == (200, 9)
        judged = client.post(
            "/api/similarity/", files={"image": encode(reference(9))}, data={"target_class": "9"}
        )
        assert judged.json()["is_same_character"] is True
    assert api.stop() == 0
    assert torchserve.stop() == 0


def _wait_until(container: Container, condition: Callable[[], bool]) -> None:
    def ready() -> bool:
        assert container.process.poll() is None, container.log.read_text()
        return condition()

    wait_for(ready, START_SECONDS, 1)
