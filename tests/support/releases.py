"""An operator who releases versions, with a service and a model store for the test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from archive_scripts.archives.building import ROOT
from tests.support.apis import PASSWORD
from tests.support.archives import ONE_WORKER, STORE, configured, derive
from tests.support.pictures import encode, reference
from tests.support.running import Ranjana, private

SOURCE = STORE / "ranjana.mar"
CONFIG = configured(SOURCE, **ONE_WORKER)


class Operator:
    """An administrator of a service that serves one model from its own store."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "store"
        self.store.mkdir(parents=True)
        self.derived("ranjana.mar", "1.0")
        settings = {"MODELS": "ranjana", "MODEL_STORE": str(self.store)}
        # For commands, which find TorchServe by it.
        self.environment = {**private(folder), **settings}
        self.ranjana = Ranjana(folder, settings)
        self.ranjana.wait_until_ready()
        named = ("--username", "operator", "--email", "operator@example.org")
        made = subprocess.run(
            [sys.executable, "-m", "auth_api", "create-admin", *named],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            input=PASSWORD,
            text=True,
            capture_output=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        fields = {"username": "operator", "password": PASSWORD}
        access = self.ranjana.client.post("/api/signin/", json=fields).json()["access"]
        self.headers = {"Authorization": f"Bearer {access}"}

    @property
    def port(self) -> int:
        return self.ranjana.port

    def appoint(self, username: str, role: str) -> None:
        """Creates an account with a role."""
        fields = {"username": username, "email": f"{username}@example.org", "role": role}
        made = self.ranjana.client.post(
            "/api/admin/users/", json={**fields, "password": PASSWORD}, headers=self.headers
        )
        assert made.status_code == 201, made.text

    def send(self, method: str, path: str, body: object = None) -> httpx2.Response:
        options: dict[str, Any] = {} if body is None else {"json": body}
        return self.ranjana.client.request(
            method, f"/api/models/ranjana/{path}", headers=self.headers, **options
        )

    def model(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.send("GET", "").json()
        return shown

    def versions(self) -> dict[str, dict[str, Any]]:
        return {version["version"]: version for version in self.model()["versions"]}

    def served(self) -> set[str]:
        """The versions in TorchServe itself."""
        response = httpx2.get(
            f"http://127.0.0.1:{self.ranjana.management_port}/models/ranjana/all",
            headers={"Authorization": f"Bearer {self.ranjana.key('management')}"},
            verify=False,
        )
        return {version["modelVersion"] for version in response.json()}

    def derived(
        self, name: str, version: str, members: Mapping[str, bytes] | None = None, **spoilt: Any
    ) -> str:
        """Puts an archive with one worker into the store and returns its name."""
        members = {**CONFIG, **(members or {})}
        return derive(SOURCE, self.store / name, version, members=members, **spoilt).name

    def register(self, version: str, **spoilt: Any) -> httpx2.Response:
        name = self.derived(f"ranjana-{version}.mar", version, **spoilt)
        return self.send("POST", "versions/", {"archive": name})

    def ask(self, device: int) -> httpx2.Response:
        return self.ranjana.client.post(
            "/api/predict/",
            files={"image": encode(reference(device % 36))},
            headers={"X-Device-ID": str(device)},
        )

    def only_the_default(self) -> None:
        """Restores the state of the start."""
        assert self.send("PUT", "default/", {"version": "1.0"}).status_code == 200
        for version in self.versions().keys() - {"1.0"}:
            assert self.send("DELETE", f"versions/{version}/").status_code == 200
