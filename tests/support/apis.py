"""Starts API processes on either database, with the TorchServe of the other tests."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from archive_scripts.archives.building import ROOT
from auth_api.settings import Settings
from launcher.ports import free_port
from tests.support.forked import ForkedApi, run_command
from tests.support.pictures import encode, reference
from tests.support.running import Ranjana, local_client, metrics_of, private, wait_for

PASSWORD = "a long quiet river"

_numbers = itertools.count(1)


@dataclass
class User:
    """A user who is signed in."""

    api: Api
    username: str
    email: str
    refresh: str
    access: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}

    def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {**self.headers, **options.pop("headers", {})}
        return self.api.client.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx2.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx2.Response:
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> httpx2.Response:
        return self.request("DELETE", path, **options)

    def predict(self, index: int = 0) -> httpx2.Response:
        return self.post("/api/predict/", files={"image": encode(reference(index))})

    def compare(self, index: int = 0, target: int | None = None) -> httpx2.Response:
        target = index if target is None else target
        image = encode(reference(index))
        data = {"target_class": str(target)}
        return self.post("/api/similarity/", files={"image": image}, data=data)


class Api:
    """`python -m auth_api` on its own database."""

    def __init__(
        self,
        folder: Path,
        ranjana: Ranjana,
        database_url: str = "",
        environment: Mapping[str, str] | None = None,
        root: Path = ROOT,
        port: int = 0,
    ) -> None:
        """`root` is the checkout whose code runs. `port`: 0 for any free one."""
        folder.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.folder = folder
        self.database_url = database_url or f"sqlite:///{folder / 'data' / 'ranjana.db'}"
        self.media = folder / "media"
        self.log = folder / "log"
        self.port = port or free_port()
        self.metrics_port = free_port()
        (key_file,) = ranjana.folder.glob("ranjana-*/home/key_file.json")
        self.environment = {
            **os.environ,
            **private(folder),
            "API_PORT": str(self.port),
            "METRICS_PORT": str(self.metrics_port),
            "DATABASE_URL": self.database_url,
            "TORCHSERVE_INFERENCE_URL": f"http://127.0.0.1:{ranjana.inference_port}",
            "TORCHSERVE_MANAGEMENT_URL": f"http://127.0.0.1:{ranjana.management_port}",
            "TORCHSERVE_KEY_FILE": str(key_file),
            **(environment or {}),
        }
        # A fork does not read variables for the interpreter and libraries anew.
        settings = Settings.model_fields.keys() - {"api_workers"}
        self._fork = root == ROOT and {name.lower() for name in environment or {}} <= settings
        self.client = local_client(self.port)
        self.start()

    def start(self) -> None:
        self.process: ForkedApi | subprocess.Popen[bytes]
        if self._fork:
            self.process = ForkedApi(self.environment, self.log)
            return
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "auth_api"],
                cwd=self.root,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def wait_until_alive(self, seconds: float = 30) -> Api:
        def alive() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            try:
                return self.client.get("/health").status_code == 200
            except httpx2.TransportError:
                return False

        wait_for(alive, seconds)
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)

    def metrics(self) -> str:
        return metrics_of(self.metrics_port)

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a command of `python -m auth_api` on the same database."""
        return run_command(self.environment, *arguments, stdin=stdin)

    def sign_up(self, username: str | None = None, password: str = PASSWORD) -> User:
        username = username or f"user{next(_numbers)}"
        email = f"{username}@example.org"
        fields = {"username": username, "email": email, "password": password}
        response = self.client.post("/api/signup/", json=fields)
        assert response.status_code == 201, response.text
        return self.sign_in(username, password)

    def sign_in(self, username: str, password: str = PASSWORD) -> User:
        fields = {"username": username, "password": password}
        response = self.client.post("/api/signin/", json=fields)
        assert response.status_code == 200, response.text
        return User(self, username, f"{username}@example.org", **response.json())


StartApi = Callable[..., Api]
"""Starts another API on the database under test: `start_api(environment)`."""
