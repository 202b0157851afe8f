"""A server of S3 for tests, from a wheel: nanio, with signatures.

It checks signatures, but knows no policies, no versions and no encryption. Its objects are files.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from auth_api.settings import Settings
from launcher.ports import free_port
from tests.support.running import wait_for

ACCESS_KEY, SECRET_KEY = "ranjana", "a key of tests only"


class S3Server:
    """Runs until it is stopped; `start` starts it again on the same port."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self._folder = folder
        self._host = host
        self.port = free_port()
        self.log = folder / "log"
        self.start()

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self.port}"

    def start(self) -> None:
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "nanio", "serve", "--host", self._host),
                    *("--port", str(self.port), "--data-dir", str(self._folder / "data")),
                ],
                env={
                    **os.environ,
                    "NANIO_ACCESS_KEY": ACCESS_KEY,
                    "NANIO_SECRET_KEY": SECRET_KEY,
                },
                stdout=log,
                stderr=log,
            )
        wait_for(self._listens, 60)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(30)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Refuses connections."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Accepts connections and answers nothing."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def new_bucket(self) -> S3Bucket:
        name = f"bucket-{secrets.token_hex(4)}"
        folder = self._folder / "data" / name
        folder.mkdir()
        return S3Bucket(self, name, folder)

    def _listens(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            socket.create_connection((self._host, self.port), 1).close()
        except OSError:
            return False
        return True


class S3Bucket:
    """An empty bucket."""

    def __init__(self, server: S3Server, name: str, folder: Path) -> None:
        self.server = server
        self._folder = folder
        self.settings = {
            "STORAGE_URL": f"s3://{name}/pre/fix",
            "AWS_ENDPOINT_URL": server.url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    def add(self, name: str, content: bytes) -> None:
        """Adds an object as somebody else."""
        path = self._folder / "pre" / "fix" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def objects(self) -> dict[str, Path]:
        """The files of the objects, by their names below the prefix."""
        root = self._folder / "pre" / "fix"
        return {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}

    def make_old(self, seconds: float) -> None:
        """Makes all objects older."""
        shutil.rmtree(self._folder / ".nanio-meta")  # which has a second copy of their times
        for path in self.objects().values():
            moment = path.stat().st_mtime - seconds
            os.utime(path, (moment, moment))


def bucket_settings(environment: Mapping[str, str]) -> Settings:
    """Settings of a service with these variables."""
    return Settings(**{name.lower(): value for name, value in environment.items()})  # type: ignore[arg-type]
